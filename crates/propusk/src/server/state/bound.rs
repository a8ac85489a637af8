//! A handler whose request states, cursors and task ids belong to their callers.

// Legacy methods are passed on too.
#![expect(deprecated, reason = "2025-11-25 has them, and so have handlers")]

use std::{borrow::Cow, time::Duration};

use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CancelTaskParams, CancelledNotificationParam,
        CompleteRequestParams, CompleteResult, CustomNotification, CustomRequest, CustomResult,
        DiscoverResult, GetPromptRequestParams, GetPromptResponse, GetSkillRequestParams,
        GetSkillResult, GetTaskParams, GetTaskResult, InitializeRequestParams, InitializeResult,
        ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, ListSkillsResult,
        ListToolsResult, PaginatedRequestParams, ProgressNotificationParam, ProtocolVersion,
        ReadResourceDirectoryRequestParams, ReadResourceDirectoryResult, ReadResourceRequestParams,
        ReadResourceResponse, ServerConfig, SetLevelRequestParams, SubscribeRequestParams,
        SubscriptionFilter, Tool, UnsubscribeRequestParams, UpdateTaskParams,
    },
    service::{NotificationContext, RequestContext, SubscriptionContext},
};

use super::{
    super::legacy_tasks::{TASK_LIST, TASK_RESULT, own_tasks, related_task, task_in_mut},
    keeper::Keeper,
    sealer::StateSealer,
};

/// A handler around a handler: what the inner one gives a client to keep (`requestState`, cursors,
/// task ids) goes out sealed and comes back opened, and only from the same principal. The inner one
/// need not know.
///
/// [`Server`](crate::Server) wraps every handler in it. Where you mount rmcp yourself, wrap yours;
/// all instances must share one sealer:
///
/// ```
/// # use propusk::server::{Bound, StateSealer};
/// # #[derive(Clone)] struct Demo;
/// # impl rmcp::ServerHandler for Demo {}
/// # fn run() -> std::io::Result<()> {
/// let sealer = StateSealer::new()?;
/// let factory = move || Ok::<_, std::io::Error>(Bound::new(Demo, sealer.clone()));
/// # let _ = factory();
/// # Ok(())
/// # }
/// ```
///
/// What comes from another principal, was altered, belongs to another request or has expired is
/// answered with -32602, in the same words whatever the cause. A request state is bound to method,
/// name and arguments, too. States and cursors are good for an hour, task ids for a week or as long
/// as their task lives. All anonymous callers are one principal.
///
/// Of task ids, those in answers are sealed. `tasks/result` of 2025-11-25, which rmcp leaves to
/// `on_custom_request`, is opened like `tasks/get`, and in an answer to `tasks/list` the ids are sealed if
/// its `_meta` has [`OWN_TASKS`](crate::server::OWN_TASKS). (Other requests of a handler's own are passed on as
/// they are: what they tell of ids is the handler's affair.) rmcp sends no `notifications/tasks` to
/// subscribers yet; a handler that sends one by itself, through its `Peer`, sends its own id, which no client knows and
/// nobody can use: what is not sealed for a caller is not opened for one.
#[derive(Debug, Clone)]
pub struct Bound<H> {
    handler: H,
    keeper: Keeper,
}

impl<H> Bound<H> {
    /// Wraps a handler.
    #[must_use]
    pub fn new(handler: H, sealer: StateSealer) -> Self {
        Self {
            handler,
            keeper: Keeper::new(sealer),
        }
    }

    /// Sets for how long a request state or a cursor is good.
    #[must_use]
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.keeper.lifetime = lifetime;
        self
    }
}

/// Methods that carry nothing to seal.
macro_rules! pass_on {
    ($($method:ident($($argument:ident: $kind:ty),*) -> $answer:ty;)*) => {
        $(async fn $method(&self, $($argument: $kind),*) -> $answer {
            Box::pin(self.handler.$method($($argument),*)).await
        })*
    };
}

/// Lists, with the cursor of the next page.
macro_rules! lists {
    ($($method:ident($name:literal) -> $answer:ty;)*) => {
        $(async fn $method(
            &self,
            mut page: Option<PaginatedRequestParams>,
            context: RequestContext<RoleServer>,
        ) -> Result<$answer, ErrorData> {
            let cursor = page.as_mut().and_then(|page| page.cursor.as_mut());
            let bound = self.keeper.open_cursor(&context, &[$name], cursor)?;
            let mut list = Box::pin(self.handler.$method(page, context)).await?;
            self.keeper.seal_in_place(&bound, &mut list.next_cursor)?;
            Ok(list)
        })*
    };
}

/// Every inner future is boxed: rmcp moves what handles a request several times before it runs, and
/// its size would be that of the largest of all methods.
impl<H: ServerHandler> ServerHandler for Bound<H> {
    async fn call_tool(
        &self,
        mut request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let (name, arguments) = (&request.name, request.arguments.as_ref());
        let state = &mut request.request_state;
        let round = self
            .keeper
            .begin_round(&context, "tools/call", name, arguments, state)?;
        let mut response = Box::pin(self.handler.call_tool(request, context)).await?;
        match &mut response {
            CallToolResponse::InputRequired(asks) => {
                self.keeper.end_round(&round, &mut asks.request_state)?;
            }
            CallToolResponse::Task(made) => self.keeper.seal_task(&round, &mut made.task)?,
            _ => {}
        }
        Ok(response)
    }

