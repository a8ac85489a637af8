//! Tokens for machines: programs that nobody signs in for. Left out, since machines have no use for
//! them: refresh tokens, registration (RFC 7591).
//!
//! All of them ask the MCP server first, without a token: its challenge says which authorization
//! server to ask and for which scopes. Then [`place`] is where tokens are asked for, [`token_request`]
//! the request, [`machine`] what is kept, when it is replaced and what a refusal leads to; the other
//! files are one grant each.

mod client_credentials;
mod enterprise;
mod held;
mod machine;
mod machine_client;
mod place;
mod self_signed;
mod statement;
mod token_endpoint;
mod token_request;
mod workload;

pub use client_credentials::ClientCredentials;
pub use enterprise::{EnterpriseIdp, EnterpriseManaged};
pub use machine_client::MachineClient;
pub use self_signed::SelfSigned;
pub use token_endpoint::{IssuedToken, NotIssued, TokenEndpoint};
pub use workload::WorkloadIdentity;
