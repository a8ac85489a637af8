//! As much of HTTP/1.1 as shows that an answer is complete (RFC 9112 §6, §7.1).

/// A complete answer at the start of what was received.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) session: Option<String>,
    pub(crate) body: Vec<u8>,
    /// How many bytes it took.
    pub(crate) length: usize,
}

/// The bytes are not an HTTP answer of the kind that these servers give.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotHttp;

impl Answer {
    /// Parses an answer; `None` where more has to come.
    pub(crate) fn parse(received: &[u8]) -> Result<Option<Self>, NotHttp> {
        let Some(head_length) = position(received, b"\r\n\r\n") else {
            return Ok(None);
        };
        let (head, rest) = (&received[..head_length], &received[head_length + 4..]);
        let head = Head::parse(head)?;
        let body = match head.framing {
            Framing::Length(length) => rest.get(..length).map(|body| (body.to_vec(), length)),
            Framing::Chunked => unchunk(rest)?,
        };
        Ok(body.map(|(body, length)| Self {
            status: head.status,
            session: head.session.map(str::to_owned),
            body,
            length: head_length + 4 + length,
        }))
    }
}

struct Head<'a> {
    status: u16,
    session: Option<&'a str>,
    framing: Framing,
}

enum Framing {
    Length(usize),
    Chunked,
}

impl<'a> Head<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, NotHttp> {
        let mut lines = str::from_utf8(bytes).map_err(|_| NotHttp)?.split("\r\n");
        let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 "));
        let status = status
            .and_then(|line| line.get(..3))
            .and_then(|code| code.parse().ok());
        // Without either header there is no body: 202 and 204.
        let mut head = Self {
            status: status.ok_or(NotHttp)?,
            session: None,
            framing: Framing::Length(0),
        };
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            let value = value.trim();
            if name.eq_ignore_ascii_case("content-length") {
                head.framing = Framing::Length(value.parse().map_err(|_| NotHttp)?);
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                head.framing = Framing::Chunked;
            } else if name.eq_ignore_ascii_case("mcp-session-id") {
                head.session = Some(value);
            }
        }
        Ok(head)
    }
}

/// The content of all chunks, and how many bytes they took; `None` where the last is missing.
fn unchunk(bytes: &[u8]) -> Result<Option<(Vec<u8>, usize)>, NotHttp> {
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        let Some(line) = position(&bytes[at..], b"\r\n") else {
            return Ok(None);
        };
        let size = str::from_utf8(&bytes[at..at + line]).ok();
        let size = size
            .and_then(|hex| usize::from_str_radix(hex, 16).ok())
            .ok_or(NotHttp)?;
        let start = at + line + 2;
        let Some(chunk) = bytes.get(start..start + size + 2) else {
            return Ok(None);
        };
        body.extend_from_slice(&chunk[..size]);
        at = start + size + 2;
        if size == 0 {
            return Ok(Some((body, at)));
        }
    }
}

fn position(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nMcp-Session-Id: s\r\n\r\nhello";
    const CHUNKED: &str =
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n";
    const EMPTY: &str = "HTTP/1.1 202 Accepted\r\ndate: x\r\n\r\n";

    #[test]
    fn an_answer_is_complete_with_its_last_byte_and_not_before() {
        for (text, status, body) in [
            (PLAIN, 200, "hello"),
            (CHUNKED, 200, "hello"),
            (EMPTY, 202, ""),
        ] {
            for end in 0..text.len() {
                assert_eq!(
                    Answer::parse(&text.as_bytes()[..end]),
                    Ok(None),
                    "{end} of {text:?}"
                );
            }
            let answer = Answer::parse(format!("{text}HTTP").as_bytes())
                .expect("HTTP")
                .expect("whole");
            assert_eq!(
                (answer.status, answer.body.as_slice()),
                (status, body.as_bytes())
            );
            assert_eq!(
                answer.length,
                text.len(),
                "the rest belongs to the next one"
            );
        }
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        for bad in [
            "SSH-2.0\r\n\r\n",
            "HTTP/1.1 abc\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
        ] {
            assert_eq!(Answer::parse(bad.as_bytes()), Err(NotHttp), "{bad:?}");
        }
    }
}
