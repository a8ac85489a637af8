//! `propusk serve`.

use std::path::PathBuf;

use clap::Args;

use super::VerificationArgs;

#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ServeArgs {
    /// Address to listen on; port 0 is any free one [default: 127.0.0.1:8000]
    #[arg(long, value_name = "ADDRESS", env = "PROPUSK_LISTEN")]
    pub(crate) listen: Option<String>,

    /// A scope that clients are told to ask for when they sign in, beside the required ones: what
    /// basic use needs. Nothing is checked against it; without any, clients guess. Repeatable
    #[arg(long, value_name = "SCOPE", env = "PROPUSK_SUGGESTED_SCOPE")]
    pub(crate) suggested_scope: Vec<String>,

    /// Lists all tools to everybody, with the scopes that they need and the caller lacks; by default
    /// a list shows what its caller may use
    #[arg(long, env = "PROPUSK_SHOW_ALL", value_parser = clap::builder::BoolishValueParser::new())]
    pub(crate) show_all: bool,

    /// One more Host that requests may name, beside that of the resource URL; repeatable
    #[arg(long, value_name = "HOST", env = "PROPUSK_ALLOWED_HOST")]
    pub(crate) allowed_host: Vec<String>,

    /// One more origin whose browser pages may call, such as http://localhost:*; repeatable
    #[arg(long, value_name = "ORIGIN", env = "PROPUSK_ALLOWED_ORIGIN")]
    pub(crate) allowed_origin: Vec<String>,

    /// Which tokens are accepted: any, where one that is bound to a key must come with its proof
    /// (accepted), or bound ones only (required) [default: accepted]
    #[arg(long, value_name = "POLICY", env = "PROPUSK_DPOP")]
    pub(crate) dpop: Option<String>,

    /// Wants a nonce of this server in every DPoP proof; each process accepts only its own
    #[arg(long, env = "PROPUSK_DPOP_NONCES", value_parser = clap::builder::BoolishValueParser::new())]
    pub(crate) dpop_nonces: bool,

    /// Serves no page: by default browsers get one at / in which callers see who they are, what they
    /// may do and why they were refused
    #[arg(long, env = "PROPUSK_NO_WEB", value_parser = clap::builder::BoolishValueParser::new())]
    pub(crate) no_web: bool,

    /// Keeps no 2025-11-25 sessions: every request stands for itself, as several replicas need
    #[arg(long, env = "PROPUSK_STATELESS", value_parser = clap::builder::BoolishValueParser::new())]
    pub(crate) stateless: bool,

    /// Appends a line of JSON for every decision to this file (- is stdout); SIGHUP opens it again
    #[arg(long, value_name = "FILE", env = "PROPUSK_AUDIT")]
    pub(crate) audit: Option<PathBuf>,

    /// Shows numbers for Prometheus without a token: `on` at /metrics of this server, or on an
    /// address of their own, such as 127.0.0.1:9100 [default: off]
    #[arg(long, value_name = "on|ADDRESS", env = "PROPUSK_METRICS")]
    pub(crate) metrics: Option<String>,

    /// URL of an MCP server to protect, instead of the built-in one
    #[arg(
        long,
        value_name = "URL",
        env = "PROPUSK_UPSTREAM",
        conflicts_with = "server_command"
    )]
    pub(crate) upstream: Option<String>,

    /// A program to protect instead, which speaks MCP on its standard input and output, with its
    /// arguments; it stands last, after --
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) server_command: Vec<String>,

    /// Certificate of the listener (PEM, with its intermediates behind it), for TLS; read again when it
    /// changes
    #[arg(long, value_name = "FILE", env = "PROPUSK_TLS_CERTIFICATE")]
    pub(crate) tls_certificate: Option<PathBuf>,

    /// Private key of that certificate (PEM)
    #[arg(long, value_name = "FILE", env = "PROPUSK_TLS_KEY")]
    pub(crate) tls_key: Option<PathBuf>,

    /// Sends a span for every request to a collector at this base URL: OpenTelemetry over OTLP, HTTP
    /// and protobuf. A trace goes on to the upstream [default: off]
    #[arg(long, value_name = "URL", env = "PROPUSK_OTLP")]
    pub(crate) otlp: Option<String>,

    #[command(flatten)]
    pub(crate) verification: VerificationArgs,
}

const EXAMPLES: &str = "\
Without an upstream there are built-in tools: whoami, echo, notes_add (scope notes:write),
notes_list (scope notes:read). Several upstreams, rules for their tools, limits and trusted proxies
stand in propusk.toml, which is read again at SIGHUP and when it changes.
Exit codes: 0 stopped by a signal, 2 usage, 5 an address or a store is not available.

Examples:
  propusk serve
  propusk serve -- npx -y @modelcontextprotocol/server-everything
  propusk serve --upstream http://127.0.0.1:9000/mcp
  propusk serve --listen 127.0.0.1:9000 --tokens sqlite:/var/lib/propusk/tokens.db
  propusk serve --token secret-token-123=alice:echo,notes:read
  propusk serve --issuer https://login.example --suggested-scope notes:read
  propusk serve --issuer https://login.example --accept-client 5l6e7d --required-scope notes
  propusk serve --listen 0.0.0.0:8000 --resource https://mcp.example.com/mcp
  propusk serve --listen 0.0.0.0:443 --resource https://mcp.example.com/mcp \\
    --tls-certificate fullchain.pem --tls-key privkey.pem
  propusk serve --audit /var/log/propusk/audit.jsonl --metrics 127.0.0.1:9100";
