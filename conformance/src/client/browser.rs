//! A browser without a user: it goes to the page, and the page sends it back at once.

use propusk::client::{AuthorizationUrl, Browser, Redirect, TokenError, TokenErrorKind};
use reqwest::{header::LOCATION, redirect::Policy};

pub(crate) struct Headless;

impl Browser for Headless {
    async fn authorize(&self, url: &AuthorizationUrl, _: Redirect) -> Result<String, TokenError> {
        let failed = |error: reqwest::Error| {
            TokenError::new(TokenErrorKind::Unavailable, "the page cannot be opened")
                .with_cause(error)
        };
        let http = reqwest::Client::builder().redirect(Policy::none());
        let http = http.no_proxy().build().map_err(failed)?;
        let page = http.get(url.as_str()).send().await.map_err(failed)?;
        let location = page.headers().get(LOCATION);
        let location = location.and_then(|value| value.to_str().ok());
        location.map(str::to_owned).ok_or_else(|| {
            let message = format!("the page does not lead back (HTTP {})", page.status());
            TokenError::new(TokenErrorKind::Declined, message)
        })
    }
}
