//! What the gate does when its upstream, its clients or its operator are at their worst: over real
//! sockets, with the built program.

mod faults;
mod load;
mod memory;
mod upstream;
mod watched;

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use crate::support::{Sandbox, Server, Words};

pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// Of somebody who may do everything.
pub(crate) const TOKEN: &str = "proof-token-of-alice";

/// A gate before an upstream at this address.
pub(crate) fn gate(place: &Sandbox, upstream: &str, flags: Words<'_>) -> Server {
    let token = format!("{TOKEN}=alice:use");
    let url = format!("http://{upstream}/mcp");
    let own = ["--token", &token, "--upstream", &url];
    place.serve(&[&own, flags].concat())
}

/// A request, as it is sent.
pub(crate) fn request(server: &Server, method: &str, token: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let host = server.address();
    format!(
        "{method} /mcp HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
         Accept: application/json, text/event-stream\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// A call of a tool, which says what the upstream is to do.
pub(crate) fn call(tool: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"{tool}","arguments":{{}}}}}}"#
    )
}

/// Sends a request on a connection of its own.
pub(crate) fn open(server: &Server, method: &str, token: &str, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.address()).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("set");
    let bytes = request(server, method, token, body);
    stream.write_all(&bytes).expect("sent");
    stream
}

/// All of an answer: the status, and the rest. An empty answer has the status 0.
pub(crate) fn answer(stream: &mut TcpStream) -> (u16, String) {
    let mut bytes = Vec::new();
    // An answer that breaks off may end with a reset.
    let _ = stream.read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let status = text.get(9..12).and_then(|status| status.parse().ok());
    (status.unwrap_or_default(), text)
}

/// Sends a call, and takes all of its answer.
pub(crate) fn ask(server: &Server, token: &str, tool: &str) -> (u16, String) {
    answer(&mut open(server, "POST", token, &call(tool)))
}

/// A number of kibibytes in `/proc/PID/status`.
pub(crate) fn kib(server: &Server, name: &str) -> u64 {
    let path = format!("/proc/{}/status", server.id());
    let status = fs::read_to_string(path).expect("readable");
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.expect("a line").parse().expect("a number")
}
