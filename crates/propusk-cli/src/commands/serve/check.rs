//! What can be known of a plan without the network.

use std::{
    env,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use serde::Serialize;

use super::{
    LISTEN, Names,
    settings::Plan,
    upstream::{Behind, Endpoint, Signing},
};
use crate::{commands::masked, failure::Failure};

/// One endpoint, as it would be served.
#[derive(Debug, Serialize)]
pub(in crate::commands) struct Checked {
    pub(in crate::commands) name: String,
    pub(in crate::commands) path: String,
    pub(in crate::commands) resource: String,
    pub(in crate::commands) upstream: String,
}

impl Plan {
    /// Does everything that can go wrong before anything is opened; what is legal and yet probably not
    /// meant comes back in words.
    pub(in crate::commands) async fn check(
        &mut self,
    ) -> Result<(Vec<Checked>, Vec<String>), Failure> {
        let settings = self.auth_settings(listening_at(&self.listen))?;
        if let Some(tls) = &self.tls {
            tls.open()?;
        }
        self.watched.check()?;
        let made = self.verification.verifiers(&settings)?;
        drop(made);
        self.verification.check_store()?;
        let signing = self.signing(&settings)?;
        let (mut checked, mut warnings) = (Vec::new(), self.warnings(&settings)?);
        for (endpoint, own) in self.endpoints.iter().zip(&settings) {
            if endpoint.behind == Behind::Builtin {
                let names = Names::with(own).await?;
                warnings.extend(endpoint.scopes.iter().flat_map(|own| names.doubts(own)));
            }
            checked.push(Checked {
                name: endpoint.shown().to_owned(),
                path: endpoint.path.clone(),
                resource: masked::url(own.resource().as_str()),
                upstream: behind(endpoint, &signing)?,
            });
        }
        Ok((checked, warnings))
    }

    /// What holds where nothing is said.
    pub(in crate::commands) fn defaults(&self) -> Vec<(&'static str, String)> {
        let mut defaults = vec![
            ("serve.listen", format!("{LISTEN:?}")),
            ("serve.admission", "\"required\"".to_owned()),
            ("serve.dpop", "\"accepted\"".to_owned()),
            ("serve.metrics", "\"off\"".to_owned()),
        ];
        if let Some(store) = &self.verification.store_url {
            defaults.push(("tokens", format!("{store:?}")));
        }
        defaults
    }
}

/// The address that would be bound, as far as it can be read without asking anybody.
fn listening_at(listen: &str) -> SocketAddr {
    listen.parse().unwrap_or_else(|_| {
        let port = listen
            .rsplit_once(':')
            .and_then(|(_, port)| port.parse().ok());
        SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port.unwrap_or(1))
    })
}

/// What is behind an endpoint, in words. Its files are read and its program is looked for.
fn behind(endpoint: &Endpoint, signing: &Signing) -> Result<String, Failure> {
    match &endpoint.behind {
        Behind::Builtin => Ok("the built-in server".to_owned()),
        Behind::Url(remote) => {
            remote.upstream(endpoint, Some(signing))?;
            Ok(format!("the server at {}", masked::url(&remote.url)))
        }
        Behind::Program(program) => {
            program.check(&endpoint.place)?;
            Ok(format!("the program {}", masked::command(&program.command)))
        }
    }
}

/// Whether there is such a program, for who starts it in this folder.
pub(in crate::commands) fn installed(program: &str, folder: &Path) -> Result<(), Failure> {
    match find(program, folder) {
        Some(_) => Ok(()),
        None => Err(Failure::usage(format!("there is no program {program:?}"))
            .hint("is it installed, and in PATH?")),
    }
}

/// As the system looks for it.
fn find(program: &str, folder: &Path) -> Option<PathBuf> {
    if program.contains('/') {
        let file = folder.join(program);
        return file.is_file().then_some(file);
    }
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}
