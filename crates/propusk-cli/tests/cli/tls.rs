//! TLS at the listener: its certificate, the exchange of it, and certificates of clients.

#[path = "../../../propusk/tests/wire/support/certificate.rs"]
mod certificate;

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    sync::Arc,
    time::Duration,
};

use certificate::Certificate;
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    crypto::aws_lc_rs::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};

use crate::support::{ALICE, FIXED, Sandbox, Server, until};

const PATIENCE: Duration = Duration::from_secs(20);

const TLS: &str = "[tls]\ncertificate = 'cert.pem'\nkey = 'key.pem'\n";

fn write(place: &Sandbox, certificate: &Certificate) {
    place.write("cert.pem", certificate.pem());
    place.write("key.pem", certificate.key_pem());
}

fn told(server: &mut Server, what: &str, times: usize) {
    until(what, PATIENCE, || {
        (server.err().matches(what).count() >= times).then_some(())
    });
}

const APPLIED: &str = "was read again and is in force";
const REFUSED: &str = "is not taken";

/// `127.0.0.1:PORT`, and the URL by the name of the certificate.
fn places(server: &Server) -> (String, String) {
    let rest = server.url.strip_prefix("https://").expect("https");
    let address = rest.split('/').next().expect("an authority").to_owned();
    let url = server.url.replace("127.0.0.1", "localhost");
    (address, url)
}

/// A connection of somebody who trusts this certificate, and shows that one.
struct Secure(StreamOwned<ClientConnection, TcpStream>);

impl Secure {
    fn connect(
        address: &str,
        trusted: &Certificate,
        own: Option<&Certificate>,
    ) -> io::Result<Self> {
        let der = |certificate: &Certificate| {
            CertificateDer::from_pem_slice(certificate.pem().as_bytes()).expect("a certificate")
        };
        let mut roots = RootCertStore::empty();
        roots.add(der(trusted)).expect("a root");
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots);
        let config = match own {
            None => config.with_no_client_auth(),
            Some(own) => {
                let key = PrivateKeyDer::from_pem_slice(own.key_pem().as_bytes()).expect("a key");
                let chain = vec![der(own)];
                config.with_client_auth_cert(chain, key).expect("its key")
            }
        };
        let name = ServerName::try_from("localhost").expect("a name");
        let mut tls = ClientConnection::new(Arc::new(config), name).expect("a client");
        let mut socket = TcpStream::connect(address)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        while tls.is_handshaking() {
            tls.complete_io(&mut socket)?;
        }
        Ok(Self(StreamOwned::new(tls, socket)))
    }

    /// The status of one request over this connection; `None` where the server has hung up.
    fn status(&mut self, host: &str) -> Option<u16> {
        let request = format!(
            "GET /readyz HTTP/1.1\r\nHost: {host}\r\n\r\nGET /mcp HTTP/1.1\r\nHost: {host}\r\n\r\n"
        );
        self.0.write_all(request.as_bytes()).ok()?;
        let mut read = Vec::new();
        let mut piece = [0; 4096];
        loop {
            let text = String::from_utf8_lossy(&read).into_owned();
            if let Some((_, second)) = text.split_once("ready\n")
                && second.ends_with('}')
            {
                return second.get(9..12)?.parse().ok();
            }
            match self.0.read(&mut piece) {
                Ok(length @ 1..) => read.extend_from_slice(&piece[..length]),
                _ => return None,
            }
        }
    }
}

#[test]
fn a_client_that_trusts_the_certificate_calls_over_https() {
    let place = Sandbox::new();
    let own = Certificate::of("localhost");
    write(&place, &own);
    place.write("other.pem", Certificate::of("localhost").pem());
    place.write("propusk.toml", TLS);
    let flags = [
        "--config",
        "none.toml",
        "--tls-certificate",
        "cert.pem",
        "--tls-key",
        "key.pem",
    ];
    place.write("none.toml", "");
    for flags in [&[][..], &flags] {
        place
            .run(&[&["check-config"], flags, FIXED].concat())
            .code(0);
        let server = place.serve(&[FIXED, flags].concat());
        let (_, url) = places(&server);
        let call = |authorities: &str, token: &str| {
            let env = [("SSL_CERT_FILE", authorities), ("PROPUSK_TOKEN", token)];
            place.run_with(&env, &["call", &url, "whoami"])
        };
        assert_eq!(call("cert.pem", ALICE).code(0).json()["subject"], "alice");
        call("cert.pem", "wrong-token-1").code(3);
        let untrusted = call("other.pem", ALICE).code(5);
        assert!(untrusted.err.contains("SSL_CERT_FILE"), "{untrusted:?}");
        let health = place.run_with(&[("SSL_CERT_FILE", "cert.pem")], &["health", &url]);
        assert_eq!(health.code(0).line(), "ready");
        server.stop().code(0);
    }
}

