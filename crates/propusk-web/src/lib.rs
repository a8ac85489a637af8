//! The page of propusk: a client of MCP servers in the browser, which shows its visitors who they
//! are, what they may do and why they were refused.
//!
//! Its sources are in `web/`, built by Node.js; what is built is committed and embedded here, so that
//! the program needs no Node. The page is static, the same for everybody, and holds no secret; what
//! it does at a server it does with the token of whoever sits in front of it.

mod encoding;
mod files;
mod headers;
mod page;

pub use headers::CONTENT_SECURITY_POLICY;
pub use page::Page;
