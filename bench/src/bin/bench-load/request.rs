//! Requests as bytes.

use anyhow::Context;

use crate::plan::Mode;

/// Numbers have ten digits, so that every request is as long as the next.
const FIRST_NUMBER: u64 = 1_000_000_000;
const DIGITS: usize = 10;

/// Where requests go.
pub(crate) struct Target {
    pub(crate) authority: String,
    path: String,
}

impl Target {
    pub(crate) fn parse(url: &str) -> anyhow::Result<Self> {
        let rest = url
            .strip_prefix("http://")
            .context("the URL must begin with http://")?;
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        Ok(Self {
            authority: authority.to_owned(),
            path: format!("/{path}"),
        })
    }

    /// The head that all requests of a connection share, without the blank line at its end.
    pub(crate) fn head(&self, method: &str, mode: Mode, token: Option<&str>) -> String {
        let version = match mode {
            Mode::Modern => "2026-07-28",
            Mode::LegacySession | Mode::LegacyStateless => "2025-11-25",
        };
        let mut head = format!(
            "{method} {} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
             Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: {version}\r\n",
            self.path, self.authority,
        );
        if let Some(token) = token {
            head.push_str(&format!("Authorization: Bearer {token}\r\n"));
        }
        head
    }
}

/// A whole request.
pub(crate) fn with_body(head: &str, body: &str) -> Vec<u8> {
    format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// Opens a 2025-11-25 session.
pub(crate) const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"bench-load","version":"1"}}}"#;

/// Says that the session is open.
pub(crate) const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

/// `tools/call echo`, of which only the number changes.
pub(crate) struct Call {
    bytes: Vec<u8>,
    /// Where the number stands: as the id and in the message.
    places: [usize; 2],
}

impl Call {
    pub(crate) fn new(mut head: String, mode: Mode) -> Self {
        let meta = match mode {
            Mode::Modern => {
                head.push_str("Mcp-Method: tools/call\r\nMcp-Name: echo\r\n");
                r#","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"bench-load","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}"#
            }
            Mode::LegacySession | Mode::LegacyStateless => "",
        };
        let before_id = r#"{"jsonrpc":"2.0","id":"#;
        let before_message =
            r#","method":"tools/call","params":{"name":"echo","arguments":{"message":"hello "#;
        let number = FIRST_NUMBER;
        let body = format!(r#"{before_id}{number}{before_message}{number}"}}{meta}}}}}"#);
        let bytes = with_body(&head, &body);
        let id = bytes.len() - body.len() + before_id.len();
        Self {
            bytes,
            places: [id, id + DIGITS + before_message.len()],
        }
    }

    /// The request with this number.
    pub(crate) fn numbered(&mut self, number: u64) -> &[u8] {
        let digits = (FIRST_NUMBER + number).to_string();
        for place in self.places {
            self.bytes[place..place + DIGITS].copy_from_slice(digits.as_bytes());
        }
        &self.bytes
    }
}

/// Whether a body is the right answer to the request with this number.
pub(crate) fn is_answered_by(number: u64, body: &[u8]) -> bool {
    let number = FIRST_NUMBER + number;
    contains(body, format!(r#""id":{number}"#).as_bytes())
        && contains(body, format!(r#""text":"hello {number}""#).as_bytes())
        && !contains(body, br#""isError":true"#)
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_valid_and_numbered_in_both_places() {
        let target = Target::parse("http://127.0.0.1:1/mcp").expect("a URL");
        for mode in [Mode::Modern, Mode::LegacySession, Mode::LegacyStateless] {
            let mut call = Call::new(target.head("POST", mode, Some("t")), mode);
            let text = String::from_utf8(call.numbered(42).to_vec()).expect("UTF-8");
            let (head, body) = text.split_once("\r\n\r\n").expect("a head");
            assert!(
                head.contains(&format!("Content-Length: {}", body.len())),
                "{head}"
            );
            let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
            assert_eq!(body["id"], 1_000_000_042);
            assert_eq!(body["params"]["arguments"]["message"], "hello 1000000042");
        }
    }

    #[test]
    fn an_answer_must_repeat_its_own_number() {
        let good = br#"{"jsonrpc":"2.0","id":1000000007,"result":{"content":[{"type":"text","text":"hello 1000000007"}],"isError":false}}"#;
        assert!(is_answered_by(7, good));
        assert!(!is_answered_by(8, good));
        let failed = String::from_utf8_lossy(good).replace("false", "true");
        assert!(!is_answered_by(7, failed.as_bytes()));
    }
}
