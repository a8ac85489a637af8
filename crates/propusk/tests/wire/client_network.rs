//! How a client reaches its server: TLS, proxies, and limits in time.

use std::{net::SocketAddr, time::Duration};

use propusk::{
    Client,
    client::{ClientError, Era, ErrorKind, HttpSettings},
};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

use crate::support::{Certificate, Fate, Meddler, Mount, Site, obliging, soon};

const NAME: &str = "mcp.example.test";

/// A proxy that connects everybody to this server, whatever they ask for, and tells what they asked.
async fn proxy(server: SocketAddr) -> (SocketAddr, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let (tell, told) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let tell = tell.clone();
            tokio::spawn(async move {
                let mut begin = Vec::new();
                while !begin.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
                    if client.read_buf(&mut begin).await.ok()? == 0 {
                        return None;
                    }
                }
                tell.send(String::from_utf8_lossy(&begin).into_owned())
                    .ok()?;
                let mut server = TcpStream::connect(server).await.ok()?;
                if begin.starts_with(b"CONNECT ") {
                    client
                        .write_all(b"HTTP/1.1 200 Connected\r\n\r\n")
                        .await
                        .ok()?;
                } else {
                    server.write_all(&begin).await.ok()?;
                }
                copy_bidirectional(&mut client, &mut server).await.ok()
            });
        }
    });
    (address, told)
}

async fn whoami(client: Client) -> Result<String, ClientError> {
    soon(async {
        let session = client.connect().await?;
        let reply = session.call_tool("whoami", json!({})).await?;
        session.close().await;
        Ok(reply.content[0].as_text().expect("a text").text.clone())
    })
    .await
}

async fn site() -> Site {
    Site::start(Mount::Server, |settings| {
        settings.allow_host(NAME).expect("a host")
    })
    .await
}

#[tokio::test]
async fn through_a_proxy_and_tls_with_an_authority_of_ones_own() {
    let site = site().await;
    let certificate = Certificate::of(NAME);
    let tls = certificate.in_front_of(site.address).await;
    for era in [Era::Auto, Era::Modern, Era::Legacy] {
        let (proxy, mut told) = proxy(tls).await;
        let settings = HttpSettings::default()
            .proxy(format!("http://{proxy}"))
            .expect("a proxy")
            .add_root_certificate_pem(&certificate.pem())
            .expect("a certificate");
        let url = format!("https://{NAME}/mcp");
        let client = Client::new(url).era(era).bearer("alice").http(settings);
        assert_eq!(whoami(client).await.expect("admitted"), "alice", "{era:?}");
        let mut asked = 0;
        while let Ok(head) = told.try_recv() {
            asked += 1;
            assert!(head.starts_with(&format!("CONNECT {NAME}:443 ")), "{head}");
            assert!(!head.contains("alice"), "the proxy sees no token: {head}");
        }
        assert!(asked >= 2, "{era:?}");
    }
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused() {
    let site = site().await;
    let own = Certificate::of(NAME);
    let other = Certificate::of("other.example.test");
    let tls = own.in_front_of(site.address).await;
    let misnamed = other.in_front_of(site.address).await;
    let settings = HttpSettings::default;
    let trusting = |pem: &str| settings().add_root_certificate_pem(pem).expect("one");
    for (server, settings) in [
        (tls, settings()),
        (tls, trusting(&other.pem())),
        (misnamed, trusting(&other.pem())),
    ] {
        let (proxy, _told) = proxy(server).await;
        let settings = settings.proxy(format!("http://{proxy}")).expect("a proxy");
        let client = Client::new(format!("https://{NAME}/mcp")).bearer("alice");
        let error = whoami(client.http(settings))
            .await
            .expect_err("not trusted");
        assert_eq!(error.kind(), &ErrorKind::Transport, "{error:?}");
        assert!(error.to_string().contains("certificate"), "{error}");
        assert_eq!(site.verified(), 0, "no token was sent");
    }
}

/// Unencrypted is what stays on this machine; a proxy elsewhere would read the token.
#[tokio::test]
async fn what_is_unencrypted_goes_through_no_proxy_elsewhere() {
    let site = site().await;
    let (here, mut told) = proxy(site.address).await;
    let settings = |proxy: &str| HttpSettings::default().proxy(proxy).expect("a proxy");
    // TEST-NET-1 (RFC 5737): nobody is there.
    for (settings, through) in [
        (settings("http://192.0.2.1:3128"), false),
        (settings(&format!("http://{here}")), true),
        (settings(&format!("http://{here}")).no_proxy(), false),
        (HttpSettings::default(), false),
    ] {
        let client = Client::new(site.url()).era(Era::Modern).bearer("alice");
        let shown = format!("{settings:?}");
        assert_eq!(
            whoami(client.http(settings)).await.expect("admitted"),
            "alice",
            "{shown}"
        );
        assert_eq!(told.try_recv().is_ok(), through, "{shown}");
        while told.try_recv().is_ok() {}
    }
}

#[tokio::test]
async fn a_server_that_says_nothing_is_not_waited_for_in_vain() {
    let site = site().await;
    let short = Duration::from_millis(200);
    let silent = Meddler::new(site.address, |_, _| Fate::Silence).await;
    for era in [Era::Auto, Era::Modern, Era::Legacy] {
        let settings = HttpSettings::default().handshake_timeout(short);
        let client = Client::new(silent.url()).era(era).bearer("alice");
        let error = whoami(client.http(settings)).await.expect_err("silence");
        assert_eq!(error.kind(), &ErrorKind::Transport, "{era:?}: {error:?}");
        assert!(error.to_string().contains("no answer within"), "{error}");
    }
    // TLS belongs to the connection: nobody speaks it here.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("https://{}/mcp", listener.local_addr().expect("bound"));
    let settings = HttpSettings::default().connect_timeout(short);
    let error = whoami(Client::new(url).bearer("alice").http(settings)).await;
    assert_eq!(error.expect_err("silence").kind(), &ErrorKind::Transport);
}

#[tokio::test]
async fn an_answer_is_waited_for_as_long_as_the_user_wants() {
    let site = site().await;
    let begun = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{";
    let meddler = Meddler::new(site.address, move |_, seen| {
        match (seen.calls("whoami"), seen.calls("drip")) {
            (true, _) => Fate::Silence,
            // The rest does not come.
            (_, true) => Fate::Begin(begun.as_bytes().to_vec()),
            _ => obliging(seen, &[]),
        }
    })
    .await;
    let settings = HttpSettings::default().answer_timeout(Duration::from_millis(500));
    let client = Client::new(meddler.url()).era(Era::Modern).bearer("alice");
    let session = soon(client.http(settings).connect())
        .await
        .expect("obliged");
    for tool in ["whoami", "drip"] {
        let error = soon(session.call_tool(tool, json!({})))
            .await
            .expect_err("silence");
        assert_eq!(error.kind(), &ErrorKind::Transport, "{error:?}");
        assert!(
            error.to_string().contains("no answer within 0.5 s"),
            "{error}"
        );
        assert_eq!(meddler.calls(tool), 1, "it may have been processed");
    }
    soon(session.call_tool("other", json!({})))
        .await
        .expect("obliged");
}
