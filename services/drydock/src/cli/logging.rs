//! The log on stderr, as text for people or as JSON for programs, and the audit's lines: in the
//! log, whatever its level, or in a file of their own.
//!
//! A thread of its own writes each. Neither a full disk nor a reader that does not read stops a
//! request: lines that cannot be written, or do not fit in the queue, are lost.

use std::io::{self, IsTerminal};
use std::path::Path;

use drydock_core::private;
use drydock_http::server::audit::TARGET;
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::fmt::format::{DefaultFields, Format};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt};

use super::exit::Failure;
use super::repeats::Repeats;

use crate::config::types::{LogConfig, LogFormat};

/// The lines that wait to be written at most.
const QUEUED_LINES: usize = 10_000;

/// The log of a process.
pub struct Log {
    pub repeats: Repeats,
    /// The last lines are written when they are dropped.
    _writers: Vec<WorkerGuard>,
}

type Boxed<S> = Box<dyn Layer<S> + Send + Sync>;

/// Begins to log.
pub fn begin(config: &LogConfig) -> Result<Log, Failure> {
    let stderr = io::stderr();
    let wanted = std::env::var_os("NO_COLOR").is_none_or(|text| text.is_empty());
    let colours = stderr.is_terminal() && wanted;
    let (lines, writer) = writer(stderr);
    let mut writers = vec![writer];
    let repeats = Repeats::default();
    let is_audit = || filter_fn(|metadata| metadata.target() == TARGET);
    let audit = match &config.audit_file {
        Some(path) => {
            let (lines, writer) = writer_of_file(path)?;
            writers.push(writer);
            layer(lines, LogFormat::Json, false).with_filter(is_audit())
        }
        None => layer(lines.clone(), config.format, colours).with_filter(is_audit()),
    };
    let filter = EnvFilter::builder().parse_lossy(&config.level);
    let filter = filter.and(repeats.clone()).and(is_audit().not());
    let log = layer(lines, config.format, colours).with_filter(filter);
    tracing_subscriber::registry().with(audit).with(log).init();
    Ok(Log { repeats, _writers: writers })
}

fn layer<S>(lines: NonBlocking, format: LogFormat, colours: bool) -> Boxed<S>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
{
    // Errors of the writer would be printed to stderr, which panics when it cannot be written.
    let layer: fmt::Layer<S, DefaultFields, Format, NonBlocking> =
        fmt::layer().with_writer(lines).with_ansi(colours).log_internal_errors(false);
    match format {
        LogFormat::Text => layer.boxed(),
        LogFormat::Json => layer.json().boxed(),
    }
}

fn writer(to: impl io::Write + Send + 'static) -> (NonBlocking, WorkerGuard) {
    NonBlockingBuilder::default().buffered_lines_limit(QUEUED_LINES).finish(to)
}

fn writer_of_file(path: &Path) -> Result<(NonBlocking, WorkerGuard), Failure> {
    let mut options = private::options();
    let opened = options.append(true).create(true).open(path);
    let file = opened.map_err(|error| Failure::because(format!("`{}`", path.display()), error))?;
    Ok(writer(file))
}
