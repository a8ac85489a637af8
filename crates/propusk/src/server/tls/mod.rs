//! TLS of a listener, whose certificate can be exchanged while connections stay.

mod certificate;
mod invalid;

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        RootCertStore, ServerConfig,
        crypto::{CryptoProvider, aws_lc_rs::default_provider},
        pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject},
        server::{WebPkiClientVerifier, danger::ClientCertVerifier},
    },
};

pub use invalid::{InvalidTls, PemDefect};

pub(super) use certificate::client_certificate;

/// What a TLS listener shows and asks for, as PEM texts.
///
/// It has no `Display`, and its `Debug` shows no key.
#[derive(Clone)]
pub struct TlsIdentity {
    certificate: Vec<u8>,
    key: Vec<u8>,
    clients: Option<(Vec<u8>, ClientCertificates)>,
}

/// Whether a client must show a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClientCertificates {
    /// Without one there is no connection.
    #[default]
    Required,
    /// One that is shown must be good.
    Optional,
}

impl TlsIdentity {
    /// A certificate with those of its intermediate authorities behind it, and its private key
    /// (PKCS#8, PKCS#1 or SEC1, without a password).
    #[must_use]
    pub fn new(certificate: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        Self {
            certificate: certificate.into(),
            key: key.into(),
            clients: None,
        }
    }

    /// Asks clients for certificates that these authorities have signed. Who has shown one is in the
    /// audit events; a token is needed all the same.
    #[must_use]
    pub fn clients(
        mut self,
        authorities: impl Into<Vec<u8>>,
        certificates: ClientCertificates,
    ) -> Self {
        self.clients = Some((authorities.into(), certificates));
        self
    }

    fn acceptor(&self) -> Result<TlsAcceptor, InvalidTls> {
        let provider = Arc::new(default_provider());
        let chain = certificates(&self.certificate).map_err(InvalidTls::Certificate)?;
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(|error| match error {
            pem::Error::NoItemsFound => InvalidTls::Key(PemDefect::Nothing),
            _ => InvalidTls::Key(PemDefect::Malformed),
        })?;
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(InvalidTls::from)?;
        let config = match &self.clients {
            None => config.with_no_client_auth(),
            Some((authorities, asked)) => {
                config.with_client_cert_verifier(verifier(authorities, *asked, provider)?)
            }
        };
        let mut config = config
            .with_single_cert(chain, key)
            .map_err(InvalidTls::from)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, PemDefect> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if found.is_empty() => Err(PemDefect::Nothing),
        Ok(found) => Ok(found),
        Err(_) => Err(PemDefect::Malformed),
    }
}

fn verifier(
    authorities: &[u8],
    asked: ClientCertificates,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, InvalidTls> {
    let mut roots = RootCertStore::empty();
    for authority in certificates(authorities).map_err(InvalidTls::ClientAuthorities)? {
        let added = roots.add(authority);
        added.map_err(|_| InvalidTls::ClientAuthorities(PemDefect::Malformed))?;
    }
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    let verifier = match asked {
        ClientCertificates::Required => verifier,
        ClientCertificates::Optional => verifier.allow_unauthenticated(),
    };
    let built = verifier.build();
    built.map_err(|_| InvalidTls::ClientAuthorities(PemDefect::Malformed))
}

impl fmt::Debug for TlsIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clients = self.clients.as_ref().map(|(_, asked)| asked);
        f.debug_struct("TlsIdentity")
            .field("clients", &clients)
            .finish_non_exhaustive()
    }
}

/// The TLS (1.2 and 1.3, by rustls) of a [`Site`](super::Site): `http/1.1` over it, and a limit to
/// how long a handshake may take. Copies share one identity.
#[derive(Clone)]
pub struct Tls(Arc<RwLock<TlsAcceptor>>);

impl Tls {
    /// TLS with this identity.
    ///
    /// # Errors
    /// [`InvalidTls`] where a text holds nothing usable, or the key is not that of the certificate.
    pub fn new(identity: &TlsIdentity) -> Result<Self, InvalidTls> {
        Ok(Self(Arc::new(RwLock::new(identity.acceptor()?))))
    }

    /// Exchanges the identity for the connections that come from now on.
    ///
    /// # Errors
    /// As [`Tls::new`]; then the former one stays.
    pub fn renew(&self, identity: &TlsIdentity) -> Result<(), InvalidTls> {
        let acceptor = identity.acceptor()?;
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = acceptor;
        Ok(())
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}
