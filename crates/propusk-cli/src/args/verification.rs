//! Which tokens are accepted, for `propusk serve` and `propusk inspect`.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Which tokens are accepted")]
pub(crate) struct VerificationArgs {
    /// URL that clients use, and the audience of tokens [default: http://<listen>/mcp]
    #[arg(long, value_name = "URL", env = "PROPUSK_RESOURCE")]
    pub(crate) resource: Option<String>,

    /// Token store: sqlite:FILE or postgres://USER@HOST/DATABASE [default: sqlite:propusk.db, unless
    /// another source of tokens is given]
    #[arg(
        long,
        value_name = "URL",
        env = "PROPUSK_TOKENS",
        hide_env_values = true
    )]
    pub(crate) tokens: Option<String>,

    /// A fixed token for development, as TOKEN=SUBJECT[:SCOPE,SCOPE]; repeatable
    #[arg(
        long,
        value_name = "TOKEN=SUBJECT",
        env = "PROPUSK_FIXED_TOKENS",
        hide_env_values = true
    )]
    pub(crate) token: Vec<String>,

    /// An issuer of JSON Web Tokens, whose keys are discovered; clients are sent there to sign in.
    /// Repeatable
    #[arg(long, value_name = "URL", env = "PROPUSK_ISSUER")]
    pub(crate) issuer: Vec<String>,

    /// Key set of the issuer, instead of the one that it publishes: a URL, or a file, which is read
    /// again when it changes
    #[arg(long, value_name = "URL|FILE", env = "PROPUSK_JWKS")]
    pub(crate) jwks: Option<String>,

    /// One more audience that tokens may name instead of the resource URL, such as api://notes;
    /// repeatable
    #[arg(long, value_name = "AUDIENCE", env = "PROPUSK_AUDIENCE")]
    pub(crate) audience: Vec<String>,

    /// Accepts tokens of the issuer that name no audience at all, as those of AWS Cognito, if they
    /// were issued to this client, which should get tokens for this server only; repeatable
    #[arg(long, value_name = "CLIENT", env = "PROPUSK_ACCEPT_CLIENT")]
    pub(crate) accept_client: Vec<String>,

    /// Identity server to ask about all other tokens (RFC 7662): its introspection endpoint, or the
    /// word issuer for the endpoint that the issuer publishes
    #[arg(long, value_name = "URL|issuer", env = "PROPUSK_INTROSPECT")]
    pub(crate) introspect: Option<String>,

    /// Issuer whose tokens that endpoint answers for, where one is given by its URL. It may speak
    /// for the users of an --issuer only if that is named here
    #[arg(long, value_name = "URL", env = "PROPUSK_INTROSPECT_ISSUER")]
    pub(crate) introspect_issuer: Option<String>,

    /// Client id to introspect with; its secret is in PROPUSK_INTROSPECT_SECRET or in a file
    #[arg(long, value_name = "CLIENT", env = "PROPUSK_INTROSPECT_CLIENT_ID")]
    pub(crate) introspect_client_id: Option<String>,

    /// File with the client's secret, or with its private key (PEM) for private_key_jwt
    #[arg(long, value_name = "FILE", env = "PROPUSK_INTROSPECT_SECRET_FILE")]
    pub(crate) introspect_secret_file: Option<PathBuf>,

    /// The flags of an identity server that stand on the command line and not in the environment.
    #[arg(skip)]
    pub(crate) typed: Vec<&'static str>,

    /// How the client authenticates: basic, post or private_key_jwt [default: basic]
    #[arg(long, value_name = "METHOD", env = "PROPUSK_INTROSPECT_AUTH")]
    pub(crate) introspect_auth: Option<String>,

    /// A scope that every request needs; repeatable
    #[arg(long, value_name = "SCOPE", env = "PROPUSK_REQUIRED_SCOPE")]
    pub(crate) required_scope: Vec<String>,

    /// Who gets in: required, optional (no token is anonymous) or permissive (a bad one too)
    /// [default: required]
    #[arg(long, value_name = "WHO", env = "PROPUSK_ADMISSION")]
    pub(crate) admission: Option<String>,
}
