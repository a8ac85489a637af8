//! An upstream that does what the name of the called tool says.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

const PIECE: usize = 64 * 1024;

/// It ends when it is dropped.
pub(super) struct Upstream {
    pub(super) address: String,
    pub(super) seen: Arc<Seen>,
}

#[derive(Default)]
pub(super) struct Seen {
    /// Calls that came.
    pub(super) calls: AtomicUsize,
    /// Connections that the other side closed in the middle of an answer.
    pub(super) left: AtomicUsize,
    /// Streams of notifications that are open.
    pub(super) streams: AtomicUsize,
    /// It is gone; what is open is of no use.
    ended: AtomicBool,
}

impl Upstream {
    pub(super) fn start() -> Self {
        Self::start_at("127.0.0.1:0")
    }

    /// At this address again, where one was before.
    pub(super) fn start_at(address: &str) -> Self {
        let listener = TcpListener::bind(address).expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let seen = Arc::<Seen>::default();
        let own = Arc::clone(&seen);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if own.ended.load(Ordering::SeqCst) {
                    break;
                }
                let seen = Arc::clone(&own);
                // Thousands of them wait for something.
                let builder = thread::Builder::new().stack_size(64 * 1024);
                builder
                    .spawn(move || drop(serve(stream, &seen)))
                    .expect("a thread");
            }
        });
        Self { address, seen }
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.seen.ended.store(true, Ordering::SeqCst);
        // So that the listener looks.
        let _ = TcpStream::connect(&self.address);
    }
}

/// Answers one request after another, until something ends it.
fn serve(stream: TcpStream, seen: &Seen) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::with_capacity(4096, stream.try_clone()?);
    loop {
        let (mut length, mut line, mut is_get) = (0, String::new(), false);
        while line != "\r\n" {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            is_get |= line.starts_with("GET ");
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or_default();
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        if seen.ended.load(Ordering::SeqCst) {
            return Ok(());
        }
        if is_get {
            seen.streams.fetch_add(1, Ordering::SeqCst);
            let ended = listen(stream, &mut reader);
            seen.streams.fetch_sub(1, Ordering::SeqCst);
            return ended;
        }
        let body = String::from_utf8_lossy(&body).into_owned();
        seen.calls.fetch_add(1, Ordering::SeqCst);
        if !answer(&stream, &mut reader, &body, seen)? {
            return Ok(());
        }
    }
}

/// A stream of notifications on which nothing happens.
fn listen(mut stream: TcpStream, reader: &mut impl Read) -> std::io::Result<()> {
    let head =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    stream.write_all(format!("{head}4\r\n: a\n\r\n").as_bytes())?;
    reader.read(&mut [0]).map(drop)
}

/// Whether the connection goes on.
fn answer(
    mut stream: &TcpStream,
    reader: &mut impl Read,
    body: &str,
    seen: &Seen,
) -> std::io::Result<bool> {
    let (_, tool) = body.split_once("\"name\":\"").unwrap_or(("", "list\""));
    let tool = tool.split('"').next().unwrap_or_default();
    let chunked = |media: &str| {
        format!("HTTP/1.1 200 OK\r\nContent-Type: {media}\r\nTransfer-Encoding: chunked\r\n\r\n")
    };
    match tool {
        "huge" | "list" => {
            stream.write_all(chunked("application/json").as_bytes())?;
            let begin = match tool {
                "huge" => r#"{"jsonrpc":"2.0","id":7,"result":{"content":[{"type":"text","text":""#,
                _ => r#"{"jsonrpc":"2.0","id":7,"result":{"tools":[{"name":""#,
            };
            chunk(stream, begin.as_bytes())?;
            let piece = vec![b'a'; PIECE];
            for _ in 0..(1 << 30) / PIECE {
                if chunk(stream, &piece).is_err() {
                    seen.left.fetch_add(1, Ordering::SeqCst);
                    return Ok(false);
                }
            }
            let end = r#""}]}}"#;
            chunk(stream, end.as_bytes())?;
            stream.write_all(b"0\r\n\r\n")?;
        }
        "half" => {
            stream.write_all(chunked("text/event-stream").as_bytes())?;
            chunk(stream, b"data: {\"jsonrpc\":\"2.0\",\"method\":\"x\"}\n\n")?;
            stream.shutdown(Shutdown::Both)?;
            return Ok(false);
        }
        "garbage" => {
            stream.write_all(b"\x16\x03\x01 this is no HTTP\r\n\r\n")?;
            return Ok(false);
        }
        "drip" => {
            stream.write_all(chunked("text/event-stream").as_bytes())?;
            let event = "data: {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"slow\":true}}\n\n";
            for byte in event.bytes() {
                chunk(stream, &[byte])?;
                thread::sleep(Duration::from_millis(2));
            }
            stream.write_all(b"0\r\n\r\n")?;
        }
        "hang" => {
            // Until the other side goes.
            if reader.read(&mut [0]).unwrap_or(0) == 0 {
                seen.left.fetch_add(1, Ordering::SeqCst);
            }
            return Ok(false);
        }
        _ => {
            // Long enough to be under way when something happens.
            thread::sleep(Duration::from_millis(20));
            let json =
                r#"{"jsonrpc":"2.0","id":7,"result":{"content":[{"type":"text","text":"done"}]}}"#;
            let length = json.len();
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{json}"
            );
            stream.write_all(head.as_bytes())?;
        }
    }
    Ok(true)
}

fn chunk(mut stream: &TcpStream, bytes: &[u8]) -> std::io::Result<()> {
    let mut whole = format!("{:x}\r\n", bytes.len()).into_bytes();
    whole.extend_from_slice(bytes);
    whole.extend_from_slice(b"\r\n");
    stream.write_all(&whole)
}
