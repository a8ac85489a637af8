//! An issuer of JSON Web Tokens inside the test: one key, metadata, and whatever else is published.
//! For what needs an issuer and not a real identity provider.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};

/// The subject of its tokens, unless they say otherwise.
pub const SUBJECT: &str = "alice";

/// An issuer that answers over HTTP on a loopback port until it is dropped.
pub struct LocalIssuer {
    url: String,
    address: std::net::SocketAddr,
    key: EcdsaKeyPair,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    documents: Mutex<HashMap<String, String>>,
    bodies: Mutex<Vec<String>>,
    over: AtomicBool,
}

impl LocalIssuer {
    /// Starts one with a new ES256 key. Its metadata name `/keys` and `/introspect`; nothing is at
    /// the latter before something is [published](LocalIssuer::publish).
    #[must_use]
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared::default());
        let issuer = Self {
            url: format!("http://{address}"),
            address,
            key: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key"),
            shared: Arc::clone(&shared),
        };
        let url = &issuer.url;
        let metadata = json!({
            "issuer": url, "jwks_uri": format!("{url}/keys"),
            "introspection_endpoint": format!("{url}/introspect"),
        });
        issuer.publish("/.well-known/oauth-authorization-server", &metadata);
        issuer.publish("/keys", &issuer.key_set());
        std::thread::spawn(move || serve(&listener, &shared));
        issuer
    }

    /// The `iss` of its tokens.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Answers every request for this path with this document.
    pub fn publish(&self, path: &str, document: &Value) {
        let mut documents = self.shared.documents.lock().expect("no panic");
        documents.insert(path.to_owned(), document.to_string());
    }

    /// The bodies that were sent to it, in their order.
    #[must_use]
    pub fn bodies(&self) -> Vec<String> {
        self.shared.bodies.lock().expect("no panic").clone()
    }

    /// The public key, as a key set (RFC 7517 §5).
    #[must_use]
    pub fn key_set(&self) -> Value {
        let point = self.key.public_key().as_ref();
        let coordinate = |bytes| URL_SAFE_NO_PAD.encode::<&[u8]>(bytes);
        json!({"keys": [{
            "kty": "EC", "crv": "P-256", "kid": "1", "use": "sig", "alg": "ES256",
            "x": coordinate(&point[1..33]), "y": coordinate(&point[33..]),
        }]})
    }

    /// An access token (RFC 9068) for an hour, with these claims beside `iss`, `sub` and the times.
    #[must_use]
    pub fn token(&self, claims: &Value) -> String {
        self.signed("at+jwt", claims)
    }

    /// The same with another `typ`. A claim that is null is left out.
    #[must_use]
    pub fn signed(&self, media_type: &str, claims: &Value) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.expect("after 1970").as_secs();
        let mut all = json!({"iss": self.url, "sub": SUBJECT, "iat": now, "exp": now + 3600});
        let members = all.as_object_mut().expect("an object");
        members.extend(claims.as_object().expect("an object").clone());
        members.retain(|_, value| !value.is_null());
        let header = json!({"typ": media_type, "alg": "ES256", "kid": "1"});
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let input = format!("{}.{}", encode(&header), encode(&all));
        let signature = self.key.sign(&SystemRandom::new(), input.as_bytes());
        let signature = URL_SAFE_NO_PAD.encode(signature.expect("signed"));
        format!("{input}.{signature}")
    }
}

/// A new private key of a client, PKCS#8 in PEM.
#[must_use]
pub fn private_key_pem() -> String {
    let rng = SystemRandom::new();
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &rng);
    let text = STANDARD.encode(document.expect("a key"));
    format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")
}

impl Drop for LocalIssuer {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Release);
        // Wakes the listener; if it has gone already, all is well.
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(listener: &TcpListener, shared: &Shared) {
    for stream in listener.incoming().flatten() {
        if shared.over.load(Ordering::Acquire) {
            return;
        }
        // Who hangs up does not want the answer.
        let _ = answer(stream, shared);
    }
}

fn answer(stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    // One request at a time: who says nothing must not keep out the others.
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut length = 0;
    while line.trim() != "" {
        line.clear();
        stream.read_line(&mut line)?;
        let (name, value) = line.split_once(':').unwrap_or_default();
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    if !body.is_empty() {
        let body = String::from_utf8_lossy(&body).into_owned();
        shared.bodies.lock().expect("no panic").push(body);
    }
    let document = shared
        .documents
        .lock()
        .expect("no panic")
        .get(&path)
        .cloned();
    let status = if document.is_some() {
        "200 OK"
    } else {
        "404 Not Found"
    };
    let document = document.unwrap_or_default();
    write!(
        stream.get_mut(),
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{document}",
        document.len()
    )
}
