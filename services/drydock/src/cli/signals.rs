//! SIGTERM and Ctrl-C: the first asks to stop, the second does not ask.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::exit::FAILED;

/// Cancels `shutdown` at the first signal and ends the process at the second.
pub fn watch(shutdown: CancellationToken) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        let mut next = async || {
            tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = interrupt.recv() => "SIGINT",
            }
        };
        let signal = next().await;
        tracing::info!(signal, "stopping: a second signal ends the process at once");
        shutdown.cancel();
        let signal = next().await;
        tracing::warn!(signal, "stopped before everything was finished");
        std::process::exit(FAILED.into());
    });
    Ok(())
}
