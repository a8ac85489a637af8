//! What a server has.

use propusk::client::{ClientError, Session};
use rmcp::{
    ClientHandler,
    model::{PaginatedRequestParams, Tool},
};

/// A list that goes on for longer leads in a circle.
const MOST_PAGES: usize = 200;

/// Nor has any server so many. What is left out has the default.
const MOST_NAMES: usize = 100_000;

/// Everything that there is to name.
pub(super) struct Offer {
    pub(super) server: String,
    pub(super) tools: Vec<Offered>,
    pub(super) prompts: Vec<String>,
    pub(super) resources: Vec<String>,
}

/// One tool, by what the server says of it.
pub(super) struct Offered {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) kind: Kind,
}

/// What a tool may do, the worst last. A server that says nothing may mean anything (MCP,
/// `ToolAnnotations`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Reads,
    Changes,
    Destroys,
    Unsaid,
}

impl Kind {
    fn of(tool: &Tool) -> Self {
        let says = tool.annotations.as_ref();
        let reads = says.and_then(|says| says.read_only_hint);
        let destroys = says.and_then(|says| says.destructive_hint);
        match (reads, destroys) {
            (Some(true), _) => Self::Reads,
            (_, Some(false)) => Self::Changes,
            (_, Some(true)) => Self::Destroys,
            _ => Self::Unsaid,
        }
    }
}

impl Offer {
    /// Asks for all lists that the server says it has.
    pub(super) async fn of<H: ClientHandler>(session: &Session<H>) -> Result<Self, ClientError> {
        let info = session.peer_info();
        let server = info
            .as_ref()
            .and_then(|info| Some(info.server_info.as_ref()?.name.clone()));
        let has = info
            .map(|info| info.capabilities.clone())
            .unwrap_or_default();
        let tools = match has.tools {
            Some(_) => session.list_tools().await?,
            None => Vec::new(),
        };
        let (mut prompts, mut resources) = (Vec::new(), Vec::new());
        if has.prompts.is_some() {
            let mut asked = PaginatedRequestParams::default();
            for _ in 0..MOST_PAGES {
                let page = session.list_prompts(Some(asked)).await?;
                prompts.extend(page.prompts.into_iter().map(|prompt| prompt.name));
                let next = page.next_cursor.filter(|_| prompts.len() < MOST_NAMES);
                let Some(next) = next else { break };
                asked = PaginatedRequestParams::default().with_cursor(Some(next));
            }
        }
        if has.resources.is_some() {
            let mut asked = PaginatedRequestParams::default();
            for _ in 0..MOST_PAGES {
                let page = session.list_resources(Some(asked)).await?;
                resources.extend(page.resources.into_iter().map(|one| one.uri.clone()));
                let next = page.next_cursor.filter(|_| resources.len() < MOST_NAMES);
                let Some(next) = next else { break };
                asked = PaginatedRequestParams::default().with_cursor(Some(next));
            }
        }
        let offered = |tool: &Tool| Offered {
            name: tool.name.to_string(),
            description: tool.description.as_deref().unwrap_or_default().to_owned(),
            kind: Kind::of(tool),
        };
        Ok(Self {
            server: server.unwrap_or_default(),
            tools: tools.iter().map(offered).collect(),
            prompts,
            resources,
        })
    }
}
