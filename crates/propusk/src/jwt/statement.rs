//! Signed statements of an issuer that are not access tokens.

use std::{sync::Arc, time::Duration};

use serde_json::{Map, Value};

use super::{
    keys::{Keys, Origin, Signed},
    numeric_date::numeric_date,
    refused::{NotVerified, Refused},
};
use crate::{Clock, IssuerUrl, fetch::Fetcher, jose::Compact};

/// Verifies statements with the keys of an issuer, which are found and kept as for its tokens.
pub(crate) struct Statements {
    keys: Keys,
}

impl Statements {
    /// Those of this issuer. Nothing is fetched before the first one comes.
    pub(crate) fn of(issuer: IssuerUrl, fetcher: Fetcher) -> Self {
        let keys = Keys::from_origin(Origin::issuer(issuer, fetcher));
        Self { keys }
    }

    /// The claims of a statement of this media type (`typ`), whose signature is good. They are not
    /// judged.
    pub(crate) async fn open(
        &self,
        text: &str,
        media_type: &str,
        leeway: Duration,
        clock: &Arc<dyn Clock>,
    ) -> Result<Map<String, Value>, NotVerified> {
        let parts = Compact::parse(text)?;
        let header = parts.header()?;
        if let Some(name) = header.key_source() {
            return Err(Refused::KeySource(name).into());
        }
        let own = header.media_type();
        if !own.is_some_and(|own| own.eq_ignore_ascii_case(media_type)) {
            return Err(Refused::MediaType.into());
        }
        self.keys.judge_algorithm(header.algorithm())?;
        let claims = parts.claims()?;
        let signature = parts.signature()?;
        let signed = Signed {
            header: &header,
            input: parts.signing_input(),
            signature: &signature,
            issued_at: numeric_date(&claims, "iat")?,
            leeway,
        };
        self.keys.verify(&signed, clock).await?;
        Ok(claims)
    }
}
