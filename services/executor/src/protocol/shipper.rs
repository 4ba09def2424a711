//! The logs of one attempt, on their way to the service.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use drydock_api::runservice::client::ExecutorClient;
use drydock_api::runservice::types::{AttemptId, LogStep};
use drydock_core::context::Context;
use drydock_core::env::Rng;
use drydock_core::error::{Chain, Kind};
use drydock_http::client::ClientError;
use rand::RngExt;
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

use super::pause::Pause;
use super::position::Position;
use super::settings::ProtocolSettings;
use crate::driver::AttemptLogs;

/// The pause after which a service that wants nothing more of an attempt is asked again: it may
/// have been set back. It doubles.
const FIRST_QUIET: Duration = Duration::from_secs(30);
const LONGEST_QUIET: Duration = Duration::from_secs(600);

/// Sends the logs of one attempt. It ends with the attempt's release, and never before.
pub struct Shipper {
    pub attempt: AttemptId,
    pub client: ExecutorClient,
    pub logs: Arc<dyn AttemptLogs>,
    pub settings: ProtocolSettings,
    /// The right to have a piece in memory.
    pub permits: Arc<Semaphore>,
    pub rng: Rng,
    /// Nothing more is written to the logs.
    pub has_ended: watch::Receiver<bool>,
    /// An executor before this one may have sent some of them.
    pub is_adopted: bool,
    pub found: BTreeMap<LogStep, Log>,
    /// No piece of any log is sent before its end.
    pub pause: Pause,
    /// How often the service has wanted nothing more.
    pub quiet: u32,
}

/// One of the logs.
pub struct Log {
    position: Position,
    /// When the service welcomes the next piece.
    next_at: Instant,
}

impl Shipper {
    /// Runs until it is dropped, or nobody holds the attempt.
    pub async fn run(mut self) {
        loop {
            // Asked before the sizes: those of an attempt that has ended are final.
            let has_ended = *self.has_ended.borrow_and_update();
            let is_final = self.look() && has_ended;
            let now = Instant::now();
            let next = self.next(has_ended);
            if let Some((_, step)) = next.filter(|(at, _)| *at <= now) {
                self.send(step).await;
                continue;
            }
            let look = (!is_final).then_some(now + self.settings.look_every);
            let wake = next.map(|(at, _)| at).into_iter().chain(look).min();
            let sleep = async {
                match wake {
                    Some(wake) => tokio::time::sleep_until(wake).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = sleep => {}
                changed = self.has_ended.changed() => {
                    if changed.is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// Learns how large the logs are; `false`: it has to look again.
    fn look(&mut self) -> bool {
        let sizes = match self.logs.sizes(self.attempt) {
            Ok(sizes) => sizes,
            Err(error) => {
                let attempt = self.attempt;
                tracing::debug!(%attempt, error = %Chain(&error), "its logs cannot be found");
                return false;
            }
        };
        let (now, is_adopted) = (Instant::now(), self.is_adopted);
        for (step, size) in sizes {
            let new = || Log { position: Position::new(is_adopted), next_at: now };
            self.found.entry(step).or_insert_with(new).position.grow(size);
        }
        true
    }

    /// The log of which a piece is to be sent next, and when.
    fn next(&mut self, has_ended: bool) -> Option<(Instant, LogStep)> {
        let wanted =
            |(step, log): (&LogStep, &Log)| log.position.piece().map(|_| (log.next_at, *step));
        let paused = self.pause.until();
        if let Some((at, step)) = self.found.iter().filter_map(wanted).min() {
            return Some((paused.map_or(at, |paused| paused.max(at)), step));
        }
        if !has_ended || self.found.is_empty() {
            return None;
        }
        // All is stored, and the attempt is not released.
        let at = Instant::now() + self.quiet();
        for log in self.found.values_mut() {
            log.position.ask_again();
            log.next_at = at;
        }
        self.found.iter().filter_map(wanted).min()
    }

    /// How long the service is left alone; longer each time.
    fn quiet(&mut self) -> Duration {
        let quiet = FIRST_QUIET.saturating_mul(1 << self.quiet.min(10)).min(LONGEST_QUIET);
        self.quiet += 1;
        quiet.mul_f64(self.rng.random_range(1.0..=1.5))
    }

    async fn send(&mut self, step: LogStep) {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let Some(piece) = self.found.get(&step).and_then(|log| log.position.piece()) else {
            return;
        };
        let bytes = match self.logs.read(self.attempt, step, piece.clone()) {
            Ok(bytes) => bytes,
            Err(error) => {
                let attempt = self.attempt;
                tracing::error!(%attempt, %step, error = %Chain(&error), "it cannot be read");
                return self.pause.lengthen(&mut self.rng);
            }
        };
        let ctx = Context::background().timeout(self.settings.piece_timeout);
        let answer = self.client.append(&ctx, self.attempt, step, piece.start, bytes).await;
        drop(permit);
        match answer {
            Ok(answer) => self.take(step, &piece, answer),
            Err(error) => self.fail(step, &error),
        }
    }

    fn take(
        &mut self,
        step: LogStep,
        piece: &Range<u64>,
        answer: drydock_api::runservice::types::Appended,
    ) {
        self.pause.end();
        let Some(log) = self.found.get_mut(&step) else { return };
        let pause = log.position.take(piece, answer);
        log.next_at = Instant::now() + pause.mul_f64(self.rng.random_range(1.0..=1.1));
        if !piece.is_empty() {
            self.quiet = 0;
        }
    }

    /// Nothing is thrown away, whatever the error: only a release allows that.
    fn fail(&mut self, step: LogStep, error: &ClientError) {
        let attempt = self.attempt;
        if let Some(log) = self.found.get_mut(&step) {
            log.position.go_back();
        }
        let remote = error.remote();
        if remote.is_some_and(|remote| is_final(remote.kind)) {
            tracing::info!(%attempt, %step, %error, "the service wants nothing of its log");
            let until = Instant::now() + self.quiet();
            return self.pause.begin(until);
        }
        tracing::debug!(%attempt, %step, error = %Chain(error), "a piece of its log is sent again");
        let least = remote.and_then(|remote| remote.retry_after);
        self.pause.lengthen_to(least.unwrap_or_default(), &mut self.rng);
    }
}

/// Whether the same piece would be refused again. A token that is not known may become known.
fn is_final(kind: Kind) -> bool {
    use Kind::{Internal, Timeout, TooManyRequests, Unauthorized, Unavailable};
    !matches!(kind, Internal | Timeout | TooManyRequests | Unauthorized | Unavailable)
}
