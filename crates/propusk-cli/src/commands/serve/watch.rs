//! `--audit`, `--metrics` and `--otlp`: what the operator sees.

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use propusk::{
    AuthLayer,
    audit::AuditLog,
    metrics::{CacheCounts, Metrics},
    server::serve_metrics,
};
use propusk_gate::{
    stdio::StdioUpstream,
    telemetry::{OtlpSettings, Telemetry},
};
use serde::Deserialize;

use super::address::{address_of, bind};
use crate::{failure::Failure, output::note};

/// `[telemetry]`; `--otlp` is its first key.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct TelemetryConfig {
    pub(super) otlp: Option<String>,
    service_name: Option<String>,
    #[serde(default)]
    subject: bool,
}

impl TelemetryConfig {
    fn settings(&self) -> Result<Option<OtlpSettings>, Failure> {
        let Some(url) = self.otlp.as_deref().filter(|url| *url != "off") else {
            return Ok(None);
        };
        let settings = OtlpSettings::new(url);
        let mut settings = settings.map_err(|error| {
            Failure::usage(format!("--otlp: {error}"))
                .hint("write the base URL of a collector, such as http://127.0.0.1:4318, or off")
        })?;
        if let Some(name) = &self.service_name {
            settings = settings.service_name(name);
        }
        Ok(Some(settings.with_subject(self.subject)))
    }
}

/// What is to be watched; nothing has been opened yet.
#[derive(PartialEq, Eq)]
pub(super) struct Watched {
    audit: Option<PathBuf>,
    metrics: Shown,
    spans: Option<OtlpSettings>,
}

/// Where the metrics are.
#[derive(PartialEq, Eq)]
enum Shown {
    Nowhere,
    /// At `/metrics` of the server itself.
    Beside,
    /// On a listener of their own.
    At(String),
}

impl Watched {
    pub(super) fn resolve(
        audit: Option<PathBuf>,
        metrics: Option<&str>,
        telemetry: &TelemetryConfig,
    ) -> Result<Self, Failure> {
        let metrics = match metrics {
            None | Some("off") => Shown::Nowhere,
            Some("on") => Shown::Beside,
            Some(address) => {
                address_of("--metrics", address)
                    .map_err(|failure| failure.hint("or write on, or off"))?;
                Shown::At(address.to_owned())
            }
        };
        Ok(Self {
            audit,
            metrics,
            spans: telemetry.settings()?,
        })
    }

    /// Whether the audit log has a folder to be in; nothing is opened.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let Some(path) = self
            .audit
            .as_deref()
            .filter(|path| path.to_str() != Some("-"))
        else {
            return Ok(());
        };
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        if path.is_dir() || !folder.unwrap_or(Path::new(".")).is_dir() {
            let message = format!(
                "--audit: {}: there is no such folder, or it is one",
                path.display()
            );
            return Err(Failure::usage(message)
                .hint("name a file in a folder that exists and that this user may write to"));
        }
        Ok(())
    }

    /// Opens the file and the listener. `bound` is the address of the server, and `scheme` its own.
    pub(super) async fn start(&self, bound: SocketAddr, scheme: &str) -> Result<Watch, Failure> {
        let log = self.audit.as_deref().map(open).transpose()?;
        if let Some(log) = &log {
            reopen_at_hangup(log)?;
        }
        let metrics = Metrics::new();
        let at = match &self.metrics {
            Shown::Nowhere => None,
            Shown::Beside => Some((scheme, bound)),
            Shown::At(address) => {
                let listener = bind("--metrics", address).await?;
                let bound = listener.local_addr().map_err(Failure::unavailable)?;
                tokio::spawn(serve_metrics(listener, metrics.clone()));
                Some(("http", bound))
            }
        };
        if let Some((scheme, at)) = at {
            note(&format!("metrics on {scheme}://{at}/metrics"));
            if let Some(warning) = warning(at) {
                tracing::warn!("{warning}");
            }
        }
        if let Some(log) = log.clone() {
            metrics.counter_from(
                "propusk_audit_events_lost_total",
                "Audit events that could not be written.",
                &[],
                move || log.lost(),
            );
        }
        let spans = self.spans.clone().map(Telemetry::start).transpose();
        let spans = spans.map_err(Failure::unavailable)?;
        if let Some(spans) = &spans {
            spans.show(&metrics);
        }
        Ok(Watch {
            log,
            spans,
            metrics: at.map(|_| metrics),
            beside: matches!(self.metrics, Shown::Beside),
        })
    }
}

