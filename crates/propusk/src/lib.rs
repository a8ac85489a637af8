#![doc = include_str!("../README.md")]

#[cfg_attr(
    not(feature = "layer"),
    allow(dead_code, reason = "the layer attaches the text")
)]
mod access_token;
mod admission;
mod any_of;
mod bearer;
mod challenge;
mod clock;
mod confirmation;
mod decide;
mod explanation;
mod fixed;
mod glob;
#[cfg_attr(not(feature = "layer"), allow(dead_code, reason = "the layer asks"))]
mod host_policy;
mod metadata;
mod operation;
mod principal;
mod refusal;
mod requirement;
mod resource;
mod scope;
mod scope_hierarchy;
mod scope_policy;
#[cfg_attr(not(feature = "layer"), allow(dead_code, reason = "the layer counts"))]
mod session_limits;
mod settings;
mod spelling;
mod unavailable;
mod verify;

#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "fetch")]
mod discovery;
#[cfg(feature = "fetch")]
mod fetch;
#[cfg(feature = "layer")]
pub mod layer;
#[cfg(feature = "server")]
pub mod server;

pub use access_token::AccessToken;
pub use admission::{Admission, UnknownAdmission};
pub use any_of::AnyOf;
pub use bearer::{BearerToken, InvalidBearerToken};
pub use challenge::Challenge;
pub use clock::{Clock, SystemClock};
pub use confirmation::Confirmation;
pub use decide::{Permit, Presented, decide};
pub use explanation::{Explanation, Verdict};
pub use fixed::FixedTokens;
pub use host_policy::{HostPolicy, InvalidHostRule};
pub use metadata::ProtectedResourceMetadata;
pub use operation::{Operation, Target, TargetKind};
pub use principal::Principal;
pub use refusal::{Defect, Malformed, Reason, Refusal};
pub use requirement::Requirement;
pub use resource::{InvalidResourceUrl, ResourceUrl};
pub use scope::{InvalidScope, Scope, ScopeSet};
pub use scope_hierarchy::ScopeHierarchy;
pub use scope_policy::ScopePolicy;
pub use session_limits::SessionLimits;
pub use settings::AuthSettings;
pub use unavailable::Unavailable;
pub use verify::TokenVerifier;

#[cfg(feature = "client")]
pub use client::Client;
#[cfg(feature = "fetch")]
pub use discovery::{InvalidIssuer, IssuerUrl};
#[cfg(feature = "layer")]
pub use layer::AuthLayer;
#[cfg(feature = "server")]
pub use server::{Server, tool_router};

/// The Rust of the READMEs, compiled.
#[cfg(all(doctest, feature = "client", feature = "server"))]
mod readme {
    #[doc = include_str!("../../../README.md")]
    struct English;

    #[doc = include_str!("../../../README.ru.md")]
    struct Russian;
}
