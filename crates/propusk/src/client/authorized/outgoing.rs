//! One request as it goes out, each time with credentials of its own.

use std::sync::Arc;

use bytes::Bytes;
use reqwest::{
    Method,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue},
};
use rmcp::{
    model::ClientJsonRpcMessage,
    transport::{
        common::http_header::{
            EVENT_STREAM_MIME_TYPE, HEADER_LAST_EVENT_ID, HEADER_SESSION_ID, JSON_MIME_TYPE,
        },
        streamable_http_client::StreamableHttpError,
    },
};
use zeroize::Zeroizing;

use super::{Failed, Headers};
use crate::client::{DpopKey, OutgoingToken, TokenError, TokenErrorKind};

/// A request without credentials. It can be sent again.
pub(super) struct Outgoing {
    pub(super) method: Method,
    pub(super) url: Arc<str>,
    /// What it asks for, for those who decide about its token.
    pub(super) operation: String,
    headers: HeaderMap,
    pub(super) body: Option<Bytes>,
}

impl Outgoing {
    pub(super) fn new(method: Method, url: Arc<str>, headers: Headers) -> Self {
        let mut headers: HeaderMap = headers.into_iter().collect();
        if method != Method::DELETE {
            let both = [EVENT_STREAM_MIME_TYPE, JSON_MIME_TYPE].join(", ");
            headers.extend(HeaderValue::try_from(both).map(|both| (ACCEPT, both)));
        }
        Self {
            operation: method.to_string(),
            method,
            url,
            headers,
            body: None,
        }
    }

    pub(super) fn operation(mut self, operation: String) -> Self {
        self.operation = operation;
        self
    }

    pub(super) fn session(self, id: Option<&str>) -> Result<Self, Failed> {
        self.header(HEADER_SESSION_ID, id)
    }

    pub(super) fn last_event(self, id: Option<&str>) -> Result<Self, Failed> {
        self.header(HEADER_LAST_EVENT_ID, id)
    }

    pub(super) fn message(mut self, message: &ClientJsonRpcMessage) -> Result<Self, Failed> {
        self.headers
            .insert(CONTENT_TYPE, HeaderValue::from_static(JSON_MIME_TYPE));
        self.body = Some(serde_json::to_vec(message)?.into());
        Ok(self)
    }

    /// Both come from the server, and may be what no header can hold.
    fn header(mut self, name: &'static str, value: Option<&str>) -> Result<Self, Failed> {
        if let Some(value) = value {
            let value = HeaderValue::from_str(value).map_err(|_| {
                StreamableHttpError::UnexpectedServerResponse(
                    format!("its {name} cannot be sent back").into(),
                )
            })?;
            self.headers.insert(name, value);
        }
        Ok(self)
    }

    /// The headers with the token, and with a proof where there is a key that it is bound to.
    pub(super) fn authorized(
        &self,
        token: Option<&OutgoingToken>,
        key: Option<&DpopKey>,
        nonce: Option<&str>,
    ) -> Result<HeaderMap, TokenError> {
        let mut headers = self.headers.clone();
        let Some(token) = token else {
            return Ok(headers);
        };
        let secret = token.secret();
        let scheme = match key {
            Some(key) => {
                let proof = key.proof(self.method.as_str(), &self.url, Some(secret), nonce);
                headers.insert("dpop", sensitive(&proof.ok_or_else(unproven)?)?);
                "DPoP"
            }
            None => "Bearer",
        };
        let text = Zeroizing::new(format!("{scheme} {}", secret.expose_secret()));
        headers.insert(AUTHORIZATION, sensitive(&text)?);
        Ok(headers)
    }
}

/// A value that nobody logs.
fn sensitive(text: &str) -> Result<HeaderValue, TokenError> {
    let mut value = HeaderValue::from_str(text).map_err(|_| {
        TokenError::new(
            TokenErrorKind::Misconfigured,
            "the token cannot go into a header",
        )
    })?;
    value.set_sensitive(true);
    Ok(value)
}

fn unproven() -> TokenError {
    TokenError::new(
        TokenErrorKind::Unavailable,
        "no DPoP proof could be made: the operating system gave no random numbers",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BearerToken;

    #[test]
    fn what_goes_out_is_marked_sensitive() {
        let token = OutgoingToken::new(BearerToken::parse("hunter2").expect("a token"));
        assert!(!format!("{token:?}").contains("hunter2"));
        let url: Arc<str> = "https://mcp.example.com/mcp".into();
        let request = Outgoing::new(Method::POST, url, Headers::new());
        let key = DpopKey::generate().expect("a key");
        for (key, expected) in [(None, "Bearer hunter2"), (Some(&key), "DPoP hunter2")] {
            let headers = request.authorized(Some(&token), key, Some("n"));
            let headers = headers.expect("headers");
            let value = &headers[AUTHORIZATION];
            assert_eq!(value.to_str().expect("ASCII"), expected);
            assert_eq!(headers.contains_key("dpop"), key.is_some());
            assert!(headers.get("dpop").is_none_or(HeaderValue::is_sensitive));
            assert!(value.is_sensitive());
            assert!(!format!("{headers:?}").contains("hunter2"));
        }
        let none = request.authorized(None, Some(&key), None).expect("headers");
        assert!(!none.contains_key(AUTHORIZATION) && !none.contains_key("dpop"));
    }
}
