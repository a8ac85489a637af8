//! Requests as bytes.

use anyhow::Context;

use crate::plan::Mode;

/// How far from an end of an answer its id stands at most.
const ENDS: usize = 256;

/// Numbers have ten digits, so that every request is as long as the next.
const FIRST_NUMBER: u64 = 1_000_000_000;
const DIGITS: usize = 10;

/// The next tool is far from the one before, so that no cache helps by chance.
const STRIDE: u64 = 7919;

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

/// What every 2026-07-28 request says about itself.
const META: &str = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"bench-load","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}"#;

/// Gets to know a server of 2026-07-28.
pub(crate) fn discover(mut head: String) -> Vec<u8> {
    head.push_str("Mcp-Method: server/discover\r\n");
    let method = r#"{"jsonrpc":"2.0","id":0,"method":"server/discover","params":{"#;
    with_body(&head, &format!("{method}{META}}}}}"))
}

/// A request of which only the number changes, and the tool that is called.
pub(crate) struct Numbered {
    bytes: Vec<u8>,
    /// Where the number stands.
    places: Vec<usize>,
    /// The names of all tools, which are equally long, and where such a name stands.
    tools: Vec<String>,
    names: Vec<usize>,
    expected: Expected,
}

/// What makes an answer the right one, besides its id.
enum Expected {
    /// The number, said back.
    Text,
    /// So many tools; and once they have been counted, as many bytes as then.
    Tools { number: usize, length: usize },
}

