//! What a handler lists, without a client: for warnings at the start and for `propusk inspect`.

use std::{convert::Infallible, future};

use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::NumberOrString,
    service::{RequestContext, RunningService, RxJsonRpcMessage, TxJsonRpcMessage, serve_directly},
    transport::Transport,
};

use super::{
    Guard,
    catalogue::each_page,
    listed::{Listed, Page},
};
use crate::TargetKind;

/// The names of what a handler lists, in the order of its lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Offered {
    /// Names of tools.
    pub tools: Vec<String>,
    /// Names of prompts.
    pub prompts: Vec<String>,
    /// URIs of resources and of skills.
    pub resources: Vec<String>,
    /// Templates of URIs (RFC 6570).
    pub templates: Vec<String>,
}

impl<H: ServerHandler> Guard<H> {
    /// Walks the handler's lists before any client has come, and learns what they declare:
    /// [`declared_scopes`](crate::layer::DeclaredScopes::declared_scopes) then says for every name
    /// what it says in a running server.
    ///
    /// # Errors
    /// The handler's own, where a list cannot be had now.
    pub async fn offered(&self) -> Result<Offered, ErrorData> {
        let nobody = nobody();
        let context = RequestContext::new(NumberOrString::Number(0), nobody.peer().clone());
        for kind in [TargetKind::Tool, TargetKind::Prompt, TargetKind::Resource] {
            let catalogue = &self.shared.catalogue;
            catalogue.load(kind, None, &*self.handler, &context).await?;
        }
        let (handler, context) = (&*self.handler, &context);
        let mut offered = Offered::default();
        let list = |page| handler.list_tools(page, context.clone());
        each_page(list, |page| add(&mut offered.tools, page)).await?;
        let list = |page| handler.list_prompts(page, context.clone());
        each_page(list, |page| add(&mut offered.prompts, page)).await?;
        let list = |page| handler.list_resources(page, context.clone());
        each_page(list, |page| add(&mut offered.resources, page)).await?;
        let list = |page| handler.list_skills(page, context.clone());
        each_page(list, |page| add(&mut offered.resources, page)).await?;
        let list = |page| handler.list_resource_templates(page, context.clone());
        each_page(list, |page| add(&mut offered.templates, page)).await?;
        Ok(offered)
    }
}

fn add<P: Page>(names: &mut Vec<String>, page: &P) -> bool {
    names.extend(page.items().iter().map(|item| item.key().to_owned()));
    true
}

/// A handler may look at who is asking, and rmcp makes a peer only for a connection.
pub(super) fn nobody() -> RunningService<RoleServer, Nobody> {
    serve_directly(Nobody, Nobody, None)
}

pub(super) struct Nobody;

impl ServerHandler for Nobody {}

/// A connection over which nothing comes.
impl Transport<RoleServer> for Nobody {
    type Error = Infallible;

    fn send(
        &mut self,
        _: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = Result<(), Infallible>> + Send + 'static {
        future::ready(Ok(()))
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        future::pending().await
    }

    async fn close(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rmcp::{
        model::{
            ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, ListToolsResult,
            PaginatedRequestParams, Prompt, Resource, ResourceTemplate, Tool,
        },
        service::RequestContext,
    };

    use super::*;
    use crate::{AuthSettings, Operation, Target, layer::DeclaredScopes, server::scopes};

    /// Two pages of prompts, and something of every other kind.
    struct Several;

    type Asked = Option<PaginatedRequestParams>;
    type Context = RequestContext<RoleServer>;

    impl ServerHandler for Several {
        async fn list_tools(&self, _: Asked, _: Context) -> Result<ListToolsResult, ErrorData> {
            let schema = std::sync::Arc::new(serde_json::Map::new());
            let tools = vec![Tool::new("add", "Adds", schema)];
            Ok(ListToolsResult::with_all_items(tools))
        }

        async fn list_prompts(
            &self,
            asked: Asked,
            _: Context,
        ) -> Result<ListPromptsResult, ErrorData> {
            let second = asked.is_some_and(|asked| asked.cursor.is_some());
            let name = if second { "two" } else { "one" };
            let prompt = Prompt::new(name, None::<String>, None);
            let prompt = prompt.with_meta(scopes(["prompts:use"]));
            let mut page = ListPromptsResult::with_all_items(vec![prompt]);
            page.next_cursor = (!second).then(|| "2".to_owned());
            Ok(page)
        }

        async fn list_resources(
            &self,
            _: Asked,
            _: Context,
        ) -> Result<ListResourcesResult, ErrorData> {
            let resource = Resource::new("file:///a", "a").with_meta(scopes(["a"]));
            Ok(ListResourcesResult::with_all_items(vec![resource]))
        }

        async fn list_resource_templates(
            &self,
            _: Asked,
            _: Context,
        ) -> Result<ListResourceTemplatesResult, ErrorData> {
            let template = ResourceTemplate::new("file:///b/{x}", "b");
            Ok(ListResourceTemplatesResult::with_all_items(vec![template]))
        }
    }

    #[tokio::test]
    async fn everything_listed_is_known_with_its_declaration_before_a_client_comes() {
        let settings = AuthSettings::new("https://a.example/mcp").expect("a resource URL");
        let guard = Guard::new(Several, settings);
        let two = Target::new(TargetKind::Prompt, "two");
        let unknown = Target::new(TargetKind::Prompt, "three");
        let before = guard.declared_scopes(&unknown);
        assert!(before.is_some(), "until then nobody can tell");
        let offered = guard.offered().await.expect("lists");
        let expected = Offered {
            tools: vec!["add".to_owned()],
            prompts: vec!["one".to_owned(), "two".to_owned()],
            resources: vec!["file:///a".to_owned()],
            templates: vec!["file:///b/{x}".to_owned()],
        };
        assert_eq!(offered, expected);
        let declared = guard.declared_scopes(&two).map(|needs| needs.to_string());
        assert_eq!(declared.as_deref(), Some("prompts:use"));
        assert_eq!(guard.declared_scopes(&unknown), None);
        let read = Operation::resource("file:///a").declaring(|t| guard.declared_scopes(t));
        let Operation::Method { targets, .. } = read else {
            panic!("a method");
        };
        let declared = targets[0].declared().map(ToString::to_string);
        assert_eq!(declared.as_deref(), Some("a"));
    }
}
