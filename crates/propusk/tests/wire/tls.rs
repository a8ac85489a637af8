//! TLS at the listener, the exchange of its certificate, and certificates of clients.

use std::sync::Arc;

use propusk::{
    AccessToken, AuthLayer, AuthSettings, FixedTokens,
    server::{
        AddressRange, ClientCertificates, ForwardedHeader, InvalidTls, Mount, PemDefect, Site, Tls,
        TlsIdentity, TrustedProxies, mount,
    },
};
use rmcp::transport::streamable_http_server::StreamableHttpServerConfig;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore,
        pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
    },
};

use crate::support::{Certificate, Tools, Watch, call, soon};

struct Secure {
    address: std::net::SocketAddr,
    watch: Watch,
    _stop: oneshot::Sender<()>,
}

async fn start(tls: Option<Tls>, proxies: Option<TrustedProxies>) -> Secure {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let scheme = if tls.is_some() { "https" } else { "http" };
    let resource = format!("{scheme}://localhost:{}/mcp", address.port());
    let settings = AuthSettings::new(&resource).expect("a URL");
    let tokens = FixedTokens::new().with("alice", AccessToken::new("alice"));
    let config = StreamableHttpServerConfig::default();
    let (layer, service) = mount(Tools::default(), settings, tokens, config).expect("a key");
    let watch = Watch::default();
    let layer: AuthLayer = layer.audit(watch.clone());
    let mut site = Site::new().mount(Mount::new(&layer, service));
    if let Some(tls) = tls {
        site = site.tls(tls);
    }
    if let Some(proxies) = proxies {
        site = site.trust_proxies(proxies);
    }
    let (stop, stopped) = oneshot::channel();
    tokio::spawn(site.serve_on(listener, async {
        let _ = stopped.await;
    }));
    Secure {
        address,
        watch,
        _stop: stop,
    }
}

/// A client that trusts this certificate, and shows that one.
async fn connect(
    secure: &Secure,
    trusted: &Certificate,
    own: Option<&Certificate>,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(der(trusted)).expect("a root");
    let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots);
    let mut config = match own {
        None => config.with_no_client_auth(),
        Some(own) => {
            let key = PrivateKeyDer::from_pem_slice(own.key_pem().as_bytes()).expect("a key");
            let chain = vec![der(own)];
            config.with_client_auth_cert(chain, key).expect("its key")
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let name = ServerName::try_from("localhost").expect("a name");
    let tcp = TcpStream::connect(secure.address).await?;
    TlsConnector::from(Arc::new(config))
        .connect(name, tcp)
        .await
}

fn der(certificate: &Certificate) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(certificate.pem().as_bytes()).expect("a certificate")
}

/// One call over this connection; nothing comes back where the server has hung up.
async fn whoami(secure: &Secure, stream: &mut TlsStream<TcpStream>, forwarded: &str) -> String {
    let host = format!("localhost:{}", secure.address.port());
    let request = call("whoami").bearer("alice").set("Host", host);
    let request = request.header("X-Forwarded-For", forwarded);
    soon(async {
        let mut read = Vec::new();
        if stream.write_all(&request.bytes()).await.is_ok() {
            let mut piece = [0; 4096];
            while let Ok(length @ 1..) = stream.read(&mut piece).await {
                read.extend_from_slice(&piece[..length]);
                if String::from_utf8_lossy(&read).contains("\"alice\"") {
                    break;
                }
            }
        }
        String::from_utf8_lossy(&read).into_owned()
    })
    .await
}

fn identity(certificate: &Certificate) -> TlsIdentity {
    TlsIdentity::new(certificate.pem(), certificate.key_pem())
}

