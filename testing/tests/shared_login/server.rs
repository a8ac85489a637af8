//! A server of ours, whose tokens come from the provider.

use propusk::{AccessToken, AuthSettings, JwtVerifier, Server, tool_router};
use rmcp::tool;
use tokio::{net::TcpListener, task::JoinHandle};

pub(crate) struct Running {
    pub(crate) url: String,
    serving: JoinHandle<std::io::Result<()>>,
}

struct Tools;

#[tool_router(server_handler)]
impl Tools {
    #[tool(description = "Who is calling")]
    async fn whoami(&self, caller: AccessToken) -> String {
        caller.subject().to_owned()
    }
}

pub(crate) async fn start(issuer: &str) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    let settings = AuthSettings::new(&url)
        .unwrap()
        .authorization_server(issuer);
    // A token ends at its end, so that two seconds are two seconds.
    let verifier = JwtVerifier::from_issuer(issuer, &url).unwrap();
    let verifier = verifier.leeway(std::time::Duration::ZERO);
    let server = Server::new(Tools).auth(settings, verifier);
    let serving = tokio::spawn(server.serve_on(listener, std::future::pending()));
    Running { url, serving }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
