//! The configuration is read again: at SIGHUP, and when a file of it changes.
//!
//! A file that changes is looked at twice with the same content in between before it counts, so that
//! half of one that is just being written is never taken for the whole.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use propusk::server::{SiteRoutes, Tls};
use propusk_store::TokenStore;

use super::{
    less, lost,
    running::{Ground, Live, exchange, prepare},
    settings::Plan,
    web,
};
use crate::{
    args::ServeArgs,
    commands::verification::Composed,
    config::{Config, LOCAL},
    failure::Failure,
    output::note,
};

/// How often the files are looked at.
const EVERY: Duration = Duration::from_secs(1);

/// What serves, and what it was made of.
pub(super) struct Reload {
    pub(super) args: ServeArgs,
    pub(super) ground: Ground,
    pub(super) routes: SiteRoutes,
    pub(super) tls: Option<Tls>,
    pub(super) plan: Plan,
    pub(super) serving: Vec<Live>,
    pub(super) verifier: Arc<Composed>,
    pub(super) store: Option<TokenStore>,
    /// How the files looked before anybody heard that it serves: what changes from then on is noticed.
    pub(super) seen: Looks,
}

impl Reload {
    /// Reads again whenever there is reason to, until it is dropped.
    pub(super) async fn run(&mut self) {
        let mut hangup = Hangup::listen();
        let mut seen = std::mem::take(&mut self.seen);
        let mut changed = None;
        loop {
            let asked = tokio::select! {
                () = hangup.heard() => true,
                () = tokio::time::sleep(EVERY) => false,
            };
            let now = look(&self.files());
            if !asked {
                if now == seen {
                    changed = None;
                    continue;
                }
                if changed.as_ref() != Some(&now) {
                    // Perhaps it is still being written.
                    changed = Some(now);
                    continue;
                }
            }
            (seen, changed) = (now, None);
            self.once();
            // Another configuration may name other files.
            for (file, looks) in look(&self.files()) {
                seen.entry(file).or_insert(looks);
            }
            let files = self.files();
            seen.retain(|file, _| files.contains(file));
        }
    }

    /// Puts what the plan says in force for the first time.
    pub(super) fn begin(&mut self) -> Result<(), Failure> {
        let prepared = prepare(&self.ground, &self.plan, &self.verifier, &[])?;
        self.plan.limits.set(&self.ground.addresses);
        self.routes.trust_proxies(self.plan.proxies.clone());
        let settings = self.plan.auth_settings(self.ground.bound)?;
        if let Some(place) = web::show(&self.routes, &self.plan, &settings, &self.ground.signing) {
            note(&format!("a page for your browser: {place}"));
        }
        self.serving = exchange(
            &self.routes,
            &self.verifier,
            Vec::new(),
            prepared,
            &self.plan,
        );
        Ok(())
    }

    /// Reads everything, and exchanges it where all of it makes sense.
    fn once(&mut self) {
        match self.read_again() {
            Ok(()) => {
                tracing::info!("the configuration was read again and is in force");
                self.ground.watch.reloaded("applied");
            }
            Err(failure) => {
                tracing::error!(
                    "the configuration was read again and is not taken, what was in force stays: {}",
                    failure.on_one_line()
                );
                self.ground.watch.reloaded("refused");
            }
        }
    }

