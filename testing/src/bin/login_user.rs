//! A client program with a stored login, for tests that start many of them, and kill some.
//!
//! `login-user call FOLDER SERVER` calls the tool `whoami` again and again until standard input
//! closes, then says how often. Every other call is over a connection of its own, with nothing in
//! memory, as a command line does. `login-user renew FOLDER` is its helper for renewals;
//! `login-user call-alone FOLDER SERVER` does without one. `login-user keep FOLDER` keeps, replaces
//! and forgets a login in the best place of this session, which it names; `login-user leave FOLDER`
//! leaves one there.

use std::{
    env,
    io::{self, Read},
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::{Duration, UNIX_EPOCH},
};

use anyhow::{Context, bail, ensure};
use propusk::{
    BearerToken, Client,
    client::{
        FileLogins, HttpSettings, Login, LoginKey, LoginStore, Logins, RenewalProcess, Session,
        StoredLogin,
    },
};
use rmcp::model::ClientConfig;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<ExitCode> {
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::WARN)
        .with_writer(io::stderr)
        .with_ansi(false)
        .init();
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["renew", folder] => {
            let store = FileLogins::new(folder);
            Ok(RenewalProcess::serve(&store, &HttpSettings::default()).await)
        }
        [how @ ("call" | "call-alone"), folder, server] => {
            call(folder, server, how == "call").await?;
            Ok(ExitCode::SUCCESS)
        }
        ["keep", folder] => {
            keep(folder).await?;
            Ok(ExitCode::SUCCESS)
        }
        ["leave", folder] => {
            let store = Logins::open(FileLogins::new(folder)).await;
            store.save(&made_up("first")?).await?;
            println!("{}", place(&store));
            Ok(ExitCode::SUCCESS)
        }
        _ => bail!("usage: login-user call|call-alone FOLDER SERVER | renew|keep|leave FOLDER"),
    }
}

async fn keep(folder: &str) -> anyhow::Result<()> {
    let store = Logins::open(FileLogins::new(folder)).await;
    let first = made_up("first")?;
    let key = first.key();
    let lock = store.lock(key).await?;
    for refresh_token in ["first", "second"] {
        store.save(&made_up(refresh_token)?).await?;
        let kept = store.load(key).await?.context("it was kept")?;
        ensure!(
            kept.expose_refresh_token() == Some(refresh_token),
            "another one is kept"
        );
        ensure!(
            kept.expires_at() == first.expires_at() && kept.key() == key,
            "it changed"
        );
    }
    ensure!(store.list().await? == [key.clone()], "one login is listed");
    let mut other = key.clone();
    other.account = None;
    ensure!(store.load(&other).await?.is_none(), "there is no other one");
    ensure!(store.remove(key).await?, "there was one");
    ensure!(!store.remove(key).await?, "there is none now");
    ensure!(
        store.load(key).await?.is_none() && store.list().await?.is_empty(),
        "it is gone"
    );
    drop(lock);
    println!("{}", place(&store));
    Ok(())
}

fn place(store: &Logins) -> &'static str {
    if store.has_keyring() {
        "keyring"
    } else {
        "files"
    }
}

fn made_up(refresh_token: &str) -> anyhow::Result<Login> {
    let key = LoginKey {
        server: "https://mcp.example/mcp".to_owned(),
        resource: "https://mcp.example/mcp".to_owned(),
        issuer: "https://login.example".to_owned(),
        client_id: "propusk".to_owned(),
        account: Some("alice".to_owned()),
    };
    let (from, until) = (
        Duration::from_secs(1_000_000_000),
        Duration::from_secs(4_000_000_000),
    );
    let access_token = BearerToken::parse("access-token-of-alice")?;
    Ok(Login::new(key, "https://login.example/token", access_token)
        .with_refresh_token(Some(refresh_token.to_owned()))
        .with_times(UNIX_EPOCH + from, Some(UNIX_EPOCH + until)))
}

async fn call(folder: &str, server: &str, helped: bool) -> anyhow::Result<()> {
    let stop = stop_with_stdin();
    let kept = login(folder, server, helped).await?;
    let session = Client::new(server).tokens(kept).connect().await?;
    let mut calls = 0;
    while !stop.load(Relaxed) {
        whoami(&session)
            .await
            .with_context(|| format!("call {calls}"))?;
        let fresh = Client::new(server).tokens(login(folder, server, helped).await?);
        let fresh = fresh
            .connect()
            .await
            .with_context(|| format!("connecting after {calls}"))?;
        whoami(&fresh)
            .await
            .with_context(|| format!("fresh call {calls}"))?;
        fresh.close().await;
        calls += 2;
    }
    println!("{calls}");
    Ok(())
}

async fn login(
    folder: &str,
    server: &str,
    helped: bool,
) -> anyhow::Result<StoredLogin<FileLogins>> {
    let store = FileLogins::new(folder);
    let keys = store.list().await?;
    let mut keys = keys.into_iter().filter(|key| key.server == server);
    let key = keys.next().context("nobody is signed in")?;
    let login = StoredLogin::new(store, key);
    if !helped {
        return Ok(login);
    }
    let helper = RenewalProcess::this_program()?.arg("renew").arg(folder);
    Ok(login.renew_in(helper))
}

async fn whoami(session: &Session<ClientConfig>) -> anyhow::Result<()> {
    let reply = session.call_tool("whoami", serde_json::Value::Null).await?;
    ensure!(reply.is_error != Some(true), "{reply:?}");
    Ok(())
}

fn stop_with_stdin() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&stop);
    // A thread of its own: a runtime waits for its blocked readers, also when it has failed.
    thread::spawn(move || {
        let _ = io::stdin().read(&mut [0]);
        seen.store(true, Relaxed);
    });
    stop
}
