//! Twenty processes share one login whose access tokens live for two seconds and whose refresh
//! tokens rotate; others are killed at random points meanwhile. No call fails, and nobody signs in
//! again.
//!
//! The provider is as strict as can be: a refresh token that comes twice ends the login for all.

// Helpers of tests are tests too; `clippy.toml` reaches the test functions only.
#![allow(clippy::unwrap_used)]

mod server;

use std::{
    env,
    hash::{BuildHasher, Hasher, RandomState},
    path::Path,
    process::Stdio,
    time::{Duration, Instant, SystemTime},
};

use propusk::{
    BearerToken, ScopeSet,
    client::{FileLogins, Login, LoginKey, LoginStore},
};
use propusk_testing::identity_provider::{Endpoint, Fault, IdentityProvider, Options, SignIn};
use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    time::{sleep, timeout},
};

const PROCESSES: usize = 20;

/// At random points of their first second: reading, waiting for the lock, renewing, calling.
const LONGEST_LIFE_OF_A_VICTIM: u64 = 1_200;

/// A process that takes longer to end has failed.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn twenty_processes_share_one_login() {
    let provider = IdentityProvider::start(Options::new().lifetime(2))
        .await
        .unwrap();
    let server = server::start(provider.issuer()).await;
    let home = TempDir::new().unwrap();
    let folder = home.path().join("logins");
    let key = sign_in(&provider, &server.url, &folder).await;
    let before = provider.counts().await.unwrap();

    let mut users: Vec<Child> = (0..PROCESSES)
        .map(|_| user("call", &folder, &server.url))
        .collect();
    let victims = kill_some(&folder, &server.url, duration()).await;

    let mut calls = 0;
    for user in &mut users {
        drop(user.stdin.take());
    }
    for user in users {
        let ended = timeout(PATIENCE, user.wait_with_output())
            .await
            .unwrap()
            .unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "{said}");
        // rmcp logs the refusal that ends a first attempt to connect; the second one succeeds.
        let mut lines = said.lines();
        let ours = lines.find(|line| !line.contains("rmcp::transport::worker"));
        assert_eq!(ours, None, "nothing to complain about");
        calls += String::from_utf8(ended.stdout)
            .unwrap()
            .trim()
            .parse::<u64>()
            .unwrap();
    }

    let after = provider.counts().await.unwrap();
    let asked = |endpoint| after.of(endpoint) - before.of(endpoint);
    let renewals = asked(Endpoint::Token);
    println!("{calls} calls, {renewals} renewals, {victims} processes killed");
    assert!(calls >= 2 * PROCESSES as u64, "each process called");
    assert!(
        renewals >= duration().as_secs() / 3,
        "tokens of two seconds were renewed: {renewals}"
    );
    assert_eq!(asked(Endpoint::Authorization), 0, "nobody signed in again");
    let login = FileLogins::new(&folder).load(&key).await.unwrap().unwrap();
    let tokens = provider
        .refresh("native", login.expose_refresh_token().unwrap())
        .await;
    assert!(
        tokens.is_ok(),
        "the refresh token that was kept is the newest"
    );
}

/// The provider has used up the refresh token and holds its answer back when the process is killed.
/// What has done the renewal in a process of its own gets the answer and keeps it. What has done it
/// by itself has lost the login, which is why the command line does not: nothing can help there.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_is_killed_while_it_renews() {
    for (how, survives) in [("call", true), ("call-alone", false)] {
        let provider = IdentityProvider::start(Options::new().lifetime(2))
            .await
            .unwrap();
        let server = server::start(provider.issuer()).await;
        let home = TempDir::new().unwrap();
        let store = FileLogins::new(home.path().join("logins"));
        let key = sign_in(&provider, &server.url, store.folder()).await;
        let login = store.load(&key).await.unwrap().unwrap();
        let past = SystemTime::now() - Duration::from_secs(60);
        store
            .save(&login.clone().with_times(past, Some(past)))
            .await
            .unwrap();
        let before = provider.counts().await.unwrap();
        let late = Fault::Withhold(Duration::from_secs(1));
        provider
            .fault_times(Endpoint::Token, late, 1)
            .await
            .unwrap();

        let mut victim = user(how, store.folder(), &server.url);
        while provider.counts().await.unwrap().of(Endpoint::Token) == before.of(Endpoint::Token) {
            sleep(Duration::from_millis(5)).await;
        }
        victim.kill().await.unwrap();
        // Whoever is still at it holds the lock.
        drop(store.lock(&key).await.unwrap());

        let kept = store.load(&key).await.unwrap().unwrap();
        let rotated = kept.expose_refresh_token() != login.expose_refresh_token();
        assert_eq!(rotated, survives, "{how}");
        let renewed = provider
            .refresh("native", kept.expose_refresh_token().unwrap())
            .await;
        assert_eq!(renewed.is_ok(), survives, "{how}");
    }
}

