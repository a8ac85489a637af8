//! What stays on its side of the gate.

use serde_json::{Value, json};

use crate::{
    gate::{ALICE, Gate, error_of, ping},
    upstream::{Upstream, json, whole},
};

async fn echo() -> Upstream {
    Upstream::new(|_| json(r#"{"jsonrpc":"2.0","id":7,"result":{}}"#)).await
}

/// The token, and whatever a client says about who it is.
#[tokio::test]
async fn nothing_that_a_client_says_about_itself_goes_upstream() {
    let upstream = echo().await;
    let gate = Gate::before(&upstream.url).await;
    let mut sent = gate.post(&ping());
    for name in [
        "X-Forwarded-User",
        "X-Forwarded-For",
        "Forwarded",
        "X-Real-IP",
        "X-User-Id",
        "X-Auth-User",
        "X-PMCP-User-Id",
        "Remote-User",
        "Cookie",
        "Proxy-Authorization",
        "Via",
        "X-Api-Key",
        "Propusk-Caller-Assertion",
        "Mcp-User",
        "Mcp-Auth",
        "X_Forwarded_User",
        "Origin-User",
        "X-Consumer-Username",
        "Tailscale-User-Login",
        "X-Amzn-Oidc-Data",
        "Accept-Encoding",
    ] {
        sent = sent.header(name, "admin-i-am");
    }
    let mut sent = sent.build().expect("a request");
    sent.url_mut()
        .set_query(Some(&format!("token={ALICE}&user=admin-i-am")));
    let sent = gate.client.execute(sent);
    assert_eq!(sent.await.expect("an answer").status(), 200);
    let arrived = upstream.arrived()[0].clone();
    let text = arrived.text().to_lowercase();
    assert!(!text.contains("admin-i-am"), "{text}");
    assert!(
        !text.contains("alice"),
        "neither the token nor a name: {text}"
    );
    assert_eq!(arrived.target, "/upstream");
    let host = upstream
        .url
        .trim_start_matches("http://")
        .trim_end_matches("/upstream");
    assert_eq!(arrived.header("host"), Some(host));
    assert_eq!(
        arrived.header("content-length"),
        Some(&*ping().to_string().len().to_string())
    );
    let mut names: Vec<_> = arrived.headers.keys().map(ToString::to_string).collect();
    names.sort();
    assert_eq!(names, ["accept", "content-length", "content-type", "host"]);
}

/// Headers that hide others, lengths that contradict each other, and a body in pieces.
#[tokio::test]
async fn tricks_with_the_connection_end_at_the_gate() {
    let upstream = echo().await;
    let gate = Gate::before(&upstream.url).await;
    let body = ping().to_string();
    let head = |more: &str| {
        format!(
            "POST /mcp HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {ALICE}\r\n\
             content-type: application/json\r\n{more}",
            gate.address
        )
    };
    let length = format!("content-length: {}\r\n", body.len());
    let chunked = format!(
        "{:x}\r\n{body}\r\n0\r\nx-user: admin-i-am\r\n\r\n",
        body.len()
    );
    for (name, request, statuses) in [
        (
            "it closes",
            head(&format!("{length}connection: close\r\n\r\n{body}")),
            &[200][..],
        ),
        (
            "names of Connection",
            head(&format!(
                "{length}connection: close, x-admin, mcp-admin, host\r\nx-admin: admin-i-am\r\nmcp-admin: admin-i-am\r\n\r\n{body}"
            )),
            &[200],
        ),
        (
            "in pieces, with a trailer",
            head(&format!(
                "transfer-encoding: chunked\r\ntrailer: x-user\r\nconnection: close\r\n\r\n{chunked}"
            )),
            &[200],
        ),
        (
            "two lengths",
            head(&format!(
                "{length}content-length: 5\r\nconnection: close\r\n\r\n{body}"
            )),
            &[400],
        ),
        (
            "a length and pieces",
            head(&format!(
                "{length}transfer-encoding: chunked\r\nconnection: close\r\n\r\n{chunked}"
            )),
            &[400, 200],
        ),
        (
            "an unknown coding",
            head(&format!(
                "transfer-encoding: x-chunked\r\nconnection: close\r\n\r\n{chunked}"
            )),
            &[400],
        ),
        (
            "a space before the colon",
            head(&format!(
                "{length}x-user : admin-i-am\r\nconnection: close\r\n\r\n{body}"
            )),
            &[400],
        ),
        (
            "a folded line",
            head(&format!(
                "{length}x-a: b\r\n x-user: admin-i-am\r\nconnection: close\r\n\r\n{body}"
            )),
            &[400],
        ),
        (
            "another host",
            head(&format!("{length}connection: close\r\n\r\n{body}"))
                .replace("host: ", "host: evil.example\r\nx-host: "),
            &[421],
        ),
        (
            "an absolute target",
            head(&format!("{length}connection: close\r\n\r\n{body}"))
                .replace("POST /mcp", "POST http://evil.example/mcp"),
            &[421],
        ),
    ] {
        let answer = gate.raw(&request).await;
        let status = answer
            .get(9..12)
            .and_then(|status| status.parse::<u16>().ok());
        assert!(statuses.contains(&status.unwrap_or(0)), "{name}: {answer}");
    }
    let arrived = upstream.arrived();
    assert!(arrived.len() >= 3, "{arrived:?}");
    for arrived in arrived {
        assert_eq!(arrived.body, body, "never anything else");
        let text = arrived.text();
        assert!(
            !text.contains("admin") && !text.contains("trailer") && !text.contains("chunked"),
            "{text}"
        );
    }
}

/// A message that the upstream could read in another way than the gate decided about.
#[tokio::test]
async fn what_could_be_read_in_two_ways_does_not_go_upstream() {
    let upstream = echo().await;
    let gate = Gate::with(&upstream.url, crate::gate::settings(), |auth| {
        auth.policy(
            propusk::ScopePolicy::default()
                .tool("delete", "admin")
                .expect("scopes"),
        )
    })
    .await;
    let call = |name: &str| {
        json!({"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":name}}).to_string()
    };
    for (content_type, body, status) in [
        ("application/json", call("list"), 200),
        ("application/json", call("delete"), 403),
        // Some servers decode by the character set that they are told, UTF-7 among them.
        (
            "application/json; charset=utf-7",
            call("list")
                .replace("\"name\"", "\"name\":\"list\",\"+AG4-ame\"")
                .replace("list\"}", "delete\"}"),
            200,
        ),
        ("text/plain", call("delete"), 415),
        ("application/x-www-form-urlencoded", call("delete"), 415),
        ("application/json", format!("[{}]", call("list")), 400),
        (
            "application/json",
            call("list").replace("\"name\"", "\"name\":\"list\",\"Name\""),
            400,
        ),
        (
            "application/json",
            call("list").replace("\"name\"", "\"name\":\"delete\",\"name\""),
            400,
        ),
        ("application/json", format!("\u{feff}{}", call("list")), 400),
        ("application/json", "{".to_owned(), 400),
        ("application/json", String::new(), 400),
    ] {
        let post = gate.client.post(gate.url()).bearer_auth(ALICE);
        let post = post.header("content-type", content_type).body(body.clone());
        let answer = post.send().await.expect("an answer");
        assert_eq!(answer.status(), status, "{content_type} {body}");
    }
    let arrived = upstream.arrived();
    assert_eq!(arrived.len(), 2);
    for arrived in arrived {
        assert_eq!(arrived.header("content-type"), Some("application/json"));
    }
    let encoded = gate
        .post(&ping())
        .header("content-encoding", "gzip")
        .body(&b"\x1f\x8b\x08\x00"[..]);
    assert_eq!(encoded.send().await.expect("an answer").status(), 400);
    for name in ["mcp-protocol-version", "mcp-name", "last-event-id"] {
        let twice = gate.post(&ping()).header(name, "a").header(name, "b");
        let (status, said) = error_of(twice.send().await.expect("an answer")).await;
        assert_eq!((status, &said["id"]), (400, &json!(7)), "{name}");
    }
    assert_eq!(upstream.arrived().len(), 2);
}

/// What the upstream says to the gate is not for the client: it would give its token away, sign in
/// elsewhere, or follow.
#[tokio::test]
async fn what_an_upstream_says_to_the_gate_stays_behind() {
    let upstream = Upstream::new(|arrived| {
        let asked: Value = serde_json::from_slice(&arrived.body).unwrap_or_default();
        let status = asked["params"]["status"].as_u64().unwrap_or(200);
        let mut answer = whole(
            u16::try_from(status).unwrap(),
            "application/json",
            r#"{"inside":"secret-inside"}"#,
        );
        for (name, value) in [
            (
                "www-authenticate",
                "Bearer resource_metadata=\"http://secret-inside/\"",
            ),
            ("set-cookie", "session=secret-inside"),
            ("location", "http://secret-inside/"),
            ("access-control-allow-origin", "*"),
            ("x-secret", "secret-inside"),
        ] {
            answer.headers_mut().insert(name, value.parse().unwrap());
        }
        answer
    })
    .await;
    let gate = Gate::before(&upstream.url).await;
    for (status, expected) in [
        (200, 200),
        (401, 502),
        (403, 502),
        (407, 502),
        (302, 502),
        (307, 502),
        (308, 502),
        (404, 404),
        (429, 429),
        (500, 500),
    ] {
        let message = json!({"jsonrpc":"2.0","id":7,"method":"x/y","params":{"status":status}});
        let answer = gate.call(&message).await;
        assert_eq!(answer.status(), expected, "{status}");
        let headers = format!("{:?}", answer.headers());
        assert!(
            !headers.contains("secret-inside") && !headers.contains("access-control"),
            "{headers}"
        );
        assert!(!answer.headers().contains_key("www-authenticate"));
        if expected == 502 {
            let said = error_of(answer).await.1;
            assert_eq!(said["id"], 7, "{said}");
            assert_eq!(said["error"]["code"], -32603);
            assert!(!said.to_string().contains("secret-inside"), "{said}");
        }
    }
}
