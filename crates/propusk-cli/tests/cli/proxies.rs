//! The proxy that the environment names: used for what leaves this machine, encrypted.

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpListener,
    thread,
};

use crate::support::{ALICE, FIXED, Sandbox};

#[test]
fn what_stays_on_this_machine_goes_through_no_proxy() {
    let place = Sandbox::new();
    let server = place.serve(FIXED);
    let proxy = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", proxy.local_addr().expect("bound"));
    for era in ["modern", "legacy"] {
        let env =
            ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"].map(|name| (name, &*url));
        let env = [&env[..], &[("PROPUSK_TOKEN", ALICE)]].concat();
        let args = ["call", &server.url, "echo", "message=x", "--era", era];
        assert_eq!(place.run_with(&env, &args).code(0).out, "x\n");
    }
    proxy.set_nonblocking(true).expect("it is a socket");
    let nobody = proxy.accept().expect_err("nobody came");
    assert_eq!(nobody.kind(), ErrorKind::WouldBlock);
}

#[test]
fn what_leaves_it_goes_through_a_tunnel_that_the_proxy_cannot_look_into() {
    let place = Sandbox::new();
    let proxy = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://me:hunter2@{}", proxy.local_addr().expect("bound"));
    let asked = thread::spawn(move || {
        let (mut client, _) = proxy.accept().expect("somebody came");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            client.read_exact(&mut byte).expect("the whole head");
            head.push(byte[0]);
        }
        let no = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n";
        client.write_all(no).expect("somebody listens");
        String::from_utf8(head).expect("a head")
    });
    let env = [("HTTPS_PROXY", &*url), ("PROPUSK_TOKEN", ALICE)];
    let args = [
        "call",
        "https://mcp.example.test/mcp",
        "echo",
        "message=x",
        "--era",
        "modern",
    ];
    let done = place.run_with(&env, &args).code(5);
    let head = asked.join().expect("it was asked");
    assert!(head.starts_with("CONNECT mcp.example.test:443 "), "{head}");
    for secret in [ALICE, "hunter2"] {
        assert!(
            !head.contains(secret) && !done.err.contains(secret),
            "{done:?}"
        );
    }
}
