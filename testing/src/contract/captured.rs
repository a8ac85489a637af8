//! Everything that is logged on this thread.

use std::{
    io,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use tracing::{
    Dispatch, Event, Metadata, Subscriber,
    level_filters::LevelFilter,
    span::{Attributes, Id, Record},
    subscriber::{DefaultGuard, Interest},
};

/// A log that is kept while the value lives.
pub struct Captured {
    text: Text,
    _guard: DefaultGuard,
}

#[derive(Clone, Default)]
struct Text(Arc<Mutex<Vec<u8>>>);

impl Captured {
    /// Begins to listen.
    #[must_use]
    pub fn begin() -> Self {
        LazyLock::force(&AWAKE);
        let text = Text::default();
        let writer = text.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        Self {
            text,
            _guard: tracing::subscriber::set_default(subscriber),
        }
    }

    /// All of it so far.
    #[must_use]
    pub fn text(&self) -> String {
        let text = self.text.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&text).into_owned()
    }

    /// No line has it.
    ///
    /// # Panics
    /// One has, or nothing was logged at all.
    pub fn assert_free_of(&self, secret: &str) {
        let text = self.text();
        assert!(!text.is_empty(), "nothing was captured");
        // Too short to be told from other text.
        if secret.len() < 8 {
            return;
        }
        let found = text.lines().find(|line| line.contains(secret));
        assert_eq!(found, None, "a secret was logged");
    }
}

/// It is known to tracing for as long as it lives, and nobody's default.
static AWAKE: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(Awake));

/// Keeps nothing, but lets no line be switched off for all threads: tracing remembers that nobody is
/// interested in it, and may overlook somebody who begins to be in that moment.
struct Awake;

impl Subscriber for Awake {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::TRACE)
    }

    fn enabled(&self, _: &Metadata<'_>) -> bool {
        false
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

impl io::Write for Text {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut text = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
