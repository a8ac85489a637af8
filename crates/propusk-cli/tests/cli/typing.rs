//! A command that somebody talks to while it runs: over pipes, or at a terminal.

use std::{
    fs::File,
    io::{Read, Write},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use crate::support::{Done, content, unnamed, until};

/// Longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Typing {
    child: Child,
    keys: Box<dyn Write>,
    out: File,
    heard: Arc<Mutex<Vec<u8>>>,
}

impl Typing {
    /// Standard input and standard error are pipes.
    #[cfg(feature = "real-parts")]
    pub(crate) fn over_pipes(mut command: Command) -> Self {
        let out = unnamed();
        command.stdin(Stdio::piped()).stderr(Stdio::piped());
        command.stdout(out.try_clone().expect("a handle"));
        let mut child = command.spawn().expect("it starts");
        let keys = child.stdin.take().expect("a pipe");
        let heard = listen(child.stderr.take().expect("a pipe"));
        Self {
            child,
            keys: Box::new(keys),
            out,
            heard,
        }
    }

    /// Standard input and standard error are a terminal.
    pub(crate) fn at_terminal(mut command: Command) -> Self {
        use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
        let out = unnamed();
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&master).expect("a terminal");
        unlockpt(&master).expect("a terminal");
        let name = ptsname(&master, Vec::new()).expect("its name");
        let mut options = File::options();
        let other_side = options.read(true).write(true);
        let other_side = other_side
            .open(name.to_str().expect("UTF-8"))
            .expect("a terminal");
        let master = File::from(master);
        command.stdin(other_side.try_clone().expect("a handle"));
        command.stderr(Stdio::from(other_side));
        command.stdout(out.try_clone().expect("a handle"));
        let child = command.spawn().expect("it starts");
        // Its copies of the other side go with it.
        drop(command);
        let heard = listen(master.try_clone().expect("a handle"));
        Self {
            child,
            keys: Box::new(master),
            out,
            heard,
        }
    }

    /// What it has written to standard error.
    pub(crate) fn err(&self) -> String {
        let heard = self.heard.lock().expect("nobody panicked");
        String::from_utf8_lossy(&heard).replace("\r\n", "\n")
    }

    /// Waits until it has written something of interest to standard error.
    #[track_caller]
    pub(crate) fn until<T>(&mut self, what: &str, look: impl Fn(&str) -> Option<T>) -> T {
        until(what, PATIENCE, || {
            let ended = self.child.try_wait().expect("a child");
            let found = look(&self.err());
            assert!(
                found.is_some() || ended.is_none(),
                "it ended before {what}: {}",
                self.err()
            );
            found
        })
    }

    /// Types a line.
    pub(crate) fn types(&mut self, line: &str) {
        let typed = self.keys.write_all(format!("{line}\n").as_bytes());
        typed.and_then(|()| self.keys.flush()).expect("it reads");
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Done {
        let status = until("the end of the command", PATIENCE, || {
            self.child.try_wait().expect("a child")
        });
        // All that it wrote is there when the last handle is closed.
        until("the end of its output", PATIENCE, || {
            (Arc::strong_count(&self.heard) == 1).then_some(())
        });
        Done {
            code: status.code().unwrap_or(-1),
            out: content(&mut self.out),
            err: self.err(),
        }
    }
}

impl Drop for Typing {
    fn drop(&mut self) {
        // It has ended already where the test went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Collects what comes, until the other side is closed.
fn listen(mut from: impl Read + Send + 'static) -> Arc<Mutex<Vec<u8>>> {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let writes = Arc::clone(&heard);
    thread::spawn(move || {
        let mut piece = [0; 4096];
        // A terminal whose other side is closed is an error, and as good as an end.
        while let Ok(length @ 1..) = from.read(&mut piece) {
            writes
                .lock()
                .expect("nobody panicked")
                .extend(&piece[..length]);
        }
    });
    heard
}
