//! The events of a stream (WHATWG HTML §9.2), as far as a gate has to know of them: where one ends,
//! and whether they can be had again.

use bytes::{Bytes, BytesMut};

/// Looks at a stream that passes.
#[derive(Debug)]
pub(super) struct EventScan {
    /// How many bytes of the line there are, as far as it matters.
    line: u8,
    /// How many bytes of `id:` the line begins with.
    id: u8,
    after_cr: bool,
    between: bool,
    resumable: bool,
}

impl Default for EventScan {
    fn default() -> Self {
        Self {
            line: 0,
            id: 0,
            after_cr: false,
            between: true,
            resumable: false,
        }
    }
}

impl EventScan {
    pub(super) fn see(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.step(*byte);
        }
    }

    /// Whether an event ends with this byte.
    fn step(&mut self, byte: u8) -> bool {
        let second_of_two = byte == b'\n' && self.after_cr;
        self.after_cr = byte == b'\r';
        if second_of_two {
            return false;
        }
        if matches!(byte, b'\r' | b'\n') {
            let blank = self.line == 0;
            let ends = blank && !self.between;
            self.between |= blank;
            (self.line, self.id) = (0, 0);
            return ends;
        }
        self.between = false;
        if self.id == self.line && b"id:".get(usize::from(self.id)) == Some(&byte) {
            self.id += 1;
            self.resumable |= self.id == 3;
        }
        self.line = self.line.saturating_add(1);
        false
    }

    /// Whether no event has begun, so that another one may follow here.
    pub(super) fn is_between_events(&self) -> bool {
        self.between
    }

    /// Whether events have ids: their client may ask for what it missed.
    pub(super) fn is_resumable(&self) -> bool {
        self.resumable
    }
}

/// Looks at a stream that passes, and at its events as long as they are short.
#[derive(Debug, Default)]
pub(super) struct EventTap {
    scan: EventScan,
    event: Vec<u8>,
    too_long: bool,
}

/// What is to be learned comes in short events.
pub(super) const MOST_TAPPED: usize = 256 * 1024;

impl EventTap {
    /// Calls `each` with every event that ends here.
    pub(super) fn see(&mut self, bytes: &[u8], mut each: impl FnMut(&[u8])) {
        let mut begin = 0;
        for (index, byte) in bytes.iter().enumerate() {
            if self.scan.step(*byte) {
                self.add(bytes.get(begin..=index).unwrap_or_default());
                begin = index + 1;
                if !self.too_long {
                    each(&self.event);
                }
                self.event.clear();
                self.too_long = false;
            }
        }
        self.add(bytes.get(begin..).unwrap_or_default());
    }

    fn add(&mut self, bytes: &[u8]) {
        self.too_long |= self.event.len() + bytes.len() > MOST_TAPPED;
        if self.too_long {
            self.event = Vec::new();
        } else {
            self.event.extend_from_slice(bytes);
        }
    }

    pub(super) fn scan(&self) -> &EventScan {
        &self.scan
    }
}

impl From<EventScan> for EventTap {
    /// In the middle of an event that is too long.
    fn from(scan: EventScan) -> Self {
        Self {
            scan,
            event: Vec::new(),
            too_long: true,
        }
    }
}

/// Takes a stream apart into whole events.
#[derive(Debug)]
pub(super) struct EventSplitter {
    scan: EventScan,
    buffer: BytesMut,
    scanned: usize,
    most: usize,
}

/// An event is longer than it may be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct EventTooLong;

impl EventSplitter {
    pub(super) fn new(most: usize) -> Self {
        Self {
            scan: EventScan::default(),
            buffer: BytesMut::new(),
            scanned: 0,
            most,
        }
    }

    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole event, with the blank line that ends it.
    pub(super) fn next(&mut self) -> Result<Option<Bytes>, EventTooLong> {
        while let Some(byte) = self.buffer.get(self.scanned).copied() {
            self.scanned += 1;
            if self.scan.step(byte) {
                let event = self.buffer.split_to(self.scanned).freeze();
                self.scanned = 0;
                return Ok(Some(event));
            }
            if self.scanned > self.most {
                return Err(EventTooLong);
            }
        }
        Ok(None)
    }