impl Numbered {
    /// `tools/call` of one of these tools after the other, with the number as the id and in the
    /// message.
    pub(crate) fn call(mut head: String, mode: Mode, tools: Vec<String>) -> Self {
        let (number, mut meta) = (FIRST_NUMBER, String::new());
        let tool = tools.first().map_or("", String::as_str);
        if mode == Mode::Modern {
            head.push_str(&format!("Mcp-Method: tools/call\r\nMcp-Name: {tool}\r\n"));
            meta = format!(",{META}");
        }
        let params =
            format!(r#"{{"name":"{tool}","arguments":{{"message":"hello {number}"}}{meta}}}"#);
        let request = Self::new(&head, "tools/call", &params, Expected::Text);
        Self {
            names: places_of(tool, &request.bytes),
            tools,
            ..request
        }
    }

    /// `tools/list`, of so many tools.
    pub(crate) fn list(mut head: String, mode: Mode, number: usize) -> Self {
        let mut params = "{}".to_owned();
        if mode == Mode::Modern {
            head.push_str("Mcp-Method: tools/list\r\n");
            params = format!("{{{META}}}");
        }
        let length = 0;
        Self::new(
            &head,
            "tools/list",
            &params,
            Expected::Tools { number, length },
        )
    }

    fn new(head: &str, method: &str, params: &str, expected: Expected) -> Self {
        let id = FIRST_NUMBER;
        let body =
            format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#);
        let bytes = with_body(head, &body);
        Self {
            places: places_of(&id.to_string(), &bytes),
            bytes,
            tools: Vec::new(),
            names: Vec::new(),
            expected,
        }
    }

    /// The request with this number.
    pub(crate) fn numbered(&mut self, number: u64) -> &[u8] {
        let digits = (FIRST_NUMBER + number).to_string();
        for place in &self.places {
            self.bytes[*place..place + DIGITS].copy_from_slice(digits.as_bytes());
        }
        if let Some(turn) = number
            .wrapping_mul(STRIDE)
            .checked_rem(self.tools.len() as u64)
        {
            let name = self.tools[turn as usize].as_bytes();
            for place in &self.names {
                self.bytes[*place..place + name.len()].copy_from_slice(name);
            }
        }
        &self.bytes
    }

    /// Whether a body is the right answer to the request with this number.
    pub(crate) fn is_answered_by(&mut self, number: u64, body: &[u8]) -> bool {
        let number = FIRST_NUMBER + number;
        // It stands at one of the ends, and what is between may be long.
        let end = body.len().saturating_sub(ENDS);
        let id = format!(r#""id":{number}"#);
        if !contains(&body[..body.len().min(ENDS)], id.as_bytes())
            && !contains(&body[end..], id.as_bytes())
        {
            return false;
        }
        match &mut self.expected {
            Expected::Text => {
                contains(body, format!(r#""text":"hello {number}""#).as_bytes())
                    && !contains(body, br#""isError":true"#)
            }
            Expected::Tools { length, .. } if *length > 0 => *length == body.len(),
            Expected::Tools { number, length } => {
                let right = count(body, br#""inputSchema":"#) == *number;
                if right {
                    *length = body.len();
                }
                right
            }
        }
    }
}

fn places_of(part: &str, text: &[u8]) -> Vec<usize> {
    let windows = text.windows(part.len()).enumerate();
    let places = windows.filter(|(_, window)| *window == part.as_bytes());
    places.map(|(place, _)| place).collect()
}

fn count(text: &[u8], part: &[u8]) -> usize {
    let windows = text.windows(part.len());
    windows.filter(|window| *window == part).count()
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_valid_and_numbered_in_every_place() {
        let target = Target::parse("http://127.0.0.1:1/mcp").expect("a URL");
        let parse = |request: &[u8]| -> serde_json::Value {
            let text = String::from_utf8(request.to_vec()).expect("UTF-8");
            let (head, body) = text.split_once("\r\n\r\n").expect("a head");
            let length = format!("Content-Length: {}", body.len());
            assert!(head.contains(&length), "{head}");
            serde_json::from_str(body).expect("JSON")
        };
        for mode in [Mode::Modern, Mode::LegacySession, Mode::LegacyStateless] {
            let head = target.head("POST", mode, Some("t"));
            let tools = ["tool1", "tool2", "tool3"].map(str::to_owned).to_vec();
            let mut call = Numbered::call(head.clone(), mode, tools);
            let names =
                [41, 43, 42].map(|number| parse(call.numbered(number))["params"]["name"].take());
            assert_eq!(names, ["tool2", "tool3", "tool1"]);
            let request = call.numbered(42).to_vec();
            let said = contains(&request, b"Mcp-Name: tool1\r\n");
            assert_eq!(said, mode == Mode::Modern);
            let body = parse(&request);
            assert_eq!(body["id"], 1_000_000_042);
            assert_eq!(body["params"]["arguments"]["message"], "hello 1000000042");
            let body = parse(Numbered::list(head.clone(), mode, 1).numbered(42));
            assert_eq!(body["id"], 1_000_000_042);
            assert_eq!(parse(&discover(head))["method"], "server/discover");
        }
    }

    #[test]
    fn an_answer_must_repeat_its_own_number() {
        let mut call = Numbered::call(String::new(), Mode::Modern, vec!["echo".to_owned()]);
        let good = r#"{"jsonrpc":"2.0","id":1000000007,"result":{"content":[{"type":"text","text":"hello 1000000007"}],"isError":false}}"#;
        assert!(call.is_answered_by(7, good.as_bytes()));
        assert!(!call.is_answered_by(8, good.as_bytes()));
        let failed = good.replace("false", "true");
        assert!(!call.is_answered_by(7, failed.as_bytes()));
    }

    #[test]
    fn a_list_must_have_all_of_its_tools_every_time() {
        let mut list = Numbered::list(String::new(), Mode::Modern, 2);
        let good =
            r#"{"id":1000000007,"result":{"tools":[{"inputSchema":{}},{"inputSchema":{}}]}}"#;
        let stream = "data: \nid: 0/0\nretry: 3000\n\ndata: ".to_owned() + good;
        assert!(
            Numbered::list(String::new(), Mode::LegacySession, 2)
                .is_answered_by(7, stream.as_bytes())
        );
        let short = r#"{"id":1000000007,"result":{"tools":[{"inputSchema":{}}]}}"#;
        assert!(!list.is_answered_by(8, good.as_bytes()));
        assert!(list.is_answered_by(7, good.as_bytes()));
        assert!(list.is_answered_by(7, good.as_bytes()));
        assert!(!list.is_answered_by(7, short.as_bytes()));
        let mut list = Numbered::list(String::new(), Mode::Modern, 2);
        assert!(!list.is_answered_by(7, short.as_bytes()));
    }
}
