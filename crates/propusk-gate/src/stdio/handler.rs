//! The upstream as rmcp's handler: every method goes on to a child.

#![expect(deprecated, reason = "2025-11-25 clients still use them")]

use std::borrow::Cow;

use propusk::server::OWN_TASKS;
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CancelTaskParams, CompleteRequestParams,
        CompleteResult, CustomNotification, CustomRequest, CustomResult, DiscoverResult, ErrorCode,
        GetPromptRequestParams, GetPromptResponse, GetSkillRequestParams, GetSkillResult,
        GetTaskParams, GetTaskResult, InitializeRequestParams, InitializeResult, ListPromptsResult,
        ListResourceTemplatesResult, ListResourcesResult, ListSkillsResult, ListToolsResult,
        PaginatedRequestParams, ProtocolVersion, ReadResourceDirectoryRequestParams,
        ReadResourceDirectoryResult, ReadResourceRequestParams, ReadResourceResponse, ServerConfig,
        SetLevelRequestMethod, SetLevelRequestParams, SubscribeRequestParams, SubscriptionFilter,
        TASKS_EXTENSION_ID, Tool, UnsubscribeRequestParams, UpdateTaskParams,
    },
    service::{NotificationContext, RequestContext, SubscriptionContext},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    Sharing, StdioUpstream,
    asker::{User, owner, session_id},
    crossing::{Asked, Name, Round},
    era::Era,
    errors,
    hub::Sight,
    level::Level,
    wire::Object,
    within::{failed, within},
};

type Context = RequestContext<RoleServer>;

impl ServerHandler for StdioUpstream {
    // What a client does to get to know the server.

    fn get_info(&self) -> ServerConfig {
        self.inner.info()
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        // Both eras at the gate, whichever the child speaks.
        Cow::Borrowed(ProtocolVersion::KNOWN_VERSIONS)
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.inner.tool(name)
    }

    async fn initialize(
        &self,
        request: InitializeRequestParams,
        context: Context,
    ) -> Result<InitializeResult, ErrorData> {
        context.peer.set_peer_info(request.clone());
        let info = within(&context, self.inner.meet(&context, Era::Sessions)).await?;
        let mut result = self.negotiate_initialize(&request)?;
        result.capabilities = info.capabilities;
        result.server_info = info.server_info;
        result.instructions = info.instructions;
        Ok(result)
    }

    async fn discover(&self, context: Context) -> Result<DiscoverResult, ErrorData> {
        let info = within(&context, self.inner.meet(&context, Era::Requests)).await?;
        let versions = self.supported_protocol_versions().into_owned();
        Ok(DiscoverResult::from_server_info(versions, info))
    }

    // The lists.

    async fn list_tools(
        &self,
        page: Option<PaginatedRequestParams>,
        context: Context,
    ) -> Result<ListToolsResult, ErrorData> {
        self.pass("tools/list", &page, &context).await
    }

    async fn list_prompts(
        &self,
        page: Option<PaginatedRequestParams>,
        context: Context,
    ) -> Result<ListPromptsResult, ErrorData> {
        self.pass("prompts/list", &page, &context).await
    }

    async fn list_resources(
        &self,
        page: Option<PaginatedRequestParams>,
        context: Context,
    ) -> Result<ListResourcesResult, ErrorData> {
        self.pass("resources/list", &page, &context).await
    }

    async fn list_resource_templates(
        &self,
        page: Option<PaginatedRequestParams>,
        context: Context,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        self.pass("resources/templates/list", &page, &context).await
    }

    async fn list_skills(
        &self,
        page: Option<PaginatedRequestParams>,
        context: Context,
    ) -> Result<ListSkillsResult, ErrorData> {
        self.pass("skills/list", &page, &context).await
    }

    async fn read_resource_directory(
        &self,
        request: ReadResourceDirectoryRequestParams,
        context: Context,
    ) -> Result<ReadResourceDirectoryResult, ErrorData> {
        self.pass("resources/directory/read", &request, &context)
            .await
    }

    // What is asked for by name.

    async fn call_tool(
        &self,
        mut request: CallToolRequestParams,
        context: Context,
    ) -> Result<CallToolResponse, ErrorData> {
        let round = Round {
            state: request.request_state.clone(),
            responses: request.input_responses.clone(),
        };
        request.meta = None;
        let answer = self
            .pass_round("tools/call", &request, round, &context)
            .await?;
        match kind(&answer) {
            "input_required" => {
                read(&context, "tools/call", answer).map(CallToolResponse::InputRequired)
            }
            "task" => read(&context, "tools/call", answer).map(CallToolResponse::Task),
            _ => read(&context, "tools/call", with_content(answer)).map(CallToolResponse::Complete),
        }
    }

