//! The log on stderr, as text for people or as JSON for programs.
//!
//! A thread of its own writes it. Neither a full disk nor a reader that does not read stops a
//! request: lines that cannot be written, or do not fit in the queue, are lost.

use std::io::{self, IsTerminal};

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::FilterExt;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use super::repeats::Repeats;

use crate::config::types::{LogConfig, LogFormat};

/// The lines that wait to be written at most.
const QUEUED_LINES: usize = 10_000;

/// The log of a process.
pub struct Log {
    pub repeats: Repeats,
    /// The last lines are written when it is dropped.
    _writer: WorkerGuard,
}

/// Begins to log.
pub fn begin(config: &LogConfig) -> Log {
    let filter = EnvFilter::builder().parse_lossy(&config.level);
    let stderr = io::stderr();
    let wanted = std::env::var_os("NO_COLOR").is_none_or(|text| text.is_empty());
    let colours = stderr.is_terminal() && wanted;
    let (lines, writer) =
        NonBlockingBuilder::default().buffered_lines_limit(QUEUED_LINES).finish(stderr);
    let repeats = Repeats::default();
    let filter = filter.and(repeats.clone());
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(lines)
        .with_ansi(colours)
        // Such errors would be printed to stderr, which panics when it cannot be written.
        .log_internal_errors(false);
    let registry = tracing_subscriber::registry();
    match config.format {
        LogFormat::Text => registry.with(layer.with_filter(filter)).init(),
        LogFormat::Json => registry.with(layer.json().with_filter(filter)).init(),
    }
    Log { repeats, _writer: writer }
}