/// What watches the server while it runs.
pub(super) struct Watch {
    log: Option<AuditLog>,
    spans: Option<Telemetry>,
    metrics: Option<Metrics>,
    beside: bool,
}

impl Watch {
    /// The layer of an endpoint, watched.
    pub(super) fn over(&self, mut layer: AuthLayer, upstream: Option<&str>) -> AuthLayer {
        if let Some(name) = upstream {
            layer = layer.upstream(name);
        }
        if let Some(spans) = &self.spans {
            layer = layer.audit(spans.clone());
        }
        if let Some(log) = &self.log {
            layer = layer.audit(log.clone());
        }
        match &self.metrics {
            Some(metrics) => layer.metrics(metrics),
            None => layer,
        }
    }

    /// Counts the processes of an upstream.
    pub(super) fn program(&self, upstream: &StdioUpstream) {
        if let Some(metrics) = &self.metrics {
            upstream.show(metrics);
        }
    }

    /// The metrics of the server's own listener, if they are there.
    pub(super) fn beside(&self) -> Option<&Metrics> {
        self.metrics.as_ref().filter(|_| self.beside)
    }

    /// Counts what became of a configuration that was read again.
    pub(super) fn reloaded(&self, outcome: &'static str) {
        if let Some(metrics) = &self.metrics {
            let help = "Times that the configuration was read again, by what became of it.";
            let labels = [("outcome", outcome)];
            metrics
                .counter("propusk_reloads_total", help, &labels)
                .increment();
        }
    }

    /// Shows how often each memory of tokens helped.
    pub(super) fn caches(&self, caches: &[(&'static str, CacheCounts)]) {
        if let Some(metrics) = &self.metrics {
            for (name, counts) in caches {
                counts.register(metrics, name);
            }
        }
    }

    /// Writes and sends what is waiting.
    pub(super) async fn close(&self) {
        if let Some(spans) = &self.spans {
            spans.stop().await;
        }
        if let Some(log) = &self.log {
            log.close();
        }
    }
}

fn warning(at: SocketAddr) -> Option<String> {
    let open = !at.ip().is_loopback();
    open.then(|| format!("everybody who reaches {at} can read the metrics: no token is asked for"))
}

fn open(path: &Path) -> Result<AuditLog, Failure> {
    let opened = match path.to_str() {
        Some("-") => stdout().and_then(AuditLog::to_writer),
        _ => AuditLog::open(path),
    };
    opened.map_err(|error| {
        let message = format!("--audit: {}: {error}", path.display());
        match error.kind() {
            io::ErrorKind::NotFound
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::IsADirectory
            | io::ErrorKind::NotADirectory => Failure::usage(message)
                .hint("name a file in a folder that exists and that this user may write to"),
            _ => Failure::unavailable(message),
        }
    })
}

/// Without the buffer of the standard library, which would hide how much was written.
#[cfg(unix)]
fn stdout() -> io::Result<std::fs::File> {
    use std::os::fd::AsFd;
    let own = io::stdout().as_fd().try_clone_to_owned()?;
    Ok(own.into())
}

#[cfg(not(unix))]
fn stdout() -> io::Result<io::Stdout> {
    Ok(io::stdout())
}

/// Log rotation renames the file and then sends SIGHUP.
#[cfg(unix)]
fn reopen_at_hangup(log: &AuditLog) -> Result<(), Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut hangup = signal(SignalKind::hangup()).map_err(Failure::unavailable)?;
    let log = log.clone();
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            log.reopen();
        }
    });
    Ok(())
}

#[cfg(not(unix))]
fn reopen_at_hangup(_: &AuditLog) -> Result<(), Failure> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_others_reach_is_warned_of() {
        for (address, open) in [
            ("127.0.0.1:1", false),
            ("127.9.9.9:1", false),
            ("[::1]:1", false),
            ("0.0.0.0:1", true),
            ("[::]:1", true),
            ("192.0.2.1:1", true),
        ] {
            let address = address.parse().expect("an address");
            assert_eq!(warning(address).is_some(), open, "{address}");
        }
    }
}
