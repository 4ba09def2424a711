//! One attempt, from its claim to its release.

use drydock_api::runservice::types::{AttemptId, AttemptPhase, HeldState, Reason};
use drydock_core::error::Chain;
use tokio::time::Instant;

use super::executor::{Executor, ExecutorError};
use super::status::ended;
use super::task::task;
use crate::attempt::{Outcome, Stop};
use crate::driver::{AttemptState, Driver, DriverError};
use crate::journal::{Record, Records, UnreleasedAttempt};

/// How often an attempt is handed to the driver whose supervisor ends before it begins.
const MAX_STARTS: u32 = 3;
/// What `${arch}` stands for where the executor is told of no other.
const ARCH: &str = std::env::consts::ARCH;
/// The number of an order after which there is no grace, and no further step.
const AT_ONCE: u32 = 2;

impl<D: Driver, R: Records> Executor<D, R> {
    /// Takes an attempt as far as it goes.
    pub(super) async fn advance(
        &mut self,
        attempt: AttemptId,
        held: UnreleasedAttempt,
    ) -> Result<(), ExecutorError> {
        match held.state {
            HeldState::Claimed => self.begin(attempt, held).await,
            HeldState::Spawned => self.follow(attempt, held).await,
            HeldState::Exited | HeldState::Sent if self.orders.release.contains(&attempt) => {
                self.release(attempt).await
            }
            HeldState::Exited | HeldState::Sent if self.is_unknown(attempt) => {
                self.keep_unknown(attempt).await
            }
            // What has the result may have gone back to a state from before: it is sent again.
            HeldState::Exited | HeldState::Sent => {
                self.report(attempt);
                Ok(())
            }
        }
    }

    /// Starts an attempt, if its task is known.
    async fn begin(
        &mut self,
        attempt: AttemptId,
        held: UnreleasedAttempt,
    ) -> Result<(), ExecutorError> {
        if let Some(stop) = self.wanted_stop(attempt, held) {
            self.transfers.abort(attempt);
            return self.exit(attempt, ended(AttemptPhase::Stopped, Some(stop.reason), None)).await;
        }
        let known = self.known.entry(attempt).or_default();
        let Some(claimed) = known.claimed.take() else { return Ok(()) };
        let passed = known.claimed_at.elapsed();
        let task = task(&claimed, passed, self.settings.arch.as_deref().unwrap_or(ARCH));
        if !self.is_restored(attempt, &claimed) {
            self.known.entry(attempt).or_default().claimed = Some(claimed);
            return Ok(());
        }
        let known = self.known.entry(attempt).or_default();
        known.starts += 1;
        known.is_to_start = false;
        if held.state == HeldState::Claimed {
            self.journal.append(Record::Spawned { attempt })?;
        }
        self.env.point("exec.after_journal").await?;
        let started = self.driver.start(&task);
        self.env.point("exec.after_spawn").await?;
        match started {
            Ok(()) => Ok(()),
            // It is looked at like every other.
            Err(DriverError::AlreadyStarted(_) | DriverError::Running(_)) => Ok(()),
            Err(error) => {
                let text = Chain(&error).to_string();
                tracing::error!(%attempt, error = text, "it cannot be started");
                let reason = Some(Reason::SetupFailed);
                self.exit(attempt, ended(AttemptPhase::Failed, reason, Some(text))).await
            }
        }
    }

