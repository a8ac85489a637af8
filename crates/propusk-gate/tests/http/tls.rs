//! Upstreams over https.

#[path = "../../../propusk/tests/wire/support/certificate.rs"]
mod certificate;
#[path = "../../../propusk/tests/wire/support/tls_in_front.rs"]
mod tls_in_front;

use certificate::Certificate;
use propusk_gate::http::{ExtraRoots, NoCertificate};

use crate::{
    gate::{Gate, error_of, ping, settings},
    upstream::{Upstream, json},
};

#[tokio::test]
async fn an_upstream_over_https_is_trusted_by_its_certificate_or_not_at_all() {
    let upstream = Upstream::new(|_| json(r#"{"jsonrpc":"2.0","id":7,"result":{}}"#)).await;
    let plain = upstream
        .url
        .trim_start_matches("http://")
        .trim_end_matches("/upstream");
    let certificate = Certificate::of("localhost");
    let secure = certificate
        .in_front_of(plain.parse().expect("an address"))
        .await;
    let roots = |pem: &str| ExtraRoots::from_pem(pem).expect("a certificate");
    let own = || settings().roots(roots(&certificate.pem()));
    let other = Certificate::of("localhost");
    for (name, url, settings, status) in [
        (
            "its own",
            format!("https://localhost:{}/upstream", secure.port()),
            own(),
            200,
        ),
        (
            "unknown",
            format!("https://localhost:{}/upstream", secure.port()),
            settings(),
            502,
        ),
        (
            "another's",
            format!("https://localhost:{}/upstream", secure.port()),
            settings().roots(roots(&other.pem())),
            502,
        ),
        (
            "another name",
            format!("https://{secure}/upstream"),
            own(),
            502,
        ),
        (
            "no TLS there",
            format!(
                "https://localhost:{}/upstream",
                plain.rsplit(':').next().expect("a port")
            ),
            own(),
            502,
        ),
    ] {
        let before = upstream.arrived().len();
        let gate = Gate::with(&url, settings, |auth| auth).await;
        let (told, said) = error_of(gate.call(&ping()).await).await;
        assert_eq!(told, status, "{name}: {said}");
        assert_eq!(
            upstream.arrived().len() - before,
            usize::from(status == 200),
            "{name}"
        );
    }
    for text in [
        "",
        "no PEM",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        assert_eq!(
            ExtraRoots::from_pem(text).err(),
            Some(NoCertificate),
            "{text}"
        );
    }
}
