//! Reports: the end of an attempt is sent until the service has it, and now and then again until
//! the attempt is released, because an import may bring back a state in which it runs. What the
//! service wants after the release is sent from what is kept of it.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use drydock_api::runservice::types::{
    AttemptId, AttemptPhase, AttemptView, HeldState, Reason, Status,
};
use drydock_core::context::Context;
use drydock_core::error::{Chain, Code, Kind};
use drydock_http::client::ClientError;
use futures_util::stream::{FuturesUnordered, Stream};
use rand::RngExt;
use tokio::time::Instant;

use super::executor::{Executor, ExecutorError};
use super::heartbeats::has_code;
use super::status::{ended, plain_status, status};
use crate::driver::{AttemptState, Driver};
use crate::journal::{Record, Records};

/// The reports that are on their way at once.
const MAX_REPORTS: usize = 8;

type Reported = (AttemptId, Result<AttemptView, ClientError>);

/// The reports that are on their way.
#[derive(Default)]
pub struct Reports(FuturesUnordered<Pin<Box<dyn Future<Output = Reported> + Send>>>);

impl Reports {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Stream for Reports {
    type Item = Reported;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Reported>> {
        Pin::new(&mut self.0).poll_next(cx)
    }
}

impl<D: Driver, R: Records> Executor<D, R> {
    /// Sends the end of an attempt, unless it is on its way or has to wait.
    pub(super) fn report(&mut self, attempt: AttemptId) {
        let is_full = self.reports.0.len() >= MAX_REPORTS;
        let known = self.known.entry(attempt).or_default();
        if is_full || known.is_reported || !known.report_pause.is_over() {
            return;
        }
        let outcome = known.outcome.take().unwrap_or_else(|| {
            match self.driver.look(&attempt.to_string()) {
                Ok(AttemptState::Ended(outcome)) => outcome,
                // Nothing of it is left, so this is all that is certain.
                _ => ended(AttemptPhase::Failed, Some(Reason::ExecutorRestarted), None),
            }
        });
        let refusals = known.refusals;
        known.outcome = Some(outcome.clone());
        let status = match refusals {
            0 => match self.stored(attempt, &outcome) {
                Some((outcome, archives)) if self.are_caches_stored(attempt, &outcome) => {
                    status(&outcome, archives)
                }
                _ => return,
            },
            refusals => plain_status(&outcome, refusals),
        };
        let known = self.known.entry(attempt).or_default();
        known.is_reported = true;
        if known.kept != Some(refusals) {
            known.kept = Some(refusals);
            if let Err(error) = self.journal.keep(attempt, &status) {
                tracing::warn!(%attempt, error = %Chain(&error), "its result is not kept");
            }
        }
        self.send(attempt, status);
    }

    fn send(&mut self, attempt: AttemptId, status: Status) {
        let (client, timeout) = (self.client.clone(), self.settings.call_timeout);
        self.reports.0.push(Box::pin(async move {
            let ctx = Context::background().timeout(timeout);
            (attempt, client.report(&ctx, attempt, &status).await)
        }));
    }

    /// Sends the results again that the service has lost by going back to a state from before, and
    /// notes those that are not kept.
    pub(super) fn recall(&mut self) {
        let held = self.journal.held().attempts;
        let wanted = self.orders.recall.iter().filter(|attempt| !held.contains_key(attempt));
        let wanted: BTreeSet<AttemptId> = wanted.copied().collect();
        self.forgotten.retain(|attempt| wanted.contains(attempt));
        for attempt in wanted {
            if self.recalled.contains(&attempt) || self.forgotten.contains(&attempt) {
                continue;
            }
            match self.journal.kept(attempt) {
                // It is wanted again with the next heartbeat.
                Some(_) if self.reports.0.len() >= MAX_REPORTS => {}
                Some(status) => {
                    tracing::info!(%attempt, "its result is sent again, as the service wants");
                    self.recalled.insert(attempt);
                    self.send(attempt, status);
                }
                None => self.forget(attempt),
            }
        }
    }

    /// The next heartbeat says that there is no result of an attempt.
    fn forget(&mut self, attempt: AttemptId) {
        tracing::warn!(%attempt, "the service wants its result, which is not kept");
        self.forgotten.insert(attempt);
        self.hurry.notify_one();
    }

    /// Takes the answer to a result that was sent again after the attempt's release.
    fn take_recalled(&mut self, attempt: AttemptId, answer: Result<AttemptView, ClientError>) {
        match answer {
            Ok(_) => tracing::info!(%attempt, "its end is reported once more"),
            Err(error) if is_refused(&error) || has_code(&error, Code::ArchiveNotStored) => {
                tracing::warn!(%attempt, error = %Chain(&error), "its result is of no use");
                self.forget(attempt);
            }
            // As long as it is wanted, the next heartbeat says so.
            Err(error) => {
                tracing::warn!(%attempt, error = %Chain(&error), "its end is not reported again");
            }
        }
    }

    /// Takes the answer to a report.
    pub(super) fn reported(
        &mut self,
        attempt: AttemptId,
        answer: Result<AttemptView, ClientError>,
    ) -> Result<(), ExecutorError> {
        if self.recalled.remove(&attempt) {
            self.take_recalled(attempt, answer);
            return Ok(());
        }
        let known = self.known.entry(attempt).or_default();
        known.is_reported = false;
        match answer {
            Ok(_) => tracing::info!(%attempt, "its end is reported"),
            Err(error) if has_code(&error, Code::StaleAttempt) => {
                tracing::warn!(%attempt, %error, "it had ended for the service before");
                // If that is undone, what it has saved is wanted.
                known.uploads.given_up = None;
            }
            Err(error) if has_code(&error, Code::ArchiveNotStored) => {
                tracing::warn!(%attempt, %error, "what it has saved is uploaded again");
                known.uploads.done.clear();
                known.report_pause.lengthen(&mut self.rng);
                return Ok(());
            }
            Err(error) => {
                tracing::warn!(%attempt, error = %Chain(&error), "its end is not reported yet");
                known.refusals += u32::from(is_refused(&error));
                known.report_pause.lengthen(&mut self.rng);
                return Ok(());
            }
        }
        let again = self.settings.report_again.mul_f64(self.rng.random_range(1.0..=1.5));
        known.report_pause.begin(Instant::now() + again);
        let held = self.journal.held();
        if held.attempts.get(&attempt).is_some_and(|held| held.state == HeldState::Exited) {
            self.journal.append(Record::Sent { attempt })?;
        }
        Ok(())
    }
}

/// Whether a report as it is will never be taken.
fn is_refused(error: &ClientError) -> bool {
    let refused = [Kind::BadRequest, Kind::TooLarge, Kind::Unprocessable];
    error.remote().is_some_and(|remote| refused.contains(&remote.kind))
}
