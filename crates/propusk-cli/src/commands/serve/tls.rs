//! `[tls]`, `--tls-certificate` and `--tls-key`: TLS at the listener.

use std::{
    fs,
    path::{Path, PathBuf},
};

use propusk::server::{ClientCertificates, Tls, TlsIdentity};
use serde::Deserialize;

use super::rules::Place;
use crate::{args::ServeArgs, failure::Failure};

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct TlsConfig {
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    client_ca: Option<PathBuf>,
    client_certificates: Option<String>,
}

impl TlsConfig {
    /// Whether the listener speaks TLS by this.
    pub(crate) fn is_on(&self) -> bool {
        self.certificate.is_some()
    }
}

/// The files, which are read when they are needed and again when they change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TlsFiles {
    certificate: PathBuf,
    key: PathBuf,
    clients: Option<(PathBuf, ClientCertificates)>,
}

impl TlsFiles {
    /// `None` where nothing is said of TLS.
    pub(super) fn resolve(
        args: &mut ServeArgs,
        config: TlsConfig,
        place: &Place<'_>,
    ) -> Result<Option<Self>, Failure> {
        let certificate = args.tls_certificate.take().or(config.certificate);
        let key = args.tls_key.take().or(config.key);
        let clients = match (config.client_ca, config.client_certificates.as_deref()) {
            (None, None) => None,
            (None, Some(_)) => {
                let key = place.key("tls", "client-certificates");
                return Err(
                    Failure::usage(format!("{key} has no effect without client-ca"))
                        .hint("name the file with the authorities that sign them"),
                );
            }
            (Some(file), None | Some("required")) => Some((file, ClientCertificates::Required)),
            (Some(file), Some("optional")) => Some((file, ClientCertificates::Optional)),
            (Some(_), Some(other)) => {
                let key = place.key("tls", "client-certificates");
                return Err(Failure::usage(format!(
                    "{key}: {other:?} is neither required nor optional"
                )));
            }
        };
        match (certificate, key, clients) {
            (Some(certificate), Some(key), clients) => Ok(Some(Self {
                certificate,
                key,
                clients,
            })),
            (None, None, None) => Ok(None),
            (Some(_), None, _) => Err(Failure::usage(
                "TLS needs the private key of the certificate",
            )
            .hint("name its file with --tls-key, or as key in [tls]")),
            (None, ..) => Err(Failure::usage("TLS needs a certificate")
                .hint("name its file with --tls-certificate, or as certificate in [tls]")),
        }
    }

    /// Whether clients must show a certificate.
    pub(super) fn asks_clients(&self) -> bool {
        matches!(self.clients, Some((_, ClientCertificates::Required)))
    }

    /// Everything that is read.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        let clients = self.clients.iter().map(|(file, _)| file.as_path());
        [self.certificate.as_path(), &self.key]
            .into_iter()
            .chain(clients)
    }

    /// TLS with what is in the files now.
    pub(super) fn open(&self) -> Result<Tls, Failure> {
        Tls::new(&self.identity()?).map_err(|error| self.wrong(&error))
    }

    /// What is in the files now.
    pub(super) fn identity(&self) -> Result<TlsIdentity, Failure> {
        let identity = TlsIdentity::new(read(&self.certificate)?, read(&self.key)?);
        Ok(match &self.clients {
            Some((file, asked)) => identity.clients(read(file)?, *asked),
            None => identity,
        })
    }

    /// Whether TLS can be spoken with it.
    pub(super) fn check(&self, identity: &TlsIdentity) -> Result<(), Failure> {
        Tls::new(identity)
            .map(drop)
            .map_err(|error| self.wrong(&error))
    }

    /// Gives it to TLS that serves already.
    pub(super) fn renew(&self, tls: &Tls, identity: &TlsIdentity) -> Result<(), Failure> {
        tls.renew(identity).map_err(|error| self.wrong(&error))
    }

    fn wrong(&self, error: &dyn std::fmt::Display) -> Failure {
        let (certificate, key) = (self.certificate.display(), self.key.display());
        Failure::usage(format!("TLS with {certificate} and {key}: {error}")).hint(
            "both are PEM files: a certificate with its intermediates behind it, and its private key without a password",
        )
    }
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(file).map_err(|error| Failure::usage(format!("TLS: {}: {error}", file.display())))
}