/// The limit of a file's size stands for a full disk: the write fails, or, where nobody has said
/// otherwise, its process is killed in the middle of it.
#[tokio::test]
async fn a_full_disk_leaves_the_old_login() {
    for (prepare, killed) in [("trap '' XFSZ; ulimit -f 0", false), ("ulimit -f 0", true)] {
        let home = TempDir::new().unwrap();
        let run = |prepare: &str| {
            let script = format!("{prepare}; exec \"$0\" leave \"$1\"");
            let mut shell = Command::new("sh");
            shell
                .args(["-c", &script, env!("CARGO_BIN_EXE_login-user")])
                .arg(home.path());
            shell
                .env_remove("DBUS_SESSION_BUS_ADDRESS")
                .env_remove("XDG_RUNTIME_DIR");
            shell.output()
        };
        assert!(run("true").await.unwrap().status.success());
        let store = FileLogins::new(home.path());
        let key = store.list().await.unwrap().remove(0);
        let failed = run(prepare).await.unwrap();
        assert!(!failed.status.success());
        assert_eq!(failed.status.code().is_none(), killed, "{prepare}");
        let said = String::from_utf8_lossy(&failed.stderr);
        assert!(killed || said.contains("cannot write"), "{said}");

        assert!(
            store.load(&key).await.unwrap().is_some(),
            "the old one is whole"
        );
        drop(store.lock(&key).await.unwrap());
        let names = std::fs::read_dir(home.path())
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let left: Vec<_> = names
            .filter(|path| path.extension().unwrap() == "new")
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

/// Signs alice in once, and keeps her login.
async fn sign_in(provider: &IdentityProvider, server: &str, folder: &Path) -> LoginKey {
    let tokens = provider
        .sign_in(&SignIn::new("alice", server, "mcp"))
        .await
        .unwrap();
    let key = LoginKey {
        server: server.to_owned(),
        resource: server.to_owned(),
        issuer: provider.issuer().to_owned(),
        client_id: "native".to_owned(),
        account: None,
    };
    let now = SystemTime::now();
    let access_token = BearerToken::parse(&tokens.access_token).unwrap();
    let login = Login::new(key.clone(), provider.url(Endpoint::Token), access_token)
        .with_refresh_token(tokens.refresh_token)
        .with_times(now, Some(now + Duration::from_secs(tokens.expires_in)))
        .with_scopes(ScopeSet::parse("mcp").unwrap());
    FileLogins::new(folder).save(&login).await.unwrap();
    key
}

/// Starts a process and kills it, one after the other, and says how many.
async fn kill_some(folder: &Path, server: &str, duration: Duration) -> usize {
    let end = Instant::now() + duration;
    let mut killed = 0;
    while Instant::now() < end {
        let mut victim = user("call", folder, server);
        let life = RandomState::new().build_hasher().finish() % LONGEST_LIFE_OF_A_VICTIM;
        sleep(Duration::from_millis(life)).await;
        victim.kill().await.unwrap();
        killed += 1;
    }
    killed
}

fn user(how: &str, folder: &Path, server: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_login-user"))
        .args([how.as_ref(), folder.as_os_str(), server.as_ref()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// `cargo xtask test` asks for a minute.
fn duration() -> Duration {
    let seconds = env::var("PROPUSK_TEST_SHARED_LOGIN_SECONDS").ok();
    Duration::from_secs(seconds.map_or(15, |seconds| seconds.parse().unwrap()))
}
