//! What is open ends where the configuration that is read again does not allow it any more.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use crate::{
    gate::FIXTURE,
    support::{Sandbox, Server, until},
};

const PATIENCE: Duration = Duration::from_secs(20);

/// A stream of events.
struct Open {
    socket: TcpStream,
    seen: String,
}

impl Open {
    /// Sends a message of 2026-07-28 and reads until this has come.
    fn with(server: &Server, method: &str, params: &str, first: &str) -> Self {
        let path = server
            .url
            .split_at("http://".len() + server.address().len());
        let meta = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"test","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}"#;
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{{params},{meta}}}}}"#
        );
        let head = format!(
            "POST {} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer alice\r\nContent-Type: application/json\r\n\
             Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\n\
             Mcp-Method: {method}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            path.1,
            server.address(),
            body.len()
        );
        let mut socket = TcpStream::connect(server.address()).expect("a connection");
        socket
            .set_read_timeout(Some(Duration::from_millis(20)))
            .expect("a socket");
        socket.write_all((head + &body).as_bytes()).expect("sent");
        let mut open = Self {
            socket,
            seen: String::new(),
        };
        until(first, PATIENCE, || {
            assert!(!open.ended(), "{method}: {}", open.seen);
            open.seen.contains(first).then_some(())
        });
        open
    }

    /// Reads what is there; whether it was the end.
    fn ended(&mut self) -> bool {
        let mut piece = [0; 4096];
        match self.socket.read(&mut piece) {
            Ok(0) => true,
            Ok(length) => {
                self.seen
                    .push_str(&String::from_utf8_lossy(&piece[..length]));
                false
            }
            Err(_) => false,
        }
    }
}

fn listen(server: &Server) -> Open {
    let wanted = r#""notifications":{"toolsListChanged":true}"#;
    Open::with(server, "subscriptions/listen", wanted, "acknowledged")
}

fn reload(server: &mut Server, times: usize) {
    server.signal("HUP");
    until("it is in force", PATIENCE, || {
        let applied = server
            .err()
            .matches("was read again and is in force")
            .count();
        (applied >= times).then_some(())
    });
}

#[test]
fn a_subscription_ends_that_new_rules_or_policies_refuse() {
    let rule = "[rules.methods]\n'subscriptions/listen' = { denied = true }\n";
    let forbid = "permit(principal, action, resource);\n@id(\"quiet\") forbid(principal, action == Propusk::Action::\"subscriptions/listen\", resource);\n";
    for (added, policy, said) in [(rule, "", "denied"), ("", forbid, "quiet")] {
        let place = Sandbox::new();
        let program = format!("[[upstream]]\ncommand = ['{FIXTURE}']\n");
        let head = "[serve]\ntoken = ['alice=alice']\n[rules]\npolicy = 'p.cedar'\n";
        place.write("p.cedar", "permit(principal, action, resource);\n");
        place.write("propusk.toml", format!("{head}{program}"));
        let mut server = place.serve(&[]);
        let mut open = listen(&server);
        reload(&mut server, 1);
        assert!(!open.ended(), "the same again ends nothing");
        if !policy.is_empty() {
            place.write("p.cedar", policy);
        }
        place.write("propusk.toml", format!("{head}{added}{program}"));
        reload(&mut server, 2);
        until("the end of the stream", PATIENCE, || {
            open.ended().then_some(())
        });
        let err = server.err();
        let line = err.lines().find(|line| line.contains("a stream ends"));
        assert!(line.is_some_and(|line| line.contains(said)), "{err}");
        server.stop().code(0);
    }
}
