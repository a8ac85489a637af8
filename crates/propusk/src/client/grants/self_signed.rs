//! A program that signs its own tokens (RFC 7519, RFC 9068), for servers that know its key. No
//! authorization server is involved.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use crate::{
    ClientKey, ScopeSet,
    client::{DpopKey, OutgoingToken, ProtectedServer, TokenError, TokenErrorKind, TokenSource},
};

/// Tokens that this program signs itself: JSON Web Tokens for the MCP server (its URL is the
/// audience), each good for five minutes.
///
/// ```no_run
/// # async fn run(pem: &str) -> Result<(), Box<dyn std::error::Error>> {
/// use propusk::{Client, ClientKey, client::SelfSigned};
///
/// let key = ClientKey::from_pem(pem)?.with_key_id("2026-01");
/// let tokens = SelfSigned::new("https://jobs.example.com", "nightly-report", key)
///     .scopes(propusk::ScopeSet::parse("notes:read")?);
/// let session = Client::new("https://mcp.example.com/mcp").tokens(tokens).connect().await?;
/// # drop(session);
/// # Ok(())
/// # }
/// ```
pub struct SelfSigned {
    key: Arc<ClientKey>,
    issuer: String,
    subject: String,
    audience: Option<String>,
    scopes: ScopeSet,
    lifetime: Duration,
    claims: Map<String, Value>,
    dpop: Option<DpopKey>,
    held: Mutex<Option<Held>>,
}

/// The last token: for which server, and when another one is signed.
struct Held {
    server: String,
    token: OutgoingToken,
    replace_at: SystemTime,
}

impl SelfSigned {
    /// Tokens of this issuer (`iss`) for this subject (`sub`, and `client_id`), signed with this key.
    #[must_use]
    pub fn new(issuer: impl Into<String>, subject: impl Into<String>, key: ClientKey) -> Self {
        Self {
            key: Arc::new(key),
            issuer: issuer.into(),
            subject: subject.into(),
            audience: None,
            scopes: ScopeSet::default(),
            lifetime: Duration::from_secs(300),
            claims: Map::new(),
            dpop: None,
            held: Mutex::default(),
        }
    }

    /// Says `aud`, where it is not the URL of the MCP server as the client was given it.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = Some(audience.into());
        self
    }

    /// Says `scope`.
    #[must_use]
    pub fn scopes(mut self, scopes: ScopeSet) -> Self {
        self.scopes = scopes;
        self
    }

    /// How long a token is good (default: 5 minutes). It is replaced when half of that is over.
    #[must_use]
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Says another claim. The ones that this type writes itself are not changed by it.
    #[must_use]
    pub fn claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.claims.insert(name.into(), value.into());
        self
    }

    /// Binds the tokens to this key (`cnf`, RFC 9449 §6), so that nobody else can use them.
    #[must_use]
    pub fn dpop(mut self, key: DpopKey) -> Self {
        self.dpop = Some(key);
        self
    }

    fn sign(&self, server: &ProtectedServer, now: SystemTime) -> Option<OutgoingToken> {
        let since = now.duration_since(UNIX_EPOCH).ok()?;
        let mut id = [0; 16];
        aws_lc_rs::rand::fill(&mut id).ok()?;
        let mut claims = self.claims.clone();
        let mut say = |name: &str, value: Value| claims.insert(name.to_owned(), value);
        say("iss", self.issuer.as_str().into());
        say("sub", self.subject.as_str().into());
        say("client_id", self.subject.as_str().into());
        say(
            "aud",
            self.audience.as_deref().unwrap_or(server.url()).into(),
        );
        say("iat", since.as_secs().into());
        say("exp", (since + self.lifetime).as_secs().into());
        say("jti", URL_SAFE_NO_PAD.encode(id).into());
        if !self.scopes.is_empty() {
            let scopes: Vec<_> = self.scopes.iter().map(crate::Scope::as_str).collect();
            say("scope", scopes.join(" ").into());
        }
        if let Some(key) = &self.dpop {
            say("cnf", json!({"jkt": key.thumbprint()}));
        }
        let token = self.key.sign_as("at+jwt", &Value::Object(claims))?;
        let token = OutgoingToken::parse(&token).ok()?;
        let token = token.with_expires_at(Some(now + self.lifetime));
        Some(match &self.dpop {
            Some(key) => token.with_key(key.clone()),
            None => token.bound_to_key(false),
        })
    }
}

impl TokenSource for SelfSigned {
    async fn token(&self, server: &ProtectedServer) -> Result<Option<OutgoingToken>, TokenError> {
        let now = SystemTime::now();
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = &*held
            && held.replace_at > now
            && held.server == server.url()
        {
            return Ok(Some(held.token.clone()));
        }
        let token = self.sign(server, now).ok_or_else(|| {
            TokenError::new(
                TokenErrorKind::Misconfigured,
                "no token could be signed; check the key and the clock of this machine",
            )
        })?;
        *held = Some(Held {
            server: server.url().to_owned(),
            token: token.clone(),
            replace_at: now + self.lifetime / 2,
        });
        Ok(Some(token))
    }
}

impl fmt::Debug for SelfSigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SelfSigned")
            .field("issuer", &self.issuer)
            .field("subject", &self.subject)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}