    /// Looks at an attempt that was started.
    async fn follow(
        &mut self,
        attempt: AttemptId,
        held: UnreleasedAttempt,
    ) -> Result<(), ExecutorError> {
        match self.driver.look(&attempt.to_string()) {
            Ok(AttemptState::Running) => {
                if let Some(stop) = self.wanted_stop(attempt, held) {
                    self.order(attempt, stop);
                }
                self.answer_cache(attempt);
                Ok(())
            }
            Ok(AttemptState::Ended(outcome)) => {
                // Nobody waits for it any more.
                self.transfers.abort(attempt);
                self.env.point("exec.after_result").await?;
                self.exit(attempt, outcome).await
            }
            Ok(AttemptState::NotStarted) => {
                let known = self.known.entry(attempt).or_default();
                if known.starts >= MAX_STARTS {
                    let (reason, text) = (Some(Reason::SetupFailed), "no supervisor has begun it");
                    let outcome = ended(AttemptPhase::Failed, reason, Some(text.to_owned()));
                    return self.exit(attempt, outcome).await;
                }
                known.is_to_start = true;
                self.begin(attempt, held).await
            }
            Ok(AttemptState::Absent) => {
                // It may have begun before somebody, or a power cut, removed it.
                let reason = Some(Reason::ExecutorRestarted);
                self.exit(attempt, ended(AttemptPhase::Failed, reason, None)).await
            }
            Err(error) => {
                tracing::error!(%attempt, error = %Chain(&error), "it cannot be looked at");
                Ok(())
            }
        }
    }

    /// The order to stop that the attempt should have.
    fn wanted_stop(&self, attempt: AttemptId, held: UnreleasedAttempt) -> Option<Stop> {
        let at_once = |reason| Some(Stop { reason, grace_ms: 0, order: AT_ONCE });
        if self.is_unknown(attempt) {
            return at_once(Reason::LostInRestore);
        }
        if held.exclusive && self.heard_at.elapsed() >= self.settings.silence {
            return at_once(Reason::ExecutorLost);
        }
        let stop = self.orders.stop.iter().find(|stop| stop.attempt == attempt)?;
        // The service takes the grace away with the second order.
        let order = if stop.grace_ms == 0 { AT_ONCE } else { 1 };
        Some(Stop { reason: stop.reason, grace_ms: stop.grace_ms, order })
    }

    fn order(&mut self, attempt: AttemptId, stop: Stop) {
        let known = self.known.entry(attempt).or_default();
        if known.ordered.as_ref().is_some_and(|before| before.order >= stop.order) {
            return;
        }
        tracing::info!(%attempt, reason = %stop.reason, "it is told to stop");
        match self.driver.order(&attempt.to_string(), &stop) {
            Ok(()) => known.ordered = Some(stop),
            Err(error) => tracing::error!(%attempt, error = %Chain(&error), "it was not told"),
        }
    }

    /// Notes that an attempt has ended so.
    pub(super) async fn exit(
        &mut self,
        attempt: AttemptId,
        outcome: Outcome,
    ) -> Result<(), ExecutorError> {
        let (phase, reason) = (outcome.phase, outcome.reason);
        tracing::info!(%attempt, %phase, ?reason, message = outcome.message, "it has ended");
        self.journal.append(Record::Exited { attempt })?;
        let known = self.known.entry(attempt).or_default();
        known.claimed = None;
        known.outcome = Some(outcome);
        if let Err(error) = self.driver.clean(&attempt.to_string()) {
            tracing::warn!(%attempt, error = %Chain(&error), "its working folder is left");
        }
        // At once: where nothing runs any more, the next look comes with the next heartbeat.
        if !self.is_unknown(attempt) {
            self.report(attempt);
        }
        Ok(())
    }

    /// Keeps an attempt that the service does not know, for a while.
    async fn keep_unknown(&mut self, attempt: AttemptId) -> Result<(), ExecutorError> {
        let known = self.known.entry(attempt).or_default();
        let since = *known.unknown_since.get_or_insert_with(Instant::now);
        if since.elapsed() < self.settings.keep_unknown {
            return Ok(());
        }
        tracing::warn!(%attempt, "it is removed: the service has not known it for too long");
        self.release(attempt).await
    }

    /// Removes what is left of an attempt.
    async fn release(&mut self, attempt: AttemptId) -> Result<(), ExecutorError> {
        if let Err(error) = self.driver.remove(&attempt.to_string()) {
            tracing::error!(%attempt, error = %Chain(&error), "it cannot be removed");
            return Ok(());
        }
        self.env.point("exec.after_release").await?;
        self.journal.append(Record::Released { attempt })?;
        self.known.remove(&attempt);
        Ok(())
    }
}
