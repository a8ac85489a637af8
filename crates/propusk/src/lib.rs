#![doc = include_str!("../README.md")]

mod access_token;
mod admission;
mod any_of;
mod bearer;
#[cfg(feature = "cached")]
mod cached;
mod challenge;
#[cfg(any(feature = "client", feature = "introspection"))]
mod client_authentication;
#[cfg(any(feature = "client", feature = "introspection"))]
mod client_key;
mod clock;
mod composition;
mod confirmation;
mod decide;
mod declared_map;
#[cfg(all(feature = "jwt", feature = "layer"))]
mod dpop;
mod dpop_policy;
mod explanation;
mod fixed;
mod glob;
mod host_policy;
mod inspect;
#[cfg(any(feature = "jwt", feature = "layer"))]
mod log_limit;
mod metadata;
pub mod metrics;
mod operation;
mod patterns;
mod principal;
mod proof_defect;
mod refusal;
mod requirement;
mod resource;
pub mod rules;
mod scope;
mod scope_hierarchy;
mod scope_policy;
mod session_limits;
mod settings;
mod spelling;
mod unavailable;
mod verify;

#[cfg(feature = "layer")]
pub mod audit;
#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "fetch")]
mod discovery;
#[cfg(any(feature = "client", feature = "fetch"))]
mod fetch;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
#[cfg(feature = "introspection")]
mod introspection;
#[cfg(any(feature = "client", feature = "jwt"))]
mod jose;
#[cfg(feature = "jwt")]
mod jwt;
#[cfg(feature = "layer")]
pub mod layer;
#[cfg(feature = "jwt")]
mod routing;
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
pub use dpop_policy::{DpopPolicy, UnknownDpopPolicy};
pub use explanation::{Explanation, Verdict};
pub use fixed::FixedTokens;
pub use host_policy::{HostPolicy, InvalidHostRule};
pub use inspect::{Inspection, inspect};
pub use metadata::ProtectedResourceMetadata;
pub use operation::{InvalidOperation, Operation, Target, TargetKind};
pub use principal::Principal;
pub use proof_defect::ProofDefect;
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

#[cfg(feature = "cached")]
pub use cached::Cached;
#[cfg(feature = "client")]
pub use client::Client;
#[cfg(any(feature = "client", feature = "introspection"))]
pub use client_authentication::ClientAuthentication;
#[cfg(any(feature = "client", feature = "introspection"))]
pub use client_key::{ClientKey, InvalidClientKey};
#[cfg(feature = "fetch")]
pub use discovery::{InvalidIssuer, IssuerUrl};
#[cfg(feature = "introspection")]
pub use introspection::{IntrospectionVerifier, InvalidIntrospection};
#[cfg(any(feature = "client", feature = "jwt"))]
pub use jose::{MacAlgorithm, SignatureAlgorithm, UnknownAlgorithm};
#[cfg(feature = "jwt")]
pub use jwt::{InvalidJwtVerifier, JwtVerifier, WithoutAudience};
#[cfg(feature = "layer")]
pub use layer::AuthLayer;
#[cfg(any(feature = "jwt", feature = "layer"))]
pub use log_limit::{LogLimit, Told};
#[cfg(feature = "jwt")]
pub use routing::Routing;
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
