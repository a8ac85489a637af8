//! A network to a server that can be cut and frozen.

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// Passes connections on to a port of this machine.
pub(crate) struct Proxy {
    port: u16,
    state: watch::Sender<State>,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Open,
    Cut,
    Frozen,
}

impl Proxy {
    pub(crate) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let own_port = listener.local_addr().expect("an address").port();
        let (state, _) = watch::channel(State::Open);
        tokio::spawn(accept(listener, port, state.subscribe()));
        Self {
            port: own_port,
            state,
        }
    }

    /// The same URL, but through here.
    pub(crate) fn url(&self, url: &str, port: u16) -> String {
        let through = url.replace(&format!(":{port}/"), &format!(":{}/", self.port));
        assert_ne!(through, url);
        through
    }

    /// Ends all connections, and new ones as soon as they are made.
    pub(crate) fn cut(&self) {
        self.state.send_replace(State::Cut);
    }

    /// Passes nothing on any more and tells nobody, as a network that loses every packet.
    pub(crate) fn freeze(&self) {
        self.state.send_replace(State::Frozen);
    }

    /// Passes new connections on again. Those that were frozen stay so, as after a router that has
    /// forgotten them.
    pub(crate) fn open(&self) {
        self.state.send_replace(State::Open);
    }
}

async fn accept(listener: TcpListener, port: u16, mut state: watch::Receiver<State>) {
    while let Ok((client, _)) = listener.accept().await {
        let now = *state.borrow_and_update();
        tokio::spawn(pass_on(client, port, now, state.clone()));
    }
}

async fn pass_on(mut client: TcpStream, port: u16, now: State, mut state: watch::Receiver<State>) {
    let mut now = now;
    if now == State::Open {
        let mut server = TcpStream::connect(("127.0.0.1", port))
            .await
            .expect("it is there");
        tokio::select! {
            _ = copy_bidirectional(&mut client, &mut server) => return,
            _ = state.changed() => now = *state.borrow(),
        }
        if now == State::Frozen {
            // Holds both ends open for as long as the proxy lives.
            while state.changed().await.is_ok() {}
            drop(server);
        }
    } else if now == State::Frozen {
        while state.changed().await.is_ok() {}
    }
    drop(client);
}
