//! The guard as rmcp's handler: every method, each behind the check.
//!
//! Every method of rmcp's trait stands here. One that is missing would not open anything: rmcp's
//! default for it answers that there is no such method.

// Some methods of 2025-11-25 are deprecated; a guard must guard them all the same.
#![expect(deprecated, reason = "2025-11-25 clients still use them")]

use std::borrow::Cow;

use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CacheScope, CallToolRequestParams, CallToolResponse, CancelTaskParams,
        CancelledNotificationParam, CompleteRequestParams, CompleteResult, CustomNotification,
        CustomRequest, CustomResult, DiscoverResult, ErrorCode, GetPromptRequestParams,
        GetPromptResponse, GetSkillRequestParams, GetSkillResult, GetTaskParams, GetTaskResult,
        InitializeRequestParams, InitializeResult, ListPromptsResult, ListResourceTemplatesResult,
        ListResourcesResult, ListSkillsResult, ListToolsResult, PaginatedRequestParams,
        ProgressNotificationParam, ProtocolVersion, ReadResourceDirectoryRequestParams,
        ReadResourceDirectoryResult, ReadResourceRequestParams, ReadResourceResponse, Reference,
        ServerConfig, SetLevelRequestParams, SubscribeRequestParams, SubscriptionFilter, Tool,
        UnsubscribeRequestParams, UpdateTaskParams,
    },
    service::{NotificationContext, RequestContext, SubscriptionContext},
};
use serde_json::Value;

use super::{
    super::legacy_tasks::{TASK_RESULT, task_in},
    Guard,
};
use crate::{Operation, Target, TargetKind};

type Context = RequestContext<RoleServer>;

impl<H: ServerHandler> ServerHandler for Guard<H> {
    // What a client does to get to know the server.

    async fn ping(&self, context: Context) -> Result<(), ErrorData> {
        let (asked, ping) = self.admit(Operation::method("ping"), &context).await?;
        asked.answer(&ping, self.handler.ping(context).await)
    }

    async fn initialize(
        &self,
        request: InitializeRequestParams,
        context: Context,
    ) -> Result<InitializeResult, ErrorData> {
        self.admit(Operation::method("initialize"), &context)
            .await?;
        let mut result = self.handler.initialize(request, context.clone()).await?;
        self.cut_capabilities(&mut result.capabilities, &context)
            .await;
        Ok(result)
    }

    fn negotiate_initialize(
        &self,
        request: &InitializeRequestParams,
    ) -> Result<InitializeResult, ErrorData> {
        self.handler.negotiate_initialize(request)
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        self.handler.supported_protocol_versions()
    }

    async fn discover(&self, context: Context) -> Result<DiscoverResult, ErrorData> {
        self.admit(Operation::method("server/discover"), &context)
            .await?;
        let mut result = self.handler.discover(context.clone()).await?;
        self.cut_capabilities(&mut result.capabilities, &context)
            .await;
        if self.hides(&context) {
            result.cache_scope = CacheScope::Private;
        }
        Ok(result)
    }

    fn get_info(&self) -> ServerConfig {
        self.handler.get_info()
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.handler.get_tool(name)
    }

    // The lists.

    async fn list_tools(
        &self,
        page: Option<PaginatedRequestParams>,
        context: Context,
    ) -> Result<ListToolsResult, ErrorData> {
        let (asked, list) = self
            .admit(Operation::method("tools/list"), &context)
            .await?;
        let listed = self.handler.list_tools(page, context.clone()).await;
        Ok(self.show(asked.answer(&list, listed)?, &context))
    }

    async fn list_prompts(
        &self,
        page: Option<PaginatedRequestParams>,
        context: Context,
    ) -> Result<ListPromptsResult, ErrorData> {
        let (asked, list) = self
            .admit(Operation::method("prompts/list"), &context)
            .await?;
        let listed = self.handler.list_prompts(page, context.clone()).await;
        Ok(self.show(asked.answer(&list, listed)?, &context))
    }

