//! The built-in MCP server: four tools that show who is calling.

mod notes;

use propusk::{AccessToken, server::scopes, tool_router};
use rmcp::{Json, handler::server::wrapper::Parameters, tool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use notes::{Note, Notes, NotesFull};

/// The built-in server's handler.
#[derive(Default)]
pub struct Builtin {
    notes: Notes,
}

/// Who is calling.
#[derive(Debug, Serialize, JsonSchema)]
struct WhoAmI {
    /// Whom the token stands for.
    subject: String,
    /// The client that it was issued to.
    client_id: Option<String>,
    /// Who issued it.
    issuer: Option<String>,
    /// What it may do.
    scopes: Vec<String>,
    /// From when it is not valid (RFC 3339).
    expires_at: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
struct Echo {
    /// What to say back.
    message: String,
}

#[derive(Deserialize, JsonSchema)]
struct NewNote {
    /// The note.
    text: String,
    /// Words to find it by.
    #[serde(default)]
    tags: Vec<String>,
}

#[derive(Serialize, JsonSchema)]
struct NoteList {
    notes: Vec<Note>,
}

#[tool_router(
    server_handler,
    name = "propusk",
    instructions = "Four tools that show who is calling."
)]
impl Builtin {
    #[tool(
        description = "Tells who is calling",
        annotations(read_only_hint = true)
    )]
    async fn whoami(&self, caller: AccessToken) -> Json<WhoAmI> {
        Json(WhoAmI {
            subject: caller.subject().to_owned(),
            client_id: caller.client_id().map(str::to_owned),
            issuer: caller.issuer().map(str::to_owned),
            scopes: caller.scopes().iter().map(ToString::to_string).collect(),
            expires_at: caller
                .expires_at()
                .map(|time| humantime::format_rfc3339_seconds(time).to_string()),
        })
    }

    #[tool(
        description = "Says the message back",
        annotations(read_only_hint = true)
    )]
    async fn echo(&self, Parameters(Echo { message }): Parameters<Echo>) -> String {
        message
    }

    #[tool(
        description = "Adds a note of your own; it is kept in memory",
        annotations(read_only_hint = false, destructive_hint = false),
        meta = scopes(["notes:write"])
    )]
    async fn notes_add(
        &self,
        caller: AccessToken,
        Parameters(NewNote { text, tags }): Parameters<NewNote>,
    ) -> Result<Json<Note>, NotesFull> {
        self.notes.add(caller.principal(), text, tags).map(Json)
    }

    #[tool(
        description = "Lists your own notes",
        annotations(read_only_hint = true),
        meta = scopes(["notes:read"])
    )]
    async fn notes_list(&self, caller: AccessToken) -> Json<NoteList> {
        Json(NoteList {
            notes: self.notes.of(caller.principal()),
        })
    }
}
