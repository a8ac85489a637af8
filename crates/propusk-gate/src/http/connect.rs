//! Connections to an upstream: one pool, HTTP/1.1, TLS where the URL says so. No proxy of the
//! environment and no redirect: requests go where the operator said.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use tokio_rustls::rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject},
};

use super::limits::HttpLimits;

pub(super) type Pool = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// A host that is gone without a word is noticed after some of these.
const TCP_KEEPALIVE: Duration = Duration::from_secs(60);

/// More idle connections than these are closed at once.
const MOST_IDLE: usize = 512;

/// The longest head of an answer, and the longest piece of a body, in bytes.
const MOST_BUFFER: usize = 128 * 1024;

/// Certificates that an upstream over https is trusted by, beside those of the operating system.
#[derive(Debug, Clone, Default)]
pub struct ExtraRoots(Vec<CertificateDer<'static>>);

/// There is no certificate in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no certificate in PEM (-----BEGIN CERTIFICATE-----) in the text")]
pub struct NoCertificate;

impl ExtraRoots {
    /// Reads one or more certificates in PEM.
    ///
    /// # Errors
    /// [`NoCertificate`].
    pub fn from_pem(pem: &str) -> Result<Self, NoCertificate> {
        let found = CertificateDer::pem_slice_iter(pem.as_bytes());
        let found: Vec<_> = found.collect::<Result<_, _>>().map_err(|_| NoCertificate)?;
        let mut roots = RootCertStore::empty();
        let (added, unusable) = roots.add_parsable_certificates(found.iter().cloned());
        match (added, unusable) {
            (1.., 0) => Ok(Self(found)),
            _ => Err(NoCertificate),
        }
    }
}

pub(super) fn pool(limits: &HttpLimits, roots: &ExtraRoots, tls: bool) -> Pool {
    let mut tcp = HttpConnector::new();
    tcp.set_nodelay(true);
    tcp.set_keepalive(Some(TCP_KEEPALIVE));
    tcp.set_connect_timeout(Some(limits.connect));
    tcp.enforce_http(false);
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(tls_config(roots, tls))
        .https_or_http()
        .enable_http1()
        .wrap_connector(tcp);
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .timer(TokioTimer::new())
        .pool_idle_timeout(limits.keep)
        .pool_max_idle_per_host(MOST_IDLE)
        .http1_max_buf_size(MOST_BUFFER)
        .build(connector)
}

/// Reading the certificates of the system takes a moment, which plain http can do without.
fn tls_config(extra: &ExtraRoots, used: bool) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    if used {
        let system = rustls_native_certs::load_native_certs();
        for error in &system.errors {
            tracing::warn!(%error, "a certificate of the system cannot be read");
        }
        roots.add_parsable_certificates(system.certs);
        roots.add_parsable_certificates(extra.0.iter().cloned());
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    match config {
        Ok(config) => config.with_root_certificates(roots).with_no_client_auth(),
        // It has the suites of its own default versions.
        Err(_) => ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth(),
    }
}
