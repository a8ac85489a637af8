//! A refusal that is found behind the layer: by the handler's guard, or in a tool's own body.

use std::sync::{Arc, Mutex, PoisonError};

use crate::Refusal;

/// A place in a request's extensions for a refusal. As long as the answer has not begun, the layer
/// sends it instead: with its status and challenge, as if it had been found in front.
#[derive(Debug, Clone, Default)]
pub(crate) struct LateRefusal(Arc<Mutex<Option<Refusal>>>);

impl LateRefusal {
    /// Leaves a refusal for the layer.
    #[cfg_attr(not(feature = "server"), allow(dead_code, reason = "the guard does"))]
    pub(crate) fn set(&self, refusal: Refusal) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(refusal);
    }

    pub(super) fn take(&self) -> Option<Refusal> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
