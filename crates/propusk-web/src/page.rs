//! The page as an answer.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use propusk::server::Pages;
use serde::Serialize;

use crate::{
    encoding::{accepts_gzip, has},
    files::{self, File},
    headers::add_safe,
};

/// Where the page learns which servers there are.
const ABOUT: &str = "/propusk.json";

/// The page, for [`Site::pages`](propusk::server::Site::pages) or
/// [`Server::pages`](propusk::Server::pages).
///
/// It answers `GET` and `HEAD` of `/`, `/callback` (where a sign-in comes back to), its assets, and
/// `/propusk.json`, which names the servers of this site:
///
/// ```json
/// {"version": "0.1.0", "servers": [{"name": "mcp", "url": "http://127.0.0.1:8000/mcp",
///  "caller": "http://127.0.0.1:8000/mcp/caller"}]}
/// ```
#[derive(Debug, Clone)]
pub struct Page {
    about: Bytes,
}

#[derive(Serialize)]
struct About<'a> {
    version: &'static str,
    servers: Vec<Listed<'a>>,
}

#[derive(Serialize)]
struct Listed<'a> {
    name: &'a str,
    url: &'a str,
    caller: String,
}

impl Page {
    /// The page of a site with these servers: the name that a visitor sees, and the resource URL.
    #[must_use]
    pub fn new<'a>(servers: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let listed = |(name, url): (&'a str, &'a str)| Listed {
            name,
            url,
            caller: format!("{}/caller", url.trim_end_matches('/')),
        };
        let about = About {
            version: env!("CARGO_PKG_VERSION"),
            servers: servers.into_iter().map(listed).collect(),
        };
        // Texts have no way to fail.
        let about = serde_json::to_vec(&about).unwrap_or_default();
        Self {
            about: about.into(),
        }
    }

    fn answer_to<B>(&self, request: &Request<B>) -> Option<Response<Full<Bytes>>> {
        // A client of MCP that was given the wrong path is to hear that nothing is there.
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return None;
        }
        let path = request.uri().path();
        if path == ABOUT {
            return Some(with_json(self.about.clone()));
        }
        let has_query = request.uri().query().is_some();
        files::at(path).map(|file| with_file(file, request.headers(), has_query))
    }
}

impl Pages for Page {
    fn answer(&self, request: &Request<Incoming>) -> Option<Response<Full<Bytes>>> {
        self.answer_to(request)
    }
}

fn with_file(file: &File, request: &HeaderMap, has_query: bool) -> Response<Full<Bytes>> {
    let gzip = accepts_gzip(request);
    let (content, suffix) = match gzip {
        true => (file.compressed, "-gzip"),
        false => (file.plain, ""),
    };
    let etag = format!("\"{}{suffix}\"", file.digest);
    let mut response = if has(request, &etag) && !has_query {
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        let mut response = Response::new(Full::from(content));
        let content_type = HeaderValue::from_static(file.content_type);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, content_type);
        if gzip {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    };
    let headers = response.headers_mut();
    add_safe(headers);
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if has_query {
        // The code of a sign-in would be part of the name that a cache keeps it under.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    } else {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        // Hexadecimal digits have no way to fail.
        if let Ok(etag) = HeaderValue::from_str(&etag) {
            headers.insert(header::ETAG, etag);
        }
    }
    response
}

fn with_json(json: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(json));
    let headers = response.headers_mut();
    add_safe(headers);
    let json = HeaderValue::from_static("application/json");
    headers.insert(header::CONTENT_TYPE, json);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::CONTENT_SECURITY_POLICY;

    fn ask(line: &str, headers: &[(&str, &str)]) -> Option<Response<Full<Bytes>>> {
        let (method, path) = line.split_once(' ').expect("a method");
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let page = Page::new([("mcp", "http://127.0.0.1:8000/mcp")]);
        page.answer_to(&request.body(()).expect("a request"))
    }

    fn header<'a>(response: &'a Response<Full<Bytes>>, name: &str) -> &'a str {
        let value = response.headers().get(name);
        value.map_or("", |value| value.to_str().expect("ASCII"))
    }

    #[test]
    fn every_answer_is_under_the_policy() {
        for line in [
            "GET /",
            "HEAD /callback",
            "GET /assets/app.js",
            "GET /propusk.json",
        ] {
            let response = ask(line, &[]).expect("an answer");
            let policy = header(&response, "content-security-policy");
            assert_eq!(policy, CONTENT_SECURITY_POLICY, "{line}");
            assert_eq!(
                header(&response, "x-content-type-options"),
                "nosniff",
                "{line}"
            );
            assert_eq!(
                header(&response, "referrer-policy"),
                "no-referrer",
                "{line}"
            );
            let opener = header(&response, "cross-origin-opener-policy");
            assert_eq!(opener, "same-origin", "{line}");
            assert_eq!(
                header(&response, "access-control-allow-origin"),
                "",
                "{line}"
            );
            assert_eq!(response.status(), 200, "{line}");
        }
        for line in [
            "GET /nowhere",
            "POST /",
            "DELETE /propusk.json",
            "OPTIONS /",
        ] {
            assert!(ask(line, &[]).is_none(), "{line}");
        }
    }

    #[test]
    fn what_a_browser_has_already_is_not_sent_again() {
        for accepted in ["gzip", "identity"] {
            let encoding = ("accept-encoding", accepted);
            let first = ask("GET /assets/app.js", &[encoding]).expect("a file");
            assert_eq!(first.status(), 200);
            assert_eq!(header(&first, "cache-control"), "no-cache");
            assert_eq!(header(&first, "vary"), "accept-encoding");
            let coded = header(&first, "content-encoding");
            assert_eq!(coded, if accepted == "gzip" { "gzip" } else { "" });
            let known = ("if-none-match", header(&first, "etag"));
            let again = ask("GET /assets/app.js", &[encoding, known]).expect("a file");
            assert_eq!(again.status(), 304, "{accepted}");
            assert_eq!(header(&again, "etag"), known.1);
            let policy = header(&again, "content-security-policy");
            assert_eq!(policy, CONTENT_SECURITY_POLICY);
            // Two encodings are two contents.
            let other = if accepted == "gzip" {
                "identity"
            } else {
                "gzip"
            };
            let other = ask("GET /assets/app.js", &[("accept-encoding", other), known]);
            assert_eq!(other.expect("a file").status(), 200, "{accepted}");
        }
    }

    #[test]
    fn no_cache_learns_the_code_of_a_sign_in() {
        for line in ["GET /callback?code=secret&state=x", "GET /?code=secret"] {
            let response = ask(line, &[("if-none-match", "*")]).expect("the page");
            assert_eq!(response.status(), 200, "{line}");
            assert_eq!(header(&response, "cache-control"), "no-store", "{line}");
            assert_eq!(header(&response, "etag"), "", "{line}");
        }
    }

    #[test]
    fn the_page_learns_which_servers_there_are() {
        let servers = [("a", "https://a.example/mcp"), ("b", "https://b.example/")];
        let about: Value = serde_json::from_slice(&Page::new(servers).about).expect("JSON");
        assert_eq!(
            about,
            json!({
                "version": env!("CARGO_PKG_VERSION"),
                "servers": [
                    {"name": "a", "url": "https://a.example/mcp", "caller": "https://a.example/mcp/caller"},
                    {"name": "b", "url": "https://b.example/", "caller": "https://b.example/caller"},
                ],
            })
        );
        let response = ask("GET /propusk.json", &[]).expect("an answer");
        assert_eq!(header(&response, "content-type"), "application/json");
        assert_eq!(header(&response, "cache-control"), "no-store");
    }
}
