//! What a command that watches does when it gets no answer: services are replaced, taken into
//! maintenance and brought back while somebody looks.

use std::time::Duration;

use drydock_core::error::Kind;
use drydock_http::client::ClientError;
use tokio::time::Instant;

/// How long a command looks often, since the most happens at first.
const BEGINNING: Duration = Duration::from_secs(3);
const OFTEN: Duration = Duration::from_millis(50);
const SELDOM: Duration = Duration::from_millis(400);

/// The pause between two looks of a command that has begun to watch then.
pub fn pause(begun: Instant) -> Duration {
    if begun.elapsed() < BEGINNING { OFTEN } else { SELDOM }
}

/// How long a command goes on without an answer.
const PATIENCE: Duration = Duration::from_secs(300);

#[derive(Debug, Default)]
pub struct Patience {
    /// Since when there is no answer.
    since: Option<Instant>,
}

impl Patience {
    /// An answer came.
    pub fn renew(&mut self) {
        self.since = None;
    }

    /// Goes on after an error that may pass, of which the first is noted.
    ///
    /// # Errors
    /// The error, if it does not pass by itself, or has not for too long.
    pub fn endure(
        &mut self,
        error: ClientError,
        note: impl FnOnce(String),
    ) -> Result<(), ClientError> {
        let passes = match error.remote() {
            Some(remote) => {
                matches!(remote.kind, Kind::Unavailable | Kind::Timeout | Kind::TooManyRequests)
            }
            None => true,
        };
        let now = Instant::now();
        let since = *self.since.get_or_insert_with(|| {
            if passes {
                note(format!("no answer, trying again: {error}"));
            }
            now
        });
        if passes && now - since < PATIENCE { Ok(()) } else { Err(error) }
    }
}