    fn read_again(&mut self) -> Result<(), Failure> {
        for file in self.files() {
            // To open a pipe waits for somebody who writes to it, and everybody else waits too.
            if fs::metadata(&file).is_ok_and(|seen| !seen.is_file()) {
                let what = format!("{}: this is no file that can be read again", file.display());
                return Err(Failure::usage(what));
            }
        }
        let config = Config::reload(self.plan.file.as_deref())?;
        let mut plan = Plan::resolve(self.args.clone(), config)?;
        lost::nothing(&self.plan, &plan)?;
        let settings = plan.auth_settings(self.ground.bound)?;
        let verifier = match plan.verification_mark == self.plan.verification_mark {
            // What it remembers of keys and tokens stays with it.
            true => Arc::clone(&self.verifier),
            false => {
                let made = plan.verification.verifiers(&settings)?;
                Arc::new(made.beside(self.store.clone()).verifier)
            }
        };
        let identity = match (&plan.tls, &self.tls) {
            (Some(files), Some(_)) => {
                let identity = files.identity()?;
                files.check(&identity)?;
                Some((files, identity))
            }
            _ => None,
        };
        let prepared = prepare(&self.ground, &plan, &verifier, &self.serving)?;
        // From here on nothing can fail any more.
        if let (Some((files, identity)), Some(tls)) = (identity, &self.tls) {
            files.renew(tls, &identity)?;
        }
        self.say_what_stays(&plan);
        less::tell(&self.plan, &plan);
        plan.limits.set(&self.ground.addresses);
        self.routes.trust_proxies(plan.proxies.clone());
        web::show(&self.routes, &plan, &settings, &self.ground.signing);
        let serving = std::mem::take(&mut self.serving);
        self.serving = exchange(&self.routes, &verifier, serving, prepared, &plan);
        (self.verifier, self.plan) = (verifier, plan);
        Ok(())
    }

    /// What takes a restart.
    fn say_what_stays(&self, plan: &Plan) {
        let before = &self.plan;
        let stays = [
            ("the address to listen on", plan.listen != before.listen),
            (
                "the token store",
                plan.verification.store_url != before.verification.store_url,
            ),
            ("TLS on or off", plan.tls.is_some() != before.tls.is_some()),
            (
                // What stands in it is read again by whoever signs.
                "the file of the key that signs who is calling",
                plan.assertion_key != before.assertion_key,
            ),
            ("what is logged", plan.log != before.log),
            ("stateless", plan.stateless != before.stateless),
            (
                "how many connections there may be",
                !plan.limits.has_connections_of(&before.limits),
            ),
            ("audit and metrics", plan.watched != before.watched),
        ];
        for (what, _) in stays.iter().filter(|(_, changed)| *changed) {
            tracing::warn!(
                "{what} changes with a restart only; what was there when this process began stays"
            );
        }
    }

    fn files(&self) -> Vec<PathBuf> {
        files_of(&self.plan)
    }
}

fn files_of(plan: &Plan) -> Vec<PathBuf> {
    // One that comes later is not read, and that is said.
    let file = plan.file.clone();
    let mut files = vec![file.unwrap_or_else(|| LOCAL.into())];
    files.extend(plan.files().map(Path::to_owned));
    files
}

/// How the files of a plan look now.
pub(super) fn looks_of(plan: &Plan) -> Looks {
    look(&files_of(plan))
}

/// What can be seen of a file without reading it.
pub(super) type Looks = BTreeMap<PathBuf, Option<(SystemTime, u64, u64)>>;

fn look(files: &[PathBuf]) -> Looks {
    let looks = |file: &PathBuf| {
        let seen = fs::metadata(file).ok()?;
        Some((seen.modified().ok()?, seen.len(), number(&seen)))
    };
    files
        .iter()
        .map(|file| (file.clone(), looks(file)))
        .collect()
}

/// A file that takes the place of another has another number.
#[cfg(unix)]
fn number(seen: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(seen)
}

#[cfg(not(unix))]
fn number(_: &fs::Metadata) -> u64 {
    0
}

/// SIGHUP, where there is such a thing.
struct Hangup {
    #[cfg(unix)]
    signal: Option<tokio::signal::unix::Signal>,
}

impl Hangup {
    #[cfg(unix)]
    fn listen() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let signal = signal(SignalKind::hangup());
        if let Err(error) = &signal {
            tracing::warn!(%error, "SIGHUP cannot be listened to");
        }
        Self {
            signal: signal.ok(),
        }
    }

    #[cfg(not(unix))]
    fn listen() -> Self {
        Self {}
    }

    #[cfg(unix)]
    async fn heard(&mut self) {
        match &mut self.signal {
            Some(signal) => drop(signal.recv().await),
            None => std::future::pending().await,
        }
    }

    #[cfg(not(unix))]
    async fn heard(&mut self) {
        std::future::pending().await
    }
}
