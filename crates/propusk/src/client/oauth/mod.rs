//! Signing a user in: the authorization-code flow with PKCE (OAuth 2.1, MCP 2026-07-28), on rmcp's
//! OAuth client.
//!
//! rmcp finds the authorization server, registers the client, makes the PKCE verifier and the
//! authorization URL, and exchanges the code. What is here: the HTTP client that it does all this
//! with ([`http`]), the comparisons that it leaves out ([`discovery`], [`callback`]), the browser and
//! the redirect back to this machine ([`browser`], [`loopback`]), and the login that comes out of it
//! ([`code`], [`flow`]). Left out, on purpose: guessing endpoints of servers that publish no metadata.

mod answer;
mod browser;
mod callback;
mod code;
mod discovery;
mod exchange;
mod failure;
mod flow;
mod http;
mod interactive;
mod loopback;
mod names;
mod place;
mod posted;
mod proofs;
mod registration;
mod request;
mod scopes;

pub(super) use answer::{error_code, exchanged_in, quoted, token_in};
pub(super) use discovery::find;
pub(super) use exchange::not_bound;
pub(super) use failure::of_exchange;
pub(super) use http::{EXCHANGE_TIMEOUT, OAuthHttp};
pub(super) use place::{issuer_url, not_the_wanted_issuer, server_url};

pub use browser::{AuthorizationUrl, Browser, SystemBrowser, open_browser};
pub use code::AuthorizationCode;
pub use interactive::InteractiveLogin;
pub use loopback::Redirect;
