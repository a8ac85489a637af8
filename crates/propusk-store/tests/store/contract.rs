//! The store keeps the contract of all verifiers, whatever its database.

use std::{fs, path::PathBuf, time::Duration, time::SystemTime};

use propusk::{Clock, ResourceUrl, TokenVerifier};
use propusk_store::{Lifetime, NewToken, TokenStore, check_format};
use propusk_testing::contract::{
    self, OTHER_RESOURCE, RESOURCE, SCOPE, SUBJECT, Sample, Supply, World,
};
#[cfg(feature = "real-parts")]
use propusk_testing::postgres::Postgres;

use crate::support::{Place, scopes, within};

#[tokio::test]
async fn sqlite() {
    let place = Place::sqlite();
    let database = Database::File(place.path());
    check(place, database).await;
}

#[cfg(feature = "real-parts")]
#[tokio::test]
async fn postgres() {
    let server = Postgres::start().expect("it starts");
    let place = Place::at(&server.database().expect("created"));
    check(place, Database::Server(server)).await;
}

async fn check(place: Place, database: Database) {
    let mut world = Issuer {
        store: place.open().await,
        place,
        database,
        seconds: 0,
    };
    contract::check(&mut world).await;
}

/// Where the tokens are, to be taken away.
enum Database {
    File(PathBuf),
    #[cfg(feature = "real-parts")]
    Server(Postgres),
}

struct Issuer {
    store: TokenStore,
    place: Place,
    database: Database,
    /// What the clock shows after its start.
    seconds: u64,
}

impl World for Issuer {
    type Verifier = TokenStore;

    fn verifier(&self) -> &TokenStore {
        &self.store
    }

    fn now(&self) -> SystemTime {
        self.place.clock.now()
    }

    async fn issue(&mut self, sample: Sample) -> Supply {
        let resource = |url| ResourceUrl::parse(url).expect("a resource");
        let new = NewToken::new(SUBJECT).scopes(scopes(SCOPE));
        let new = match sample {
            Sample::Valid | Sample::Revoked => new.audience(&resource(RESOURCE)),
            Sample::Expired => new.expires(Lifetime::For(Duration::from_secs(1))),
            Sample::WrongAudience => new.audience(&resource(OTHER_RESOURCE)),
            Sample::NotYetValid => return Supply::Impossible("an issued token is valid at once"),
        };
        let issued = self.store.issue(new).await.expect("issued");
        if sample == Sample::Revoked {
            self.store.revoke(&issued.record.id).await.expect("revoked");
        }
        if sample == Sample::Expired {
            self.seconds += 2;
            self.place.clock.set_millis_after_now(self.seconds * 1000);
        }
        Supply::Token(issued.token.expose_secret().to_owned())
    }

    /// By another process.
    async fn revoke(&mut self, token: &str) -> Result<(), &'static str> {
        let id = check_format(token).expect("a token of ours");
        let other = self.place.open().await;
        other.revoke(&id).await.expect("revoked");
        Ok(())
    }

    async fn begin_outage(&mut self) -> Result<(), &'static str> {
        match &self.database {
            Database::File(path) => {
                fs::rename(path, path.with_extension("away")).expect("renamed");
            }
            #[cfg(feature = "real-parts")]
            Database::Server(server) => server.stop().expect("it stops"),
        }
        // It may go on for a moment with what it knew.
        let patience = Duration::from_secs(30);
        within(patience, "unavailable", async || {
            self.store.revision().await.is_err()
        })
        .await;
        Ok(())
    }

    async fn end_outage(&mut self) {
        match &self.database {
            Database::File(path) => {
                fs::rename(path.with_extension("away"), path).expect("renamed");
            }
            #[cfg(feature = "real-parts")]
            Database::Server(server) => server.resume().expect("it starts again"),
        }
    }

    fn secrets(&self) -> Vec<String> {
        match &self.database {
            Database::File(_) => Vec::new(),
            #[cfg(feature = "real-parts")]
            Database::Server(_) => [Postgres::PASSWORD, Postgres::PASSWORD_IN_URL]
                .map(str::to_owned)
                .to_vec(),
        }
    }
}
