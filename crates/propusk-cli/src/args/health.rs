//! `propusk health`.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
#[command(after_help = "\
It asks /readyz of the server, whatever path the URL has, and waits five seconds.
Exit codes: 0 it accepts work, 2 usage, 5 it does not, or cannot be reached.

Examples:
  propusk health
  propusk health https://mcp.example.com
  HEALTHCHECK CMD [\"propusk\", \"health\"]      (in a Dockerfile)")]
pub(crate) struct HealthArgs {
    /// URL of the server [default: where serve would listen]
    #[arg(value_name = "URL")]
    pub(crate) url: Option<String>,

    /// Address that the server listens on, where no URL is given [default: 127.0.0.1:8000]
    #[arg(long, value_name = "ADDRESS", env = "PROPUSK_LISTEN")]
    pub(crate) listen: Option<String>,

    /// The server's certificate chain: it is spoken to over TLS
    #[arg(long, value_name = "FILE", env = "PROPUSK_TLS_CERTIFICATE")]
    pub(crate) tls_certificate: Option<PathBuf>,
}
