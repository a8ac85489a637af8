//! `requestState` values that a client cannot alter (2026-07-28, basic/patterns/mrtr).

use std::{fmt, time::Duration};

use rmcp::{
    ErrorData,
    model::{RequestStateCodec, SealOptions},
};
use serde::{Serialize, de::DeserializeOwned};

/// How long a person may take to answer one round.
const TIME_TO_ANSWER: Duration = Duration::from_secs(600);

/// Seals and opens the state that a tool hands to the client between two rounds.
pub(crate) struct RequestStates {
    codec: RequestStateCodec,
}

impl RequestStates {
    /// Takes a random key that lives as long as this process.
    pub(crate) fn new() -> Result<Self, getrandom::Error> {
        let mut key = [0; RequestStateCodec::MIN_KEY_LENGTH];
        getrandom::fill(&mut key)?;
        Ok(Self {
            // Unchecked is about the length alone, and the length is the required one.
            codec: RequestStateCodec::new_unchecked(key),
        })
    }

    /// Seals a state for one tool; another tool cannot open it.
    pub(crate) fn seal<T: Serialize>(&self, tool: &str, state: &T) -> Result<String, ErrorData> {
        let options = SealOptions::new()
            .associated_data(tool.as_bytes())
            .ttl(TIME_TO_ANSWER);
        self.codec
            .seal_json_with(state, &options)
            .map_err(|error| ErrorData::internal_error(error.to_string(), None))
    }

    /// Opens what [`Self::seal`] made.
    ///
    /// # Errors
    ///
    /// -32602, always with the same words, so that a forger learns nothing from them.
    pub(crate) fn open<T: DeserializeOwned>(
        &self,
        tool: &str,
        sealed: &str,
    ) -> Result<T, ErrorData> {
        self.codec
            .open_json_with(sealed, tool.as_bytes())
            .map_err(|_| ErrorData::invalid_params("requestState is not valid", None))
    }
}

impl fmt::Debug for RequestStates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RequestStates([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::RequestStates;

    #[test]
    fn only_the_untouched_state_of_the_same_tool_opens() {
        let states = RequestStates::new().unwrap();
        let sealed = states.seal("one", &7).unwrap();
        let tampered = format!("{sealed}-TAMPERED");
        let stranger = RequestStates::new().unwrap().seal("one", &7).unwrap();
        let table = [
            ("one", &sealed, Some(7)),
            ("two", &sealed, None),
            ("one", &tampered, None),
            ("one", &stranger, None),
        ];
        for (tool, state, expected) in table {
            assert_eq!(
                states.open::<i32>(tool, state).ok(),
                expected,
                "{tool} {state}"
            );
        }
    }
}
