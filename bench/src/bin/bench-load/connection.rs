//! One keep-alive connection with one request at a time.

use std::{sync::Arc, time::Instant};

use anyhow::{Context, bail, ensure};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    answer::Answer,
    plan::{Mode, Options, Quota},
    request::{self, Numbered, Target},
};

/// A connection, with its 2025-11-25 session where the mode has one.
pub(crate) struct Connection {
    http: Http,
    request: Numbered,
    /// Ends the session.
    goodbye: Option<Vec<u8>>,
}

/// What came of the requests of one connection.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) failures: u64,
    pub(crate) nanos: Vec<u32>,
}

impl Connection {
    pub(crate) async fn open(target: &Target, options: &Options) -> anyhow::Result<Self> {
        let (mode, token) = (options.mode, options.token.as_deref());
        let stream = TcpStream::connect(&target.authority).await?;
        stream.set_nodelay(true)?;
        let mut http = Http {
            stream,
            received: Vec::with_capacity(4096),
        };
        let mut head = target.head("POST", mode, token);
        let mut goodbye = None;
        if mode == Mode::LegacySession {
            let session = http.open_session(&head).await?;
            let header = format!("Mcp-Session-Id: {session}\r\n");
            head.push_str(&header);
            let delete = target.head("DELETE", mode, token) + &header;
            goodbye = Some(request::with_body(&delete, ""));
            let opened = http
                .ask(&request::with_body(&head, request::INITIALIZED))
                .await?;
            ensure!(
                opened.status == 202,
                "notifications/initialized was answered with {}",
                opened.status
            );
        }
        if mode == Mode::Modern {
            let discover = request::discover(head.clone());
            let answer = http.ask(&discover).await?;
            let status = answer.status;
            ensure!(status == 200, "server/discover was answered with {status}");
        }
        let request = match options.list {
            Some(tools) => Numbered::list(head, mode, tools),
            None => Numbered::call(head, mode, options.tools()),
        };
        Ok(Self {
            http,
            request,
            goodbye,
        })
    }

    /// Calls until it is enough. A wrong answer is counted; a broken connection is one more, and
    /// the others do what is left.
    pub(crate) async fn run(mut self, quota: Arc<Quota>) -> (Self, Outcome) {
        let mut outcome = Outcome::default();
        let mut asked = Instant::now();
        while let Some(number) = quota.next(asked) {
            let answer = self.http.ask(self.request.numbered(number)).await;
            let answered = Instant::now();
            let lost = answer.is_err();
            if answer
                .as_ref()
                .is_ok_and(|a| a.status == 200 && self.request.is_answered_by(number, &a.body))
            {
                let nanos = (answered - asked).as_nanos();
                outcome.nanos.push(u32::try_from(nanos).unwrap_or(u32::MAX));
            } else {
                if outcome.failures == 0 {
                    report(&answer);
                }
                outcome.failures += 1;
            }
            if lost {
                break;
            }
            asked = answered;
        }
        (self, outcome)
    }

    /// Ends the session, as a well-behaved client does.
    pub(crate) async fn close(mut self) {
        if let Some(goodbye) = self.goodbye
            && let Err(error) = self.http.ask(&goodbye).await
        {
            eprintln!("closing a session: {error:#}");
        }
    }
}

/// Shows the first wrong answer of a connection.
fn report(answer: &anyhow::Result<Answer>) {
    match answer {
        Ok(answer) => {
            eprintln!(
                "wrong answer: {} {:.2000}",
                answer.status,
                String::from_utf8_lossy(&answer.body)
            );
        }
        Err(error) => eprintln!("no answer: {error:#}"),
    }
}

struct Http {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Http {
    async fn ask(&mut self, request: &[u8]) -> anyhow::Result<Answer> {
        self.stream.write_all(request).await?;
        loop {
            if self.stream.read_buf(&mut self.received).await? == 0 {
                bail!("the server closed the connection");
            }
            let Ok(answer) = Answer::parse(&self.received) else {
                bail!(
                    "this is not HTTP: {}",
                    String::from_utf8_lossy(&self.received)
                );
            };
            if let Some(answer) = answer {
                self.received.drain(..answer.length);
                return Ok(answer);
            }
        }
    }

    async fn open_session(&mut self, head: &str) -> anyhow::Result<String> {
        let answer = self
            .ask(&request::with_body(head, request::INITIALIZE))
            .await?;
        let (status, body) = (answer.status, String::from_utf8_lossy(&answer.body));
        answer
            .session
            .with_context(|| format!("initialize opened no session: {status} {body}"))
    }
}