    async fn get_prompt(
        &self,
        mut request: GetPromptRequestParams,
        context: Context,
    ) -> Result<GetPromptResponse, ErrorData> {
        let round = Round {
            state: request.request_state.clone(),
            responses: request.input_responses.clone(),
        };
        request.meta = None;
        let answer = self
            .pass_round("prompts/get", &request, round, &context)
            .await?;
        match kind(&answer) {
            "input_required" => {
                read(&context, "prompts/get", answer).map(GetPromptResponse::InputRequired)
            }
            _ => read(&context, "prompts/get", answer).map(GetPromptResponse::Complete),
        }
    }

    async fn read_resource(
        &self,
        mut request: ReadResourceRequestParams,
        context: Context,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let round = Round {
            state: request.request_state.clone(),
            responses: request.input_responses.clone(),
        };
        request.meta = None;
        let answer = self
            .pass_round("resources/read", &request, round, &context)
            .await?;
        match kind(&answer) {
            "input_required" => {
                read(&context, "resources/read", answer).map(ReadResourceResponse::InputRequired)
            }
            _ => read(&context, "resources/read", answer).map(ReadResourceResponse::Complete),
        }
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        context: Context,
    ) -> Result<CompleteResult, ErrorData> {
        self.pass("completion/complete", &request, &context).await
    }

    async fn get_skill(
        &self,
        request: GetSkillRequestParams,
        context: Context,
    ) -> Result<GetSkillResult, ErrorData> {
        self.pass("skills/get", &request, &context).await
    }

    async fn get_task(
        &self,
        request: GetTaskParams,
        context: Context,
    ) -> Result<GetTaskResult, ErrorData> {
        self.pass("tasks/get", &request, &context).await
    }

    async fn update_task(
        &self,
        request: UpdateTaskParams,
        context: Context,
    ) -> Result<(), ErrorData> {
        let _: Value = self.pass("tasks/update", &request, &context).await?;
        Ok(())
    }

    async fn cancel_task(
        &self,
        request: CancelTaskParams,
        context: Context,
    ) -> Result<(), ErrorData> {
        let _: Value = self.pass("tasks/cancel", &request, &context).await?;
        Ok(())
    }

    async fn on_custom_request(
        &self,
        request: CustomRequest,
        context: Context,
    ) -> Result<CustomResult, ErrorData> {
        let params = match request.params {
            Some(Value::Object(params)) => params,
            None => Object::new(),
            Some(_) => return Err(ErrorData::invalid_params("parameters are an object", None)),
        };
        let lists_tasks = request.method == "tasks/list";
        if lists_tasks && self.inner.settings().per != Sharing::Principal {
            // The ids in it are of all, and which are whose only the child knows.
            let says = "tasks of a server that several share are not listed";
            return Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, says, None));
        }
        let asked = Asked {
            method: Name::Other(request.method),
            params,
            round: None,
        };
        let mut answer = self.inner.cross(asked, &context).await?;
        if lists_tasks && let Value::Object(result) = &mut answer {
            let meta = result
                .entry("_meta")
                .or_insert_with(|| Object::new().into());
            if let Value::Object(meta) = meta {
                meta.insert(OWN_TASKS.into(), true.into());
            }
        }
        Ok(CustomResult(answer))
    }

    // Subscriptions, and the log.

    async fn set_level(
        &self,
        request: SetLevelRequestParams,
        context: Context,
    ) -> Result<(), ErrorData> {
        let unknown = ErrorData::method_not_found::<SetLevelRequestMethod>;
        if Era::of(context.protocol_version().as_ref()) == Era::Requests {
            return Err(unknown());
        }
        within(&context, async {
            let slot = self.inner.slot(&context).await?;
            let link = slot.link().await?;
            let said = link.server().and_then(|server| server.said(Era::Sessions));
            let logs = said.is_some_and(|said| said.capabilities.logging.is_some());
            if !logs {
                return Err(unknown());
            }
            // Without a session there is nobody to be told later.
            if let Some(id) = session_id(&context.extensions) {
                let level = serde_json::to_value(request.level).ok();
                let level = Level::read(level.as_ref()).ok_or_else(unknown)?;
                slot.hub.set_level(&id, level);
                if let Some(error) = link.settle().await.level {
                    return Err(error);
                }
            }
            Ok(())
        })
        .await
    }

    async fn subscribe(
        &self,
        request: SubscribeRequestParams,
        context: Context,
    ) -> Result<(), ErrorData> {
        let slot = within(&context, self.inner.slot(&context)).await?;
        let Some(id) = session_id(&context.extensions) else {
            let says = "a subscription of this revision needs a session";
            return Err(ErrorData::invalid_request(says, None));
        };
        let subscribed = within(&context, async {
            let link = slot.link().await?;
            slot.hub.subscribe(&id, &request.uri);
            let mut settled = link.settle().await;
            settled.refused.remove(&request.uri).map_or(Ok(()), Err)
        })
        .await;
        if subscribed.is_err() {
            slot.hub.unsubscribe(&id, &request.uri);
        }
        subscribed
    }

    async fn unsubscribe(
        &self,
        request: UnsubscribeRequestParams,
        context: Context,
    ) -> Result<(), ErrorData> {
        within(&context, async {
            let slot = self.inner.slot(&context).await?;
            let id = session_id(&context.extensions);
            if id.is_some_and(|id| slot.hub.unsubscribe(&id, &request.uri))
                && let Some(link) = slot.live()
            {
                link.settle().await;
            }
            Ok(())
        })
        .await
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        // rmcp cuts it down to what the child offers.
        Some(requested.clone())
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let request = context.request_context();
        let slot = within(request, self.inner.slot(request)).await?;
        let listening = slot.hub.listen(context.sink().clone());
        within(request, async {
            let mut settled = slot.link().await?.settle().await;
            let uris = context.accepted().resource_subscriptions.iter().flatten();
            let mut refused = uris.filter_map(|uri| settled.refused.remove(uri));
            refused.next().map_or(Ok(()), Err)
        })
        .await?;
        context.cancelled().await;
        drop(listening);
        if let Some(link) = slot.live() {
            tokio::spawn(async move { link.settle().await });
        }
        Ok(())
    }

    // Notifications.

    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        if let Some(id) = session_id(&context.extensions)
            && let Some(slot) = self.inner.known(owner(&context.extensions))
        {
            let sight = Sight::of(&context.extensions);
            slot.hub.seen(&id, &context.peer, sight);
        }
    }

    async fn on_roots_list_changed(&self, context: NotificationContext<RoleServer>) {
        let Some(slot) = self.inner.known(owner(&context.extensions)) else {
            return;
        };
        // A child that is told asks for the roots at once, outside of any request. Where it serves
        // several, it would be refused.
        if slot.hub.serves_one()
            && let Some(link) = slot.live()
            && link
                .server()
                .is_some_and(|server| server.speaks(Era::Sessions))
        {
            let _ = link.tell("notifications/roots/list_changed", None).await;
        }
    }

    async fn on_custom_notification(
        &self,
        notification: CustomNotification,
        context: NotificationContext<RoleServer>,
    ) {
        let CustomNotification { method, params, .. } = notification;
        // One of the protocol that rmcp could not read is not what it says.
        let is_known = ["cancelled", "initialized", "progress", "roots/list_changed"]
            .iter()
            .any(|name| method.strip_prefix("notifications/") == Some(*name));
        let slot = self.inner.known(owner(&context.extensions));
        let link = slot.filter(|_| !is_known).and_then(|slot| slot.live());
        if let Some(link) = link {
            link.hub
                .used_by(User::of(&context.extensions, || self.inner.number()));
            let _ = link.tell(&method, params).await;
        }
    }
}