    async fn get_prompt(
        &self,
        mut request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let (name, arguments) = (&request.name, request.arguments.as_ref());
        let state = &mut request.request_state;
        let round = self
            .keeper
            .begin_round(&context, "prompts/get", name, arguments, state)?;
        let mut response = Box::pin(self.handler.get_prompt(request, context)).await?;
        if let GetPromptResponse::InputRequired(asks) = &mut response {
            self.keeper.end_round(&round, &mut asks.request_state)?;
        }
        Ok(response)
    }

    async fn read_resource(
        &self,
        mut request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let state = &mut request.request_state;
        let round =
            self.keeper
                .begin_round(&context, "resources/read", &request.uri, None, state)?;
        let mut response = Box::pin(self.handler.read_resource(request, context)).await?;
        if let ReadResourceResponse::InputRequired(asks) = &mut response {
            self.keeper.end_round(&round, &mut asks.request_state)?;
        }
        Ok(response)
    }

    lists! {
        list_tools("tools/list") -> ListToolsResult;
        list_prompts("prompts/list") -> ListPromptsResult;
        list_resources("resources/list") -> ListResourcesResult;
        list_resource_templates("resources/templates/list") -> ListResourceTemplatesResult;
        list_skills("skills/list") -> ListSkillsResult;
    }

    async fn read_resource_directory(
        &self,
        mut request: ReadResourceDirectoryRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceDirectoryResult, ErrorData> {
        let list = ["resources/directory/read", &request.uri];
        let bound = self
            .keeper
            .open_cursor(&context, &list, request.cursor.as_mut())?;
        let read = self.handler.read_resource_directory(request, context);
        let mut result = Box::pin(read).await?;
        self.keeper.seal_in_place(&bound, &mut result.next_cursor)?;
        Ok(result)
    }

    async fn get_task(
        &self,
        mut request: GetTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetTaskResult, ErrorData> {
        let id = self.keeper.open_task(&context, &mut request.task_id)?;
        let got = Box::pin(self.handler.get_task(request, context)).await;
        let mut result = got.map_err(|e| id.hide(e))?;
        result.task.task.task_id = id.sealed;
        Ok(result)
    }

    async fn update_task(
        &self,
        mut request: UpdateTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let id = self.keeper.open_task(&context, &mut request.task_id)?;
        let done = Box::pin(self.handler.update_task(request, context)).await;
        done.map_err(|e| id.hide(e))
    }

    async fn cancel_task(
        &self,
        mut request: CancelTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let id = self.keeper.open_task(&context, &mut request.task_id)?;
        let done = Box::pin(self.handler.cancel_task(request, context)).await;
        done.map_err(|e| id.hide(e))
    }

    async fn on_custom_request(
        &self,
        mut request: CustomRequest,
        context: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        if request.method == TASK_LIST {
            let tasks = Keeper::tasks(&context);
            let mut result = self.handler.on_custom_request(request, context).await?;
            for id in own_tasks(&mut result.0) {
                self.keeper.seal_listed(&tasks, id)?;
            }
            return Ok(result);
        }
        if request.method != TASK_RESULT {
            return Box::pin(self.handler.on_custom_request(request, context)).await;
        }
        let Some(id) = task_in_mut(&mut request) else {
            let missing = "taskId is missing or is not a text";
            return Err(ErrorData::invalid_params(missing, None));
        };
        let id = self.keeper.open_task(&context, id)?;
        let answered = Box::pin(self.handler.on_custom_request(request, context)).await;
        let mut result = answered.map_err(|e| id.hide(e))?;
        if let Some(related) = related_task(&mut result.0) {
            *related = id.sealed;
        }
        Ok(result)
    }

    pass_on! {
        ping(context: RequestContext<RoleServer>) -> Result<(), ErrorData>;
        initialize(
            request: InitializeRequestParams,
            context: RequestContext<RoleServer>
        ) -> Result<InitializeResult, ErrorData>;
        discover(context: RequestContext<RoleServer>) -> Result<DiscoverResult, ErrorData>;
        complete(
            request: CompleteRequestParams,
            context: RequestContext<RoleServer>
        ) -> Result<CompleteResult, ErrorData>;
        set_level(
            request: SetLevelRequestParams,
            context: RequestContext<RoleServer>
        ) -> Result<(), ErrorData>;
        listen(context: SubscriptionContext) -> Result<(), ErrorData>;
        subscribe(
            request: SubscribeRequestParams,
            context: RequestContext<RoleServer>
        ) -> Result<(), ErrorData>;
        unsubscribe(
            request: UnsubscribeRequestParams,
            context: RequestContext<RoleServer>
        ) -> Result<(), ErrorData>;
        on_cancelled(
            notification: CancelledNotificationParam,
            context: NotificationContext<RoleServer>
        ) -> ();
        on_progress(
            notification: ProgressNotificationParam,
            context: NotificationContext<RoleServer>
        ) -> ();
        on_initialized(context: NotificationContext<RoleServer>) -> ();
        on_roots_list_changed(context: NotificationContext<RoleServer>) -> ();
        on_custom_notification(
            notification: CustomNotification,
            context: NotificationContext<RoleServer>
        ) -> ();
        get_skill(
            request: GetSkillRequestParams,
            context: RequestContext<RoleServer>
        ) -> Result<GetSkillResult, ErrorData>;
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

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        self.handler.accepted_subscription_filter(requested)
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.handler.get_tool(name)
    }

    fn get_info(&self) -> ServerConfig {
        self.handler.get_info()
    }
}
