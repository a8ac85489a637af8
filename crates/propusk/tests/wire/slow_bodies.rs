//! Bodies that come in drops, or not at all.

use std::time::Duration;

use propusk::{AuthSettings, BearerToken, Server, Unavailable, rules::RuleTable};
use tokio::net::TcpListener;

use crate::support::{Library, Watch, Wire, call, soon, token_of};

#[tokio::test]
async fn who_sends_a_body_in_drops_is_cut_off_and_nobody_else() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let settings = AuthSettings::new(&format!("http://{address}/mcp")).expect("a URL");
    let verifier = |token: BearerToken| {
        std::future::ready(Ok::<_, Unavailable>(token_of(token.expose_secret())))
    };
    let (library, watch) = (Library::new(), Watch::default());
    let server = Server::new(library.clone())
        .auth(settings, verifier)
        .audit(watch.clone())
        .rules(RuleTable::new())
        .body_time_limit(Duration::from_millis(300));
    tokio::spawn(server.serve_on(listener, std::future::pending()));

    let request = call("plain").bearer("ok").bytes();
    let (most, last) = request.split_at(request.len() - 10);
    // One sends nothing more, and one a byte now and then.
    let mut silent = Wire::connect(address).await;
    silent.send(most).await;
    let mut dripping = Wire::connect(address).await;
    dripping.send(most).await;
    let drip = async {
        let mut pause = tokio::time::interval(Duration::from_millis(20));
        for byte in b"         ".iter().cycle() {
            pause.tick().await;
            if !dripping.takes(&[*byte]).await || !watch_is_quiet(&watch) {
                break;
            }
        }
    };
    let others = async {
        for _ in 0..10 {
            let mut wire = Wire::connect(address).await;
            wire.send(&request).await;
            assert_eq!(wire.reply().await.status, 200);
        }
    };
    tokio::join!(soon(drip), others);
    let reply = silent.reply().await;
    assert_eq!(reply.status, 408, "{reply:?}");
    assert_eq!(reply.header("connection"), Some("close"));
    let seen = watch.take();
    assert!(
        seen.iter().any(|seen| seen.reason == "slow_body"),
        "{seen:#?}"
    );
    assert_eq!(library.reached().len(), 10, "only what came whole");
    // What comes later is nothing.
    silent.send(last).await;
    assert_eq!(silent.rest().await, b"");
    assert_eq!(library.reached(), [""; 0]);
}

/// Whether nobody has been cut off yet.
fn watch_is_quiet(watch: &Watch) -> bool {
    let seen = watch.peek();
    seen.iter().filter(|reason| **reason == "slow_body").count() < 2
}
