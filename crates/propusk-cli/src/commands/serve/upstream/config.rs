//! `[[upstream]]`: one server behind the gate, as it is written.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{
    super::{RulesConfig, ScopesConfig},
    CredentialsConfig,
};

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct UpstreamConfig {
    pub(super) name: Option<String>,
    pub(super) path: Option<String>,
    pub(super) resource: Option<String>,
    pub(super) url: Option<String>,
    pub(super) command: Option<Vec<String>>,
    #[serde(default)]
    pub(super) env: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) env_from: Vec<String>,
    pub(super) folder: Option<PathBuf>,
    pub(super) per: Option<String>,
    pub(super) most: Option<u32>,
    pub(super) idle: Option<String>,
    pub(super) credentials: Option<CredentialsConfig>,
    #[serde(default)]
    pub(super) pass_header: Vec<String>,
    pub(super) assertion: Option<bool>,
    pub(super) ca: Option<PathBuf>,
    pub(super) admission: Option<String>,
    pub(super) required_scope: Option<Vec<String>>,
    pub(super) suggested_scope: Option<Vec<String>>,
    pub(super) scopes: Option<ScopesConfig>,
    pub(super) rules: Option<RulesConfig>,
}

impl UpstreamConfig {
    /// Remembers the file in which it stands.
    pub(crate) fn found_in(&mut self, file: &Path) {
        if let Some(scopes) = &mut self.scopes {
            scopes.found_in(file, "upstream.");
        }
    }
}