    async fn list_resources(
        &self,
        page: Option<PaginatedRequestParams>,
        context: Context,
    ) -> Result<ListResourcesResult, ErrorData> {
        let (asked, list) = self
            .admit(Operation::method("resources/list"), &context)
            .await?;
        let listed = self.handler.list_resources(page, context.clone()).await;
        Ok(self.show(asked.answer(&list, listed)?, &context))
    }

    async fn list_resource_templates(
        &self,
        page: Option<PaginatedRequestParams>,
        context: Context,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let (asked, list) = self
            .admit(Operation::method("resources/templates/list"), &context)
            .await?;
        let listed = self
            .handler
            .list_resource_templates(page, context.clone())
            .await;
        Ok(self.show(asked.answer(&list, listed)?, &context))
    }

    async fn list_skills(
        &self,
        page: Option<PaginatedRequestParams>,
        context: Context,
    ) -> Result<ListSkillsResult, ErrorData> {
        let (asked, list) = self
            .admit(Operation::method("skills/list"), &context)
            .await?;
        let listed = self.handler.list_skills(page, context.clone()).await;
        Ok(self.show(asked.answer(&list, listed)?, &context))
    }

    async fn read_resource_directory(
        &self,
        request: ReadResourceDirectoryRequestParams,
        context: Context,
    ) -> Result<ReadResourceDirectoryResult, ErrorData> {
        let directory = of_resource("resources/directory/read", &request.uri);
        let (asked, directory) = self.admit(directory, &context).await?;
        let listed = self
            .handler
            .read_resource_directory(request, context.clone())
            .await;
        Ok(self.show(asked.answer(&directory, listed)?, &context))
    }