#[test]
fn a_certificate_that_changes_is_taken_and_what_is_open_stays() {
    let place = Sandbox::new();
    let [first, second] = [(); 2].map(|()| Certificate::of("localhost"));
    write(&place, &first);
    place.write("propusk.toml", TLS);
    let mut server = place.serve(FIXED);
    let (address, _) = places(&server);
    let mut old = Secure::connect(&address, &first, None).expect("trusted");
    assert_eq!(old.status(&address), Some(401));
    // The certificate without its key: what was in force stays.
    place.write("cert.pem", second.pem());
    told(&mut server, REFUSED, 1);
    let err = server.err();
    let line = err.lines().find(|line| line.contains(REFUSED));
    let why = "cert.pem and key.pem: the private key is not that of the certificate";
    assert!(line.is_some_and(|line| line.contains(why)), "{err}");
    let mut again = Secure::connect(&address, &first, None).expect("still the first");
    assert_eq!(again.status(&address), Some(401));
    for (file, content, why) in [
        ("key.pem", "", "the private key: "),
        ("cert.pem", "nonsense", "the certificate: "),
    ] {
        place.write(file, content);
        server.signal("HUP");
        until(why, PATIENCE, || {
            let err = server.err();
            let last = err.lines().rfind(|line| line.contains(REFUSED))?;
            last.contains(why).then_some(())
        });
        Secure::connect(&address, &first, None).expect("still the first");
        write(&place, &first);
    }
    let before = server.err().matches(APPLIED).count();
    write(&place, &second);
    // Without a signal.
    told(&mut server, APPLIED, before + 1);
    until("the second certificate", PATIENCE, || {
        Secure::connect(&address, &second, None).ok().map(drop)
    });
    assert!(Secure::connect(&address, &first, None).is_err());
    assert_eq!(old.status(&address), Some(401), "it is still open");
    server.stop().code(0);
}

#[test]
fn certificates_of_clients_are_asked_for_and_are_no_tokens() {
    let [own, agent, stranger] = [(); 3].map(|()| Certificate::of("localhost"));
    for (asked, without) in [
        ("", None),
        ("client-certificates = 'required'\n", None),
        ("client-certificates = 'optional'\n", Some(401)),
    ] {
        let place = Sandbox::new();
        write(&place, &own);
        place.write("clients.pem", agent.pem());
        place.write(
            "propusk.toml",
            format!("{TLS}client-ca = 'clients.pem'\n{asked}"),
        );
        place.run(&[&["check-config"], FIXED].concat()).code(0);
        let mut server = place.serve(&[FIXED, &["--audit", "audit.jsonl"]].concat());
        let (address, _) = places(&server);
        // TLS 1.3 lets a client go on before it is refused.
        let status = |shown: Option<&Certificate>| {
            let connected = Secure::connect(&address, &own, shown);
            connected
                .ok()
                .and_then(|mut secure| secure.status(&address))
        };
        assert_eq!(status(Some(&agent)), Some(401), "{asked}");
        assert_eq!(status(Some(&stranger)), None, "{asked}");
        assert_eq!(status(None), without, "{asked}");
        until("the line about the agent", PATIENCE, || {
            let audit = std::fs::read_to_string(place.path("audit.jsonl")).ok()?;
            audit.contains("CN=propusk test").then_some(())
        });
        // Other authorities are taken while it runs.
        place.write("clients.pem", stranger.pem());
        told(&mut server, APPLIED, 1);
        assert_eq!(status(Some(&stranger)), Some(401), "{asked}");
        assert_eq!(status(Some(&agent)), None, "{asked}");
        server.stop().code(0);
    }
}

/// Whoever forgets the s is not left waiting.
#[test]
fn plain_http_at_the_port_of_tls_ends_at_once() {
    let place = Sandbox::new();
    write(&place, &Certificate::of("localhost"));
    place.write("propusk.toml", TLS);
    let server = place.serve(FIXED);
    let (address, _) = places(&server);
    let mut plain = TcpStream::connect(&address).expect("a connection");
    plain.set_read_timeout(Some(PATIENCE)).expect("a socket");
    let request = format!("GET /mcp HTTP/1.1\r\nHost: {address}\r\n\r\n");
    plain.write_all(request.as_bytes()).expect("sent");
    let mut answer = Vec::new();
    let ended = plain.read_to_end(&mut answer);
    let waited = |error: &io::Error| {
        matches!(
            error.kind(),
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
        )
    };
    assert!(!ended.as_ref().is_err_and(waited), "{ended:?}");
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    let called = place.call(ALICE, &format!("http://{address}/mcp"), &["whoami"]);
    let called = called.code(5);
    assert!(called.err.contains("is it https?"), "{called:?}");
    assert!(!called.err.contains(ALICE), "{called:?}");
    server.stop().code(0);
}
