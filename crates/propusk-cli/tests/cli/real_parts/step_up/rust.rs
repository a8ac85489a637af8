//! rmcp's own OAuth client. It hands every refusal to its application, with the means to answer it;
//! the application here is as plain as can be.

use reqwest::Url;
use rmcp::{
    ServiceError,
    model::{
        CallToolRequestParams, ClientCapabilities, ClientConfig, Implementation, ProtocolVersion,
    },
    service::{
        ClientInitializeError, ClientLifecycleMode, ClientServiceExt, RoleClient, RunningService,
    },
    transport::{
        AuthClient, AuthorizationManager, AuthorizationRequest, StreamableHttpClientTransport,
        WWWAuthenticateParams,
        auth::{AuthError, AuthorizationCallback, OAuthState},
        streamable_http_client::StreamableHttpClientTransportConfig,
    },
};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::{
    client::{Client, Refusals},
    person::{CALLBACK, Person},
};

type Service = RunningService<RoleClient, ClientConfig>;
type Http = AuthClient<reqwest::Client>;

/// For one order.
const MOST_STEP_UPS: usize = 2;

pub(super) struct Rust {
    runtime: Runtime,
    http: Http,
    service: Service,
    base: Url,
    version: String,
    refused: Refusals,
}

impl Rust {
    /// Connects, signs in as the challenge says, and connects again.
    pub(super) fn start(
        (url, mode, client): (&str, &str, &str),
        person: &mut Person<'_>,
    ) -> Result<Self, String> {
        let runtime = Runtime::new().unwrap();
        let stranger = runtime.block_on(AuthorizationManager::new(url)).unwrap();
        let stranger = AuthClient::new(plain(), stranger);
        let refused = runtime.block_on(connect(url, mode, stranger)).unwrap_err();
        let challenge = refused.auth_challenge().expect("a challenge").to_owned();

        let manager = sign_in(&runtime, url, client, &challenge, person)?;
        let http = AuthClient::new(plain(), manager);
        let service = runtime.block_on(connect(url, mode, http.clone()));
        let service = service.map_err(|error| error.to_string())?;
        let info = service.peer_info().expect("it is connected");
        Ok(Self {
            version: info.protocol_version.to_string(),
            base: Url::parse(url).unwrap(),
            refused: vec![(401, challenge)],
            runtime,
            http,
            service,
        })
    }

    fn once(&self, order: &Value) -> Result<Value, ServiceError> {
        self.runtime.block_on(async {
            let Some(tool) = order["call"].as_str() else {
                let tools = self.service.list_all_tools().await?;
                return Ok(tools.into_iter().map(|tool| json!(tool.name)).collect());
            };
            let arguments = order["arguments"].as_object().cloned().unwrap();
            let call = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
            let result = self.service.call_tool(call).await?;
            assert_ne!(result.is_error, Some(true), "{result:?}");
            Ok(result.structured_content.unwrap_or_default())
        })
    }

    /// rmcp computes what to ask for. It counts attempts too, but from zero after every token, also
    /// after one that is no wider; so the application has to count.
    fn step_up(&self, person: &mut Person<'_>, scope: &str) -> Result<(), AuthError> {
        let url = self.runtime.block_on(async {
            let manager = self.http.auth_manager.lock().await;
            manager.request_scope_upgrade(scope).await
        })?;
        let back = AuthorizationCallback::from_redirect_url(&person.visit(&url))?;
        self.runtime.block_on(async {
            let manager = self.http.auth_manager.lock().await;
            let (code, state) = (&back.code, &back.csrf_token);
            let issuer = back.issuer.as_deref();
            manager
                .exchange_code_for_token_with_issuer(code, state, issuer)
                .await
        })?;
        Ok(())
    }
}

impl Client for Rust {
    fn version(&self) -> &str {
        &self.version
    }

    fn obey(&mut self, person: &mut Person<'_>, order: &Value) -> Result<Value, String> {
        let mut step_ups = 0;
        loop {
            let error = match self.once(order) {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            let challenge = error.auth_challenge().ok_or_else(|| error.to_string())?;
            let parsed = WWWAuthenticateParams::parse(challenge, &self.base);
            if !parsed.is_insufficient_scope() {
                return Err(error.to_string());
            }
            self.refused.push((403, challenge.to_owned()));
            if step_ups == MOST_STEP_UPS {
                return Err(format!("still refused after a step-up: {challenge}"));
            }
            step_ups += 1;
            let scope = parsed.scope.ok_or("the challenge names no scope")?;
            self.step_up(person, &scope)
                .map_err(|error| error.to_string())?;
        }
    }

    fn refusals(&mut self) -> Refusals {
        std::mem::take(&mut self.refused)
    }
}

fn sign_in(
    runtime: &Runtime,
    url: &str,
    client: &str,
    challenge: &str,
    person: &mut Person<'_>,
) -> Result<AuthorizationManager, String> {
    let mut request = AuthorizationRequest::new(CALLBACK)
        .with_client_name("propusk interoperability")
        .with_challenge(challenge)
        .with_initial_scope_selection();
    if client.starts_with("https://") {
        request = request.with_client_metadata_url(client);
    } else if !client.is_empty() {
        request = request.with_preregistered_client(client);
    }
    let words = |error: AuthError| error.to_string();
    let mut oauth = runtime
        .block_on(OAuthState::new(url, None))
        .map_err(words)?;
    let started = runtime.block_on(oauth.start_authorization(request));
    started.map_err(words)?;
    let page = runtime.block_on(oauth.get_authorization_url());
    let back = person.visit(&page.map_err(words)?);
    let signed_in = runtime.block_on(oauth.handle_callback_url(&back));
    signed_in.map_err(words)?;
    Ok(oauth.into_authorization_manager().expect("signed in"))
}

fn plain() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

async fn connect(url: &str, mode: &str, http: Http) -> Result<Service, ClientInitializeError> {
    let config = StreamableHttpClientTransportConfig::with_uri(url);
    let transport = StreamableHttpClientTransport::with_client(http, config);
    let handler = ClientConfig::new(
        ClientCapabilities::default(),
        Implementation::new("interop", "1"),
    );
    let lifecycle = match mode {
        "legacy" => ClientLifecycleMode::Initialize,
        _ => ClientLifecycleMode::Discover {
            preferred_versions: vec![ProtocolVersion::V_2026_07_28],
        },
    };
    handler.serve_with_lifecycle(transport, lifecycle).await
}
