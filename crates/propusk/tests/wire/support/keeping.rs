//! A handler that gives clients something to keep: states, cursors, tasks, and streams.

use std::sync::{Arc, Mutex};

use propusk::server::RequestCaller;
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, CancelTaskParams, ContentBlock,
        CreateTaskResult, CustomRequest, CustomResult, GetPromptRequestParams, GetPromptResponse,
        GetTaskParams, GetTaskResult, InputRequiredResult, ListPromptsResult,
        ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, PaginatedRequestParams,
        ReadResourceRequestParams, ReadResourceResponse, ServerCapabilities, ServerConfig,
        SubscriptionFilter, UpdateTaskParams,
    },
    service::{RequestContext, SubscriptionContext, SubscriptionSink},
    task_manager::{TaskManager, TaskOptions},
};
use serde_json::json;
use tokio::sync::Semaphore;

/// It believes every state, cursor and task id that it gets: what it gets wrong, it was given.
#[derive(Clone, Default)]
pub(crate) struct Keeping {
    tasks: Arc<TaskManager>,
    /// What `listen` was called for, with who called.
    pub(crate) listeners: Arc<Mutex<Vec<(String, SubscriptionSink)>>>,
    /// One permit for each listener that has come, and each that has gone.
    pub(crate) came: Arc<Signal>,
    pub(crate) went: Arc<Signal>,
}

/// A semaphore that begins with nothing.
pub(crate) struct Signal(Semaphore);

impl Default for Signal {
    fn default() -> Self {
        Self(Semaphore::new(0))
    }
}

impl Signal {
    pub(crate) async fn wait(&self) {
        super::soon(self.0.acquire())
            .await
            .expect("never closed")
            .forget();
    }
}

struct Went(Arc<Signal>);

impl Drop for Went {
    fn drop(&mut self) {
        self.0.0.add_permits(1);
    }
}

impl Keeping {
    /// A task that was made in no request, by its own id.
    pub(crate) fn task(&self) -> String {
        let task = |_| -> rmcp::task_manager::TaskFuture { Box::pin(async { Ok(say("secret")) }) };
        self.tasks.spawn(TaskOptions::default(), task).task_id
    }
}

fn say(text: impl Into<String>) -> CallToolResult {
    CallToolResult::success(vec![ContentBlock::text(text.into())])
}

/// The first page leads to the second, which leads nowhere.
fn turn(page: Option<PaginatedRequestParams>) -> Result<Option<String>, ErrorData> {
    match page.and_then(|page| page.cursor).as_deref() {
        None => Ok(Some("page-2".to_owned())),
        Some("page-2") => Ok(None),
        Some(other) => Err(ErrorData::internal_error(format!("given {other}"), None)),
    }
}

/// What is asked before it is done.
fn rounds(state: Option<&str>) -> Option<InputRequiredResult> {
    match state {
        Some("asked once") => None,
        _ => Some(InputRequiredResult::from_request_state("asked once")),
    }
}

impl ServerHandler for Keeping {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_tool_list_changed()
            .enable_prompts()
            .enable_resources()
            .enable_resources_subscribe()
            .enable_tasks()
            .build();
        ServerConfig::new(capabilities)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if request.name == "task" {
            let options = TaskOptions::default();
            let secret = context
                .caller()
                .map_or("nobody", |c| c.subject())
                .to_owned();
            let task = self
                .tasks
                .spawn(options, move |_| Box::pin(async move { Ok(say(secret)) }));
            return Ok(CreateTaskResult::new(task).into());
        }
        Ok(match rounds(request.request_state.as_deref()) {
            None => say(format!(
                "done by {}",
                context.caller().map_or("nobody", |c| c.subject())
            ))
            .into(),
            Some(asks) => asks.into(),
        })
    }

    /// `tasks/result` of 2025-11-25: it gives anybody the result of the task with this id.
    async fn on_custom_request(
        &self,
        request: CustomRequest,
        context: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        let id = &request.params.as_ref().expect("it has some")["taskId"];
        let known = id.as_str().and_then(|id| self.tasks.get_task(id).ok());
        if request.method != "tasks/result" || known.is_none() {
            return Err(ErrorData::invalid_params(
                format!("unknown task: {id}"),
                None,
            ));
        }
        let of = context.caller().map_or("nobody", |c| c.subject());
        let related = json!({ "io.modelcontextprotocol/related-task": { "taskId": id } });
        Ok(CustomResult::new(json!({ "of": of, "_meta": related })))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        match rounds(request.request_state.as_deref()) {
            None => Err(ErrorData::internal_error("done", None)),
            Some(asks) => Ok(asks.into()),
        }
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        match rounds(request.request_state.as_deref()) {
            None => Err(ErrorData::internal_error("done", None)),
            Some(asks) => Ok(asks.into()),
        }
    }

    async fn list_tools(
        &self,
        page: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let next_cursor = turn(page)?;
        Ok(ListToolsResult {
            next_cursor,
            ..Default::default()
        })
    }

    async fn list_prompts(
        &self,
        page: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let next_cursor = turn(page)?;
        Ok(ListPromptsResult {
            next_cursor,
            ..Default::default()
        })
    }

    async fn list_resources(
        &self,
        page: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let next_cursor = turn(page)?;
        Ok(ListResourcesResult {
            next_cursor,
            ..Default::default()
        })
    }

    async fn list_resource_templates(
        &self,
        page: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let next_cursor = turn(page)?;
        Ok(ListResourceTemplatesResult {
            next_cursor,
            ..Default::default()
        })
    }

    async fn get_task(
        &self,
        request: GetTaskParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetTaskResult, ErrorData> {
        self.tasks
            .get_task(&request.task_id)
            .map(GetTaskResult::new)
    }

    async fn update_task(
        &self,
        request: UpdateTaskParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.tasks.update_task(&request.task_id, [])
    }

    async fn cancel_task(
        &self,
        request: CancelTaskParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.tasks.cancel_task(&request.task_id)
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        Some(requested.clone())
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let caller = context
            .request_context()
            .caller()
            .map_or("nobody", |c| c.subject())
            .to_owned();
        self.listeners
            .lock()
            .unwrap()
            .push((caller, context.sink().clone()));
        self.came.0.add_permits(1);
        let _went = Went(Arc::clone(&self.went));
        context.cancelled().await;
        Ok(())
    }
}
