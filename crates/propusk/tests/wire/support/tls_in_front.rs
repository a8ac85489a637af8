//! TLS with a certificate of the tests, in front of a server that speaks none.

use std::{net::SocketAddr, sync::Arc};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::aws_lc_rs::default_provider,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};

use super::certificate::Certificate;

impl Certificate {
    /// Listens with TLS, and passes everything on in the clear.
    pub(crate) async fn in_front_of(&self, server: SocketAddr) -> SocketAddr {
        let key = PrivateKeyDer::from_pem_slice(self.key_pem().as_bytes()).expect("a key");
        let own = CertificateDer::from_pem_slice(self.pem().as_bytes()).expect("a certificate");
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![own], key);
        let acceptor = TlsAcceptor::from(Arc::new(config.expect("a certificate with its key")));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let mut client = acceptor.accept(client).await.ok()?;
                    let mut server = TcpStream::connect(server).await.ok()?;
                    copy_bidirectional(&mut client, &mut server).await.ok()
                });
            }
        });
        address
    }
}
