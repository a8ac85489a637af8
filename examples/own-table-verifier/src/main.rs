//! A server whose tokens are in a table of its own: `cargo run -p own-table-verifier`, then call it
//! with the token that it prints.

mod verifier;

use propusk::{AccessToken, AuthSettings, Server, tool_router};
use rmcp::tool;
use sha2::{Digest, Sha256};
use sqlx::{SqlitePool, sqlite::SqlitePoolOptions};

use verifier::ApiKeys;

const TABLE: &str = "CREATE TABLE api_keys (
    digest     BLOB PRIMARY KEY,
    owner      TEXT NOT NULL,
    scopes     TEXT NOT NULL,
    expires_at INTEGER NOT NULL -- Unix seconds
)";

struct Demo;

#[tool_router(server_handler)]
impl Demo {
    #[tool(description = "Who is calling")]
    async fn whoami(&self, caller: AccessToken) -> String {
        caller.subject().to_owned()
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let table = table().await?;
    // A real one has 128 random bits or more.
    add(&table, "secret-token-123", "alice", u32::MAX).await?;
    let settings = AuthSettings::new("http://127.0.0.1:8000/mcp")?;
    println!("listening on {} for secret-token-123", settings.resource());
    Server::new(Demo)
        .auth(settings, ApiKeys(table))
        .serve("127.0.0.1:8000")
        .await?;
    Ok(())
}

/// An empty table, here in memory.
async fn table() -> Result<SqlitePool, sqlx::Error> {
    let pool = SqlitePoolOptions::new().max_connections(1);
    let pool = pool.connect("sqlite::memory:").await?;
    sqlx::query(TABLE).execute(&pool).await?;
    Ok(pool)
}

async fn add(
    table: &SqlitePool,
    token: &str,
    owner: &str,
    expires_at: u32,
) -> Result<(), sqlx::Error> {
    sqlx::query("INSERT INTO api_keys VALUES ($1, $2, 'notes:read', $3)")
        .bind(Sha256::digest(token).as_slice())
        .bind(owner)
        .bind(expires_at)
        .execute(table)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use propusk::{Client, TokenVerifier};
    use serde_json::json;
    use tokio::{net::TcpListener, sync::oneshot};

    use super::*;

    #[test]
    fn the_verifier_takes_at_most_thirty_lines() {
        assert!(include_str!("verifier.rs").lines().count() <= 30);
    }

    #[tokio::test]
    async fn it_finds_forgets_and_cannot_tell() {
        let table = table().await.expect("a table");
        add(&table, "key-of-alice", "alice", 4_000_000_000)
            .await
            .expect("added");
        let keys = ApiKeys(table.clone());
        let found = keys.verify_token("key-of-alice").await.expect("available");
        let found = found.expect("valid");
        assert_eq!(found.subject(), "alice");
        assert!(found.scopes().contains("notes:read") && found.expires_at().is_some());
        for bad in ["key-of-bob", "KEY-OF-ALICE", "' OR 1=1 --"] {
            let found = keys.verify_token(bad).await.expect("available");
            assert!(found.is_none(), "{bad}");
        }
        table.close().await;
        assert!(keys.verify_token("key-of-alice").await.is_err());
    }

    /// The whole server, over a real socket.
    #[tokio::test]
    async fn a_tool_knows_the_owner_and_an_expired_key_is_refused() {
        let table = table().await.expect("a table");
        add(&table, "key-of-alice", "alice", u32::MAX)
            .await
            .expect("added");
        add(&table, "old-key", "bob", 1).await.expect("added");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/mcp", listener.local_addr().expect("an address"));
        let settings = AuthSettings::new(&url).expect("a URL");
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = Server::new(Demo)
            .auth(settings, ApiKeys(table))
            .serve_on(listener, async {
                let _ = stopped.await;
            });
        let serving = tokio::spawn(serving);
        let connect = |token| Client::new(url.as_str()).bearer(token).connect();
        let session = connect("key-of-alice").await.expect("let in");
        let reply = session.call_tool("whoami", json!({})).await;
        assert!(format!("{reply:?}").contains("alice"), "{reply:?}");
        let refused = connect("old-key").await.expect_err("expired");
        assert!(refused.is_unauthenticated(), "{refused}");
        session.close().await;
        stop.send(()).expect("it runs");
        serving.await.expect("no panic").expect("it ends well");
    }
}
