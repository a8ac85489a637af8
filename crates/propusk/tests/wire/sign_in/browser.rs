//! A browser that signs in without asking anybody.

use std::sync::{Arc, Mutex, PoisonError};

use propusk::client::{AuthorizationUrl, Browser, Redirect, TokenError};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use url::Url;

/// Opens the authorization page, and goes where it is sent to.
#[derive(Clone, Default)]
pub(crate) struct Clicks {
    pages: Arc<Mutex<Vec<Url>>>,
    pastes: bool,
}

impl Clicks {
    /// One that does not go there but hands the address on, as a user does who pastes it.
    pub(crate) fn pasting() -> Self {
        Self {
            pastes: true,
            ..Self::default()
        }
    }

    /// The authorization URLs that it was given.
    pub(crate) fn pages(&self) -> Vec<Url> {
        let pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        pages.clone()
    }

    /// The only value of a parameter of the last authorization URL.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let page = self.pages().pop().expect("a page was opened");
        let mut values = page.query_pairs().filter(|(own, _)| own == name);
        let value = values.next().map(|(_, value)| value.into_owned());
        assert!(values.next().is_none(), "a second {name}");
        value
    }
}

impl Browser for Clicks {
    async fn authorize(
        &self,
        url: &AuthorizationUrl,
        redirect: Redirect,
    ) -> Result<String, TokenError> {
        let page: Url = url.as_str().parse().expect("a URL");
        self.pages
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(page.clone());
        let answer = get(&page).await;
        let place = answer
            .lines()
            .find_map(|line| line.strip_prefix("Location: "));
        let place = place.expect("sent on").to_owned();
        if self.pastes {
            return Ok(place);
        }
        let visiting = tokio::spawn(async move {
            get(&place.parse().expect("a URL")).await;
        });
        let came = redirect.wait().await;
        visiting.await.expect("no panic");
        came
    }
}

/// What a server answers to a GET, as text.
pub(crate) async fn get(url: &Url) -> String {
    let address = (url.host_str().expect("a host"), url.port().expect("a port"));
    let mut stream = TcpStream::connect(address).await.expect("connected");
    let query = url
        .query()
        .map(|query| format!("?{query}"))
        .unwrap_or_default();
    let request = format!("GET {}{query} HTTP/1.1\r\nHost: x\r\n\r\n", url.path());
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("answered");
    answer
}