    /// What has come of an event, and what is known of the stream: it is not taken apart any more.
    pub(super) fn give_up(&mut self) -> (Bytes, EventScan) {
        let rest = self.buffer.split().freeze();
        let mut scan = std::mem::take(&mut self.scan);
        scan.see(rest.get(self.scanned..).unwrap_or_default());
        (rest, scan)
    }

    pub(super) fn scan(&self) -> &EventScan {
        &self.scan
    }
}

/// The lines of an event, without their ends.
pub(super) fn lines(event: &str) -> impl Iterator<Item = &str> {
    let event = event.trim_start_matches('\u{feff}');
    let mut rest = event;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = rest.find(['\r', '\n']).unwrap_or(rest.len());
        let line = &rest[..end];
        rest = &rest[end..];
        rest = rest
            .strip_prefix("\r\n")
            .or_else(|| rest.strip_prefix(['\r', '\n']))
            .unwrap_or(rest);
        Some(line)
    })
}

/// What stands in a line of data.
pub(super) fn data(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("data")?;
    match rest.strip_prefix(':') {
        Some(value) => Some(value.strip_prefix(' ').unwrap_or(value)),
        None => rest.is_empty().then_some(""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_9_2_a_stream_is_taken_apart_at_its_blank_lines_however_it_comes() {
        let stream = "\u{feff}data: a\n\n: ping\r\n\r\nid: 1\rdata: b\rdata\r\r\n\n\nevent: x\ndata:c\n\nrest";
        let expected = [
            "\u{feff}data: a\n\n",
            ": ping\r\n\r",
            "\nid: 1\rdata: b\rdata\r\r",
            "\n\n\nevent: x\ndata:c\n\n",
        ];
        for step in 1..stream.len() {
            let mut splitter = EventSplitter::new(1000);
            let mut events = Vec::new();
            for piece in stream.as_bytes().chunks(step) {
                splitter.add(piece);
                while let Some(event) = splitter.next().expect("short") {
                    events.push(String::from_utf8(event.to_vec()).expect("text"));
                }
            }
            assert_eq!(events, expected, "in pieces of {step}");
            assert!(!splitter.scan().is_between_events() && splitter.scan().is_resumable());
        }
    }

    #[test]
    fn where_another_event_may_follow() {
        for (stream, between, resumable) in [
            ("", true, false),
            ("data: a\n\n", true, false),
            ("data: a\n", false, false),
            ("data: a", false, false),
            (": x\n\n", true, false),
            ("data: a\r\n\r\n", true, false),
            ("id: 1\ndata: \n\n", true, true),
            ("data: id: 1\n\nidx: 1\n\n xid: 1\n\n", true, false),
        ] {
            let mut scan = EventScan::default();
            scan.see(stream.as_bytes());
            let told = (scan.is_between_events(), scan.is_resumable());
            assert_eq!(told, (between, resumable), "{stream:?}");
        }
    }

    #[test]
    fn an_event_has_a_most() {
        let mut splitter = EventSplitter::new(10);
        splitter.add(b"data: 12345678901234567890");
        assert_eq!(splitter.next(), Err(EventTooLong));
    }

    #[test]
    fn lines_and_their_data() {
        let read = |event| lines(event).filter_map(data).collect::<Vec<_>>();
        assert_eq!(
            read("data: a\ndata:b\rdata\r\ndata:  c\n\n"),
            ["a", "b", "", " c"]
        );
        assert_eq!(read("\u{feff}data: a\n\n"), ["a"]);
        assert_eq!(read("database: a\nid: b\n: data: c\n\n"), [""; 0]);
    }
}
