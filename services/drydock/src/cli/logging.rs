//! The log on stderr, as text for people or as JSON for programs.
//!
//! A thread of its own writes it. Neither a full disk nor a reader that does not read stops a
//! request: lines that cannot be written, or do not fit in the queue, are lost.

use std::io::{self, IsTerminal};

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

use crate::config::types::{LogConfig, LogFormat};

/// The lines that wait to be written at most.
const QUEUED_LINES: usize = 10_000;

/// Begins to log. The last lines are written when the guard is dropped.
pub fn begin(config: &LogConfig) -> WorkerGuard {
    let filter = EnvFilter::builder().parse_lossy(&config.level);
    let stderr = io::stderr();
    let wanted = std::env::var_os("NO_COLOR").is_none_or(|text| text.is_empty());
    let colours = stderr.is_terminal() && wanted;
    let (lines, guard) =
        NonBlockingBuilder::default().buffered_lines_limit(QUEUED_LINES).finish(stderr);
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(lines)
        .with_ansi(colours)
        // Such errors would be printed to stderr, which panics when it cannot be written.
        .log_internal_errors(false);
    match config.format {
        LogFormat::Text => logs.init(),
        LogFormat::Json => logs.json().init(),
    }
    guard
}
