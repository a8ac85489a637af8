//! The token out of a request (RFC 6750 §2, RFC 9449 §7.1). Left out, on purpose: the form-encoded body
//! (§2.2) and the query parameter (§2.3), which the MCP specification forbids.

use http::{header::AUTHORIZATION, request::Parts};

use crate::{BearerToken, Malformed};

/// What stands in a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Credentials {
    Nothing,
    Malformed(Malformed),
    Token(BearerToken),
    /// A token under the `DPoP` scheme, which comes with a proof.
    #[cfg(feature = "jwt")]
    Bound(BearerToken),
}

pub(super) fn credentials(request: &Parts) -> Credentials {
    let mut headers = request.headers.get_all(AUTHORIZATION).iter();
    let Some(header) = headers.next() else {
        // A token in the query string is not a token.
        return Credentials::Nothing;
    };
    if headers.next().is_some() || request.uri.query().is_some_and(has_access_token) {
        return Credentials::Malformed(Malformed::TwoCredentials);
    }
    let Ok(header) = header.to_str() else {
        return Credentials::Malformed(Malformed::NotAToken);
    };
    let (scheme, rest) = header
        .trim()
        .split_once([' ', '\t'])
        .unwrap_or((header.trim(), ""));
    let Some(kind) = kind(scheme) else {
        // Another scheme may be meant for a proxy in front; it is no credential of ours.
        return Credentials::Nothing;
    };
    match BearerToken::parse_b64token(rest.trim()) {
        Ok(token) => kind(token),
        Err(_) => Credentials::Malformed(Malformed::NotAToken),
    }
}

fn kind(scheme: &str) -> Option<fn(BearerToken) -> Credentials> {
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(Credentials::Token);
    }
    #[cfg(feature = "jwt")]
    if scheme.eq_ignore_ascii_case("dpop") {
        return Some(Credentials::Bound);
    }
    None
}

fn has_access_token(query: &str) -> bool {
    url::form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "access_token")
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn of(uri: &str, headers: &[&str]) -> Credentials {
        let mut request = Request::builder().uri(uri);
        for header in headers {
            request = request.header(AUTHORIZATION, header.as_bytes());
        }
        credentials(&request.body(()).expect("request").into_parts().0)
    }

    #[test]
    fn rfc6750_2_one_credential_in_the_header() {
        let token = |text| Credentials::Token(BearerToken::parse(text).expect("token"));
        let two = || Credentials::Malformed(Malformed::TwoCredentials);
        let bad = || Credentials::Malformed(Malformed::NotAToken);
        #[rustfmt::skip]
        let table: Vec<(&str, &[&str], Credentials)> = vec![
            ("/", &[], Credentials::Nothing),
            ("/?access_token=x", &[], Credentials::Nothing),
            ("/", &["Bearer x"], token("x")),
            ("/", &["bearer x"], token("x")),
            ("/", &["BEARER  x "], token("x")),
            ("/", &["Bearer\tx"], token("x")),
            ("/", &["Basic eDp5"], Credentials::Nothing),
            ("/", &["Bearerx"], Credentials::Nothing),
            ("/", &[""], Credentials::Nothing),
            ("/", &["Bearer"], bad()),
            ("/", &["Bearer "], bad()),
            ("/", &["Bearer x y"], bad()),
            ("/", &["Bearer x, Bearer y"], bad()),
            ("/", &["Bearer Bearer x"], bad()),
            ("/", &["Bearer \"x\""], bad()),
            ("/", &["Bearer ключ"], bad()),
            ("/", &["Bearer x", "Bearer x"], two()),
            ("/", &["Bearer x", "Basic y"], two()),
            ("/?access_token=y", &["Bearer x"], two()),
            ("/?a=b&access%5Ftoken=y", &["Bearer x"], two()),
            ("/?token=y", &["Bearer x"], token("x")),
        ];
        for (uri, headers, expected) in table {
            assert_eq!(of(uri, headers), expected, "{uri} {headers:?}");
        }
        assert_eq!(of("/", &[&format!("Bearer {}", "a".repeat(16_385))]), bad());
    }
    #[cfg(feature = "jwt")]
    #[test]
    fn rfc9449_7_1_the_dpop_scheme() {
        let bound = |text| Credentials::Bound(BearerToken::parse(text).expect("token"));
        let two = || Credentials::Malformed(Malformed::TwoCredentials);
        let bad = || Credentials::Malformed(Malformed::NotAToken);
        #[rustfmt::skip]
        let table: Vec<(&str, &[&str], Credentials)> = vec![
            ("/", &["DPoP x"], bound("x")),
            ("/", &["dpop  x "], bound("x")),
            ("/", &["DPOP\tx"], bound("x")),
            ("/", &["DPoP"], bad()),
            ("/", &["DPoP x y"], bad()),
            ("/", &["DPoP Bearer x"], bad()),
            ("/", &["DPoPx"], Credentials::Nothing),
            ("/", &["DPoP x", "Bearer x"], two()),
            ("/", &["DPoP x", "DPoP x"], two()),
            ("/?access_token=x", &["DPoP x"], two()),
        ];
        for (uri, headers, expected) in table {
            assert_eq!(of(uri, headers), expected, "{uri} {headers:?}");
        }
    }

    #[cfg(not(feature = "jwt"))]
    #[test]
    fn without_proofs_dpop_is_another_scheme() {
        assert_eq!(of("/", &["DPoP x"]), Credentials::Nothing);
    }
}
