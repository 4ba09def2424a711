//! The signals that ask a command to stop.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::exit::Failure;

/// SIGTERM, SIGINT and SIGHUP, which end no process any more.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    pub fn watch() -> Result<Signals, Failure> {
        let watched = |kind| signal(kind).map_err(Signals::failed);
        Ok(Signals {
            terminate: watched(SignalKind::terminate())?,
            interrupt: watched(SignalKind::interrupt())?,
            hang_up: watched(SignalKind::hangup())?,
        })
    }

    fn failed(error: io::Error) -> Failure {
        Failure::because("signals cannot be watched", error)
    }

    /// Waits for the first of them, and names it.
    pub async fn first(mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.hang_up.recv() => "SIGHUP",
        }
    }
}