impl StdioUpstream {
    async fn pass<T: DeserializeOwned>(
        &self,
        method: &'static str,
        params: &impl Serialize,
        context: &Context,
    ) -> Result<T, ErrorData> {
        let asked = Asked {
            method: Name::Known(method),
            params: object(params)?,
            round: None,
        };
        let answer = self.inner.cross(asked, context).await?;
        read(context, method, answer)
    }

    async fn pass_round(
        &self,
        method: &'static str,
        params: &impl Serialize,
        round: Round,
        context: &Context,
    ) -> Result<Value, ErrorData> {
        let asked = Asked {
            method: Name::Known(method),
            params: object(params)?,
            round: Some(round),
        };
        self.inner.cross(asked, context).await
    }
}

fn object(params: &impl Serialize) -> Result<Object, ErrorData> {
    match serde_json::to_value(params) {
        Ok(Value::Object(params)) => Ok(params),
        Ok(Value::Null) => Ok(Object::new()),
        _ => Err(ErrorData::invalid_params("parameters are an object", None)),
    }
}

fn read<T: DeserializeOwned>(
    context: &Context,
    method: &str,
    answer: Value,
) -> Result<T, ErrorData> {
    serde_json::from_value(answer).map_err(|error| {
        tracing::warn!(target: "propusk::upstream", method, %error, "an answer is not valid");
        let error = errors::not_understood(method);
        failed(context, &error);
        error
    })
}

fn kind(answer: &Value) -> &str {
    let kind = answer.get("resultType").and_then(Value::as_str);
    kind.unwrap_or_default()
}

/// A result without content is one all the same.
fn with_content(mut answer: Value) -> Value {
    if let Value::Object(result) = &mut answer {
        result
            .entry("content")
            .or_insert_with(|| Value::Array(Vec::new()));
    }
    answer
}

/// What is said of a child that nobody has met yet: all, so that nothing is refused before it is asked.
pub(super) fn unknown() -> ServerConfig {
    let all = serde_json::json!({
        "completions": {},
        "extensions": { TASKS_EXTENSION_ID: {} },
        "logging": {},
        "prompts": { "listChanged": true },
        "resources": { "listChanged": true, "subscribe": true },
        "tools": { "listChanged": true },
    });
    ServerConfig::new(serde_json::from_value(all).unwrap_or_default())
}
