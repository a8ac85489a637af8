//! Sends a request until there is an answer, or no sense in trying again.

use std::{sync::atomic::Ordering, time::Instant};

use reqwest::{Response, header::HeaderMap};

use super::{Authorized, Failed, Failure, Outgoing, Patience, Setback, headers};
use crate::{
    Challenge,
    client::{
        DpopKey, OutgoingToken, Reaction, RefusedRequest, TokenError, TokenErrorKind, WAITING,
    },
};

/// How often a request is sent again with another nonce: one that has just been given may be too old
/// when it arrives, once.
const MOST_NONCES: usize = 2;

impl Authorized {
    /// Sends a request with the source's token. What can be got over is got over, within limits.
    pub(super) async fn exchange(&self, request: &Outgoing) -> Result<Response, Failed> {
        let mut patience = self.patience();
        loop {
            let setback = match self.once(request).await? {
                Ok(response) => {
                    self.0.tried.allowed(&request.operation);
                    return Ok(response);
                }
                Err(setback) => setback,
            };
            if !self.0.connected.load(Ordering::Relaxed) {
                self.leave(&setback);
                return Err(Failed::Client(setback.into()));
            }
            self.get_over(setback, &mut patience).await?;
        }
    }

    pub(in crate::client) fn patience(&self) -> Patience {
        Patience::new(self.0.server.http())
    }

    /// Asks the source for a token, for nothing but to have it.
    pub(in crate::client) async fn ask_for_token(&self) -> Result<(), TokenError> {
        self.0.source.dyn_token(&self.0.server).await.map(drop)
    }

    /// Does what may help after a setback, which is to wait or to get another token.
    ///
    /// # Errors
    /// The setback itself where nothing helps; where the source failed, its error.
    pub(in crate::client) async fn get_over(
        &self,
        setback: Setback,
        patience: &mut Patience,
    ) -> Result<(), Failure> {
        let refused = match &setback {
            Setback::Refused(refused) => refused,
            Setback::Busy { status, .. } => {
                let Some(wait) = patience.wait_after(&setback) else {
                    return Err(setback.into());
                };
                tracing::info!(
                    target: WAITING,
                    "the server cannot answer now ({status}); trying again in {} s",
                    wait.as_secs_f32().ceil()
                );
                tokio::time::sleep(wait).await;
                return Ok(());
            }
        };
        match self.another_token(refused, patience).await {
            Ok(true) => {
                patience.another_token(refused);
                Ok(())
            }
            Ok(false) => {
                if patience.has_tried(refused) {
                    self.0.tried.in_vain(refused, Instant::now());
                }
                Err(setback.into())
            }
            Err(error) => {
                if error.kind() == TokenErrorKind::Declined {
                    self.0.tried.in_vain(refused, Instant::now());
                }
                Err(error.into())
            }
        }
    }

    /// Whether the source has another token than the one that was refused.
    async fn another_token(
        &self,
        refused: &RefusedRequest,
        patience: &Patience,
    ) -> Result<bool, TokenError> {
        let shared = &self.0;
        if !patience.allows_another_token(refused)
            || shared.tried.is_in_vain(refused, Instant::now())
        {
            return Ok(false);
        }
        match shared
            .source
            .dyn_on_challenge(&shared.server, refused)
            .await?
        {
            Reaction::GiveUp => Ok(false),
            Reaction::Retry => {
                let token = shared.source.dyn_token(&shared.server).await?;
                let secret = |token: &Option<OutgoingToken>| {
                    token.as_ref().map(|token| token.secret().clone())
                };
                Ok(token.is_some() && secret(&token) != secret(&refused.sent))
            }
        }
    }

    /// Sends a request with the token of now; again only where its proof lacked the server's nonce.
    async fn once(&self, request: &Outgoing) -> Result<Result<Response, Setback>, Failure> {
        let shared = &self.0;
        let token = shared.source.dyn_token(&shared.server).await?;
        let (token, key) = self.bound(token)?;
        let mut nonces = 0;
        loop {
            let nonce = key.as_ref().and_then(|key| key.nonce(&request.url));
            let headers = request.authorized(token.as_ref(), key.as_ref(), nonce.as_deref())?;
            let response = self.send(request, headers).await?;
            if let Some(key) = &key
                && let Some(given) = headers::dpop_nonce(response.headers())
            {
                key.remember_nonce(&request.url, given);
                let other = key.nonce(&request.url) != nonce;
                if other && nonces < MOST_NONCES && lacks_nonce(&response) {
                    nonces += 1;
                    continue;
                }
            }
            return Ok(judged(response, token, &request.operation));
        }
    }

    /// The token as it goes out, and the key that it is bound to.
    fn bound(
        &self,
        token: Option<OutgoingToken>,
    ) -> Result<(Option<OutgoingToken>, Option<DpopKey>), TokenError> {
        let Some(token) = token else {
            return Ok((None, None));
        };
        let key = token.key().or(self.0.key.as_ref()).cloned();
        let bound = token.bound.unwrap_or(key.is_some());
        if bound && key.is_none() {
            return Err(TokenError::new(
                TokenErrorKind::Misconfigured,
                "the token is bound to a key, and the client has none: give it one with Client::dpop",
            ));
        }
        Ok((Some(token.bound_to_key(bound)), key.filter(|_| bound)))
    }

    async fn send(&self, request: &Outgoing, headers: HeaderMap) -> Result<Response, Failure> {
        let mut sending = self
            .0
            .http
            .request(request.method.clone(), &*request.url)
            .headers(headers);
        if let Some(body) = &request.body {
            sending = sending.body(body.clone());
        }
        Ok(self.in_time(sending.send()).await??)
    }

    /// Waits for a part of an answer, as long as the user wants to.
    pub(super) async fn in_time<T>(&self, waiting: impl Future<Output = T>) -> Result<T, Failure> {
        match self.0.server.http().answer_timeout {
            None => Ok(waiting.await),
            Some(limit) => tokio::time::timeout(limit, waiting)
                .await
                .map_err(|_| Failure::Late(limit)),
        }
    }
}

/// RFC 9449 §9: 401 with `error="use_dpop_nonce"`.
fn lacks_nonce(response: &Response) -> bool {
    let challenges = headers::challenges(response.headers());
    let challenge = challenges.as_deref().and_then(Challenge::parse_dpop);
    response.status().as_u16() == 401
        && challenge.as_ref().and_then(Challenge::error) == Some("use_dpop_nonce")
}

/// What the status of an answer says. A 500, 502 or 504 may come of a request that was processed:
/// it is an answer, and not tried again.
fn judged(
    response: Response,
    sent: Option<OutgoingToken>,
    operation: &str,
) -> Result<Response, Setback> {
    match response.status().as_u16() {
        status @ (401 | 403) => {
            let header = headers::challenges(response.headers());
            let challenge = header
                .as_deref()
                .and_then(|header| headers::challenge(header, sent.as_ref()));
            Err(Setback::Refused(Box::new(RefusedRequest {
                status,
                header,
                challenge,
                sent,
                operation: operation.to_owned(),
            })))
        }
        status @ (429 | 503) => Err(Setback::Busy {
            status,
            retry_after: headers::retry_after(response.headers()),
            sent,
        }),
        _ => Ok(response),
    }
}

impl From<Failure> for Failed {
    fn from(failure: Failure) -> Self {
        Self::Client(failure)
    }
}