#[tokio::test]
async fn a_certificate_is_exchanged_and_no_connection_is_lost() {
    let [first, second] = [(); 2].map(|()| Certificate::of("localhost"));
    let tls = Tls::new(&identity(&first)).expect("an identity");
    let site = start(Some(tls.clone()), None).await;
    let mut old = connect(&site, &first, None).await.expect("trusted");
    assert_eq!(old.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    assert!(whoami(&site, &mut old, "").await.contains("200 OK"));
    // What is wrong changes nothing.
    let mixed = TlsIdentity::new(second.pem(), first.key_pem());
    assert_eq!(tls.renew(&mixed), Err(InvalidTls::OtherKey));
    connect(&site, &first, None).await.expect("the former one");
    tls.renew(&identity(&second)).expect("an identity");
    connect(&site, &second, None).await.expect("the new one");
    connect(&site, &first, None).await.expect_err("it is gone");
    assert!(
        whoami(&site, &mut old, "").await.contains("200 OK"),
        "still open"
    );
}

#[test]
fn what_cannot_be_used_is_named_and_not_repeated() {
    let good = Certificate::of("localhost");
    let (pem, key) = (good.pem(), good.key_pem());
    let broken = "-----BEGIN CERTIFICATE-----\nsecret\n";
    let nonsense = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let no_key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let (nothing, malformed) = (PemDefect::Nothing, PemDefect::Malformed);
    for (certificate, key, expected) in [
        ("", &key[..], InvalidTls::Certificate(nothing)),
        (&key[..], &key[..], InvalidTls::Certificate(nothing)),
        (broken, &key, InvalidTls::Certificate(malformed)),
        (nonsense, &key, InvalidTls::Certificate(malformed)),
        (&pem, &pem, InvalidTls::Key(nothing)),
        (&pem, no_key, InvalidTls::Key(malformed)),
    ] {
        let wrong = Tls::new(&TlsIdentity::new(certificate, key)).expect_err(certificate);
        assert_eq!(wrong, expected, "{certificate}");
    }
    let clients = identity(&good).clients("", ClientCertificates::Required);
    let wrong = Tls::new(&clients).expect_err("no authority");
    assert_eq!(wrong, InvalidTls::ClientAuthorities(nothing));
    let clients = identity(&good).clients(nonsense, ClientCertificates::Required);
    let wrong = Tls::new(&clients).expect_err("no authority");
    assert_eq!(wrong, InvalidTls::ClientAuthorities(malformed));
}

#[tokio::test]
async fn a_client_certificate_is_wanted_and_told_of_and_is_no_token() {
    let [server, agent, stranger] = [(); 3].map(|()| Certificate::of("localhost"));
    for asked in [ClientCertificates::Required, ClientCertificates::Optional] {
        let identity = identity(&server).clients(agent.pem(), asked);
        let site = start(Some(Tls::new(&identity).expect("an identity")), None).await;
        let mut known = connect(&site, &server, Some(&agent))
            .await
            .expect("trusted");
        assert!(whoami(&site, &mut known, "").await.contains("200 OK"));
        let seen = site.watch.only();
        let shown = seen.certificate.expect("it was shown");
        assert_eq!(
            (&*shown.subject, shown.sha256.len()),
            ("CN=propusk test", 64)
        );
        // TLS 1.3 lets a client go on before it is refused.
        if let Ok(mut unknown) = connect(&site, &server, Some(&stranger)).await {
            assert_eq!(whoami(&site, &mut unknown, "").await, "", "{asked:?}");
        }
        if let Ok(mut without) = connect(&site, &server, None).await {
            let answer = whoami(&site, &mut without, "").await;
            let expected = asked == ClientCertificates::Optional;
            assert_eq!(answer.contains("200 OK"), expected, "{asked:?}: {answer}");
        }
    }
}

#[tokio::test]
async fn who_speaks_no_tls_gets_nothing_and_harms_nobody() {
    let server = Certificate::of("localhost");
    let tls = Tls::new(&identity(&server)).expect("an identity");
    let site = start(Some(tls), None).await;
    let mut silent = TcpStream::connect(site.address).await.expect("connected");
    let mut plain = TcpStream::connect(site.address).await.expect("connected");
    plain
        .write_all(&call("whoami").bytes())
        .await
        .expect("sent");
    let mut answer = Vec::new();
    let _ = soon(plain.read_to_end(&mut answer)).await;
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    let mut good = connect(&site, &server, None).await.expect("trusted");
    assert!(whoami(&site, &mut good, "").await.contains("200 OK"));
    silent.write_all(b"x").await.expect("it is still open");
}

#[tokio::test]
async fn the_address_in_the_audit_is_the_one_that_a_trusted_proxy_names() {
    let server = Certificate::of("localhost");
    for (range, expected) in [
        ("127.0.0.0/8", Some("198.51.100.7:0")),
        ("10.0.0.0/8", None),
    ] {
        let range: AddressRange = range.parse().expect("a range");
        let proxies = TrustedProxies::new([range], ForwardedHeader::XForwardedFor);
        let tls = Tls::new(&identity(&server)).expect("an identity");
        let site = start(Some(tls), Some(proxies)).await;
        let mut proxy = connect(&site, &server, None).await.expect("trusted");
        let own = proxy.get_ref().0.local_addr().expect("bound").to_string();
        let said = "203.0.113.1, 198.51.100.7";
        assert!(whoami(&site, &mut proxy, said).await.contains("200 OK"));
        let remote = site.watch.only().from.expect("known");
        assert_eq!(remote.to_string(), expected.unwrap_or(&own));
    }
}
