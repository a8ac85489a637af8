//! The few calls of the Secret Service API (freedesktop.org, version 0.2) that logins take.

use std::{collections::HashMap, time::Duration};

use serde::{Serialize, de::DeserializeOwned};
use tokio::time::timeout;
use zbus::{
    Connection, Message,
    zvariant::{DynamicType, ObjectPath, OwnedObjectPath, OwnedValue, Type, Value},
};
use zeroize::Zeroizing;

const BUS_NAME: &str = "org.freedesktop.secrets";
const SERVICE: &str = "org.freedesktop.Secret.Service";
const SERVICE_PATH: &str = "/org/freedesktop/secrets";
const COLLECTION: &str = "org.freedesktop.Secret.Collection";
const ITEM: &str = "org.freedesktop.Secret.Item";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// What the API says where there is nothing.
const NOTHING: &str = "/";

/// A keyring on this machine answers at once. One that does not waits for a human.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why the keyring could not do it. It contains no secret.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failed {
    #[error("there is none in this session")]
    None,
    #[error("it is locked; unlock it, or sign in to the desktop")]
    Locked,
    #[error("it did not answer in time")]
    Late,
    #[error("it refused ({0})")]
    Refused(String),
}

/// An item of the keyring.
pub(super) struct Item(OwnedObjectPath);

/// A connection to the keyring.
pub(super) struct SecretService {
    bus: Connection,
    session: OwnedObjectPath,
    collection: OwnedObjectPath,
}

impl SecretService {
    /// Connects, and finds the default collection, unlocked.
    pub(super) async fn connect() -> Result<Self, Failed> {
        let connecting = timeout(PATIENCE, Connection::session()).await;
        let bus = connecting
            .map_err(|_| Failed::Late)?
            .map_err(|_| Failed::None)?;
        let plain = ("plain", Value::from(""));
        let opened: (OwnedValue, OwnedObjectPath) =
            call(&bus, SERVICE_PATH, SERVICE, "OpenSession", &plain).await?;
        let collection: OwnedObjectPath =
            call(&bus, SERVICE_PATH, SERVICE, "ReadAlias", &"default").await?;
        if collection.as_str() == NOTHING {
            return Err(Failed::None);
        }
        let asked = (COLLECTION, "Locked");
        let locked: OwnedValue = call(&bus, collection.as_str(), PROPERTIES, "Get", &asked).await?;
        // What is no boolean is no promise.
        if bool::try_from(locked).unwrap_or(true) {
            return Err(Failed::Locked);
        }
        Ok(Self {
            bus,
            session: opened.1,
            collection,
        })
    }

    /// The items with these attributes.
    pub(super) async fn search(
        &self,
        attributes: &HashMap<&str, &str>,
    ) -> Result<Vec<Item>, Failed> {
        let (unlocked, locked): (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>) =
            call(&self.bus, SERVICE_PATH, SERVICE, "SearchItems", attributes).await?;
        if !locked.is_empty() {
            return Err(Failed::Locked);
        }
        Ok(unlocked.into_iter().map(Item).collect())
    }

    pub(super) async fn secret(&self, item: &Item) -> Result<Zeroizing<Vec<u8>>, Failed> {
        let found: ((OwnedObjectPath, Vec<u8>, Vec<u8>, String),) = call(
            &self.bus,
            item.0.as_str(),
            ITEM,
            "GetSecret",
            &&*self.session,
        )
        .await?;
        Ok(Zeroizing::new(found.0.2))
    }

    pub(super) async fn attributes(&self, item: &Item) -> Result<HashMap<String, String>, Failed> {
        let asked = (ITEM, "Attributes");
        let found: OwnedValue = call(&self.bus, item.0.as_str(), PROPERTIES, "Get", &asked).await?;
        found
            .try_into()
            .map_err(|_| Failed::Refused("no attributes".to_owned()))
    }

    /// Keeps a secret in the place of the one with the same attributes.
    pub(super) async fn keep(
        &self,
        label: &str,
        attributes: &HashMap<&str, &str>,
        secret: &[u8],
    ) -> Result<(), Failed> {
        let properties: HashMap<&str, Value<'_>> = HashMap::from([
            ("org.freedesktop.Secret.Item.Label", Value::from(label)),
            (
                "org.freedesktop.Secret.Item.Attributes",
                Value::from(attributes.clone()),
            ),
        ]);
        let session = ObjectPath::from(&self.session);
        let none: &[u8] = &[];
        let secret = (session, none, secret, "application/json");
        let order = (properties, secret, true);
        let (_, prompt): (OwnedObjectPath, OwnedObjectPath) = call(
            &self.bus,
            self.collection.as_str(),
            COLLECTION,
            "CreateItem",
            &order,
        )
        .await?;
        without_asking(&prompt)
    }

    pub(super) async fn delete(&self, item: &Item) -> Result<(), Failed> {
        let prompt: OwnedObjectPath = call(&self.bus, item.0.as_str(), ITEM, "Delete", &()).await?;
        without_asking(&prompt)
    }
}

/// A prompt means that a human would have to unlock something first.
fn without_asking(prompt: &OwnedObjectPath) -> Result<(), Failed> {
    if prompt.as_str() == NOTHING {
        Ok(())
    } else {
        Err(Failed::Locked)
    }
}

async fn call<T: DeserializeOwned + Type>(
    bus: &Connection,
    path: &str,
    interface: &str,
    method: &str,
    order: &(impl Serialize + DynamicType),
) -> Result<T, Failed> {
    let called = bus.call_method(Some(BUS_NAME), path, Some(interface), method, order);
    let answer: Message = timeout(PATIENCE, called)
        .await
        .map_err(|_| Failed::Late)?
        .map_err(|error| explain(&error))?;
    // The text of such an error may repeat what came.
    let body = answer.body();
    body.deserialize()
        .map_err(|_| Failed::Refused(format!("{method} answered in another form")))
}

fn explain(error: &zbus::Error) -> Failed {
    match error {
        zbus::Error::MethodError(name, ..) => match name.as_str() {
            "org.freedesktop.DBus.Error.ServiceUnknown"
            | "org.freedesktop.DBus.Error.NameHasNoOwner"
            | "org.freedesktop.DBus.Error.Spawn.ChildExited"
            | "org.freedesktop.DBus.Error.Spawn.ServiceNotFound" => Failed::None,
            "org.freedesktop.Secret.Error.IsLocked" => Failed::Locked,
            name => Failed::Refused(name.to_owned()),
        },
        _ => Failed::Refused("the connection to it broke".to_owned()),
    }
}
