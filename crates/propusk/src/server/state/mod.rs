//! What a client keeps for the server and gives back: bound to its caller, sealed, and not for ever.

mod bound;
mod keeper;
mod request_digest;
mod sealer;

pub use bound::Bound;
pub use sealer::{NotValid, Sealed, StateSealer};