    // What is asked for by name.

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: Context,
    ) -> Result<CallToolResponse, ErrorData> {
        let (asked, operation) = self
            .admit(Operation::tool(&*request.name), &context)
            .await?;
        asked.answer(&operation, self.handler.call_tool(request, context).await)
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: Context,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let (asked, operation) = self
            .admit(Operation::resource(&*request.uri), &context)
            .await?;
        asked.answer(
            &operation,
            self.handler.read_resource(request, context).await,
        )
    }

    async fn subscribe(
        &self,
        request: SubscribeRequestParams,
        context: Context,
    ) -> Result<(), ErrorData> {
        let (asked, operation) = self
            .admit(of_resource("resources/subscribe", &request.uri), &context)
            .await?;
        asked.answer(&operation, self.handler.subscribe(request, context).await)
    }

    async fn unsubscribe(
        &self,
        request: UnsubscribeRequestParams,
        context: Context,
    ) -> Result<(), ErrorData> {
        let (asked, operation) = self
            .admit(of_resource("resources/unsubscribe", &request.uri), &context)
            .await?;
        asked.answer(&operation, self.handler.unsubscribe(request, context).await)
    }

    async fn get_skill(
        &self,
        request: GetSkillRequestParams,
        context: Context,
    ) -> Result<GetSkillResult, ErrorData> {
        let (asked, operation) = self
            .admit(of_resource("skills/get", &request.uri), &context)
            .await?;
        asked.answer(&operation, self.handler.get_skill(request, context).await)
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        context: Context,
    ) -> Result<CompleteResult, ErrorData> {
        let (asked, operation) = self
            .admit(completion_for(&request.r#ref)?, &context)
            .await?;
        asked.answer(&operation, self.handler.complete(request, context).await)
    }

    async fn set_level(
        &self,
        request: SetLevelRequestParams,
        context: Context,
    ) -> Result<(), ErrorData> {
        let (asked, operation) = self
            .admit(Operation::method("logging/setLevel"), &context)
            .await?;
        asked.answer(&operation, self.handler.set_level(request, context).await)
    }

    async fn get_task(
        &self,
        request: GetTaskParams,
        context: Context,
    ) -> Result<GetTaskResult, ErrorData> {
        let (asked, operation) = self
            .admit(of_task("tasks/get", &request.task_id), &context)
            .await?;
        asked.answer(&operation, self.handler.get_task(request, context).await)
    }

    async fn update_task(
        &self,
        request: UpdateTaskParams,
        context: Context,
    ) -> Result<(), ErrorData> {
        let (asked, operation) = self
            .admit(of_task("tasks/update", &request.task_id), &context)
            .await?;
        asked.answer(&operation, self.handler.update_task(request, context).await)
    }

    async fn cancel_task(
        &self,
        request: CancelTaskParams,
        context: Context,
    ) -> Result<(), ErrorData> {
        let (asked, operation) = self
            .admit(of_task("tasks/cancel", &request.task_id), &context)
            .await?;
        asked.answer(&operation, self.handler.cancel_task(request, context).await)
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: Context,
    ) -> Result<GetPromptResponse, ErrorData> {
        let (asked, prompt) = self
            .admit(Operation::prompt(&*request.name), &context)
            .await?;
        let hides = self.hides(&context);
        let got = self.handler.get_prompt(request, context).await;
        asked.answer(&prompt, got).map_err(|mut error| {
            // rmcp's router names all prompts where it does not find one.
            if let Some(Value::Object(data)) = error.data.as_mut().filter(|_| hides) {
                data.remove("available_prompts");
            }
            error
        })
    }

    async fn on_custom_request(
        &self,
        request: CustomRequest,
        context: Context,
    ) -> Result<CustomResult, ErrorData> {
        let operation = if let Some(id) = task_in(&request) {
            of_task(TASK_RESULT, id)
        } else if !has_targets(&request.method) {
            Operation::method(request.method.as_str())
        } else {
            // rmcp takes a known method with parameters that it does not understand for an unknown
            // one. What it acts upon is then not known, so it may not go on; this is what rmcp says.
            let code = ErrorCode::METHOD_NOT_FOUND;
            return Err(ErrorData::new(code, request.method, None));
        };
        let (asked, operation) = self.admit(operation, &context).await?;
        let answer = self.handler.on_custom_request(request, context).await;
        asked.answer(&operation, answer)
    }

    // Subscriptions.

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        self.handler.accepted_subscription_filter(requested)
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let uris = context.requested().resource_subscriptions.iter().flatten();
        let resources = uris.map(|uri| Target::new(TargetKind::Resource, uri));
        let listen = Operation::on("subscriptions/listen", resources);
        let (asked, listen) = self.admit(listen, context.request_context()).await?;
        asked.answer(&listen, self.handler.listen(context).await)
    }

    // Notifications. Those of the protocol itself change nothing by themselves.

    async fn on_cancelled(
        &self,
        notification: CancelledNotificationParam,
        context: NotificationContext<RoleServer>,
    ) {
        self.handler.on_cancelled(notification, context).await;
    }

    async fn on_progress(
        &self,
        notification: ProgressNotificationParam,
        context: NotificationContext<RoleServer>,
    ) {
        self.handler.on_progress(notification, context).await;
    }

    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        self.handler.on_initialized(context).await;
    }

    async fn on_roots_list_changed(&self, context: NotificationContext<RoleServer>) {
        self.handler.on_roots_list_changed(context).await;
    }

    async fn on_custom_notification(
        &self,
        notification: CustomNotification,
        context: NotificationContext<RoleServer>,
    ) {
        let method = notification.method.as_str();
        if has_targets(method) || !self.may_notify(method, &context) {
            tracing::info!("a notification that its sender may not send is dropped");
            return;
        }
        self.handler
            .on_custom_notification(notification, context)
            .await;
    }
}

fn of_resource(method: &str, uri: &str) -> Operation {
    Operation::on(method, [Target::new(TargetKind::Resource, uri)])
}

fn of_task(method: &str, id: &str) -> Operation {
    Operation::on(method, [Target::new(TargetKind::Task, id)])
}

fn completion_for(reference: &Reference) -> Result<Operation, ErrorData> {
    let target = match reference {
        Reference::Prompt(prompt) => Target::new(TargetKind::Prompt, &*prompt.name),
        Reference::Resource(resource) => Target::new(TargetKind::Resource, &*resource.uri),
        _ => {
            return Err(ErrorData::invalid_params(
                "this reference is not known",
                None,
            ));
        }
    };
    Ok(Operation::on("completion/complete", [target]))
}

/// Whether a method acts upon something that has a name of its own.
fn has_targets(method: &str) -> bool {
    let several = ["completion/complete", "subscriptions/listen"];
    TargetKind::of_method(method).is_some() || several.contains(&method)
}
