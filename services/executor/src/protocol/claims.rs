//! Claims: which one is asked for next, and what the answer means.

use std::pin::Pin;

use drydock_api::runservice::types::{AttemptId, ClaimId, Claimed, HeldState, NewClaim};
use drydock_core::context::Context;
use drydock_core::error::{Chain, Code};
use drydock_http::client::ClientError;
use tokio::time::Instant;

use super::executor::{Executor, ExecutorError};
use super::heartbeats::has_code;
use crate::driver::Driver;
use crate::journal::{Held, Record, Records, UnreleasedAttempt};

/// No task is asked for while so many attempts wait for their release.
const MAX_HELD: usize = 3000;

pub type Answer = Result<Option<Claimed>, ClientError>;

/// A claim that is on its way.
pub struct PendingClaim {
    pub claim: ClaimId,
    pub call: Pin<Box<dyn Future<Output = Answer> + Send>>,
    begun: Instant,
}

impl<D: Driver, R: Records> Executor<D, R> {
    /// Sends a claim, if there is one to send.
    pub(super) fn ask(&mut self, held: &Held) -> Result<(), ExecutorError> {
        let may = self.pending_claim.is_none() && self.ask_pause.is_over();
        if !may || self.results.count <= self.ask_after {
            return Ok(());
        }
        let Some((claim, waits)) = self.next_claim(held)? else { return Ok(()) };
        let (client, session) = (self.client.clone(), self.session);
        let (timeout, wait) = (self.settings.call_timeout, self.settings.claim_wait);
        let wait = waits.then_some(wait);
        let call = Box::pin(async move {
            let ctx = Context::background().timeout(timeout + wait.unwrap_or_default());
            client.claim(&ctx, &NewClaim { claim, session }, wait).await
        });
        self.pending_claim = Some(PendingClaim { claim, call, begun: Instant::now() });
        Ok(())
    }

    /// The claim to send now, and whether the service may let it wait.
    fn next_claim(&mut self, held: &Held) -> Result<Option<(ClaimId, bool)>, ExecutorError> {
        let lacking = held.attempts.iter().find(|(attempt, held)| self.lacks_task(**attempt, held));
        if let Some((_, held)) = lacking {
            return Ok(Some((held.claim, false)));
        }
        if let Some(claim) = held.asked.iter().find(|claim| !self.settled.contains(claim)) {
            return Ok(Some((*claim, false)));
        }
        let live = held.attempts.values().filter(|held| !held.state.has_ended()).count();
        let is_full = live >= self.settings.limit as usize || held.attempts.len() >= MAX_HELD;
        if is_full || self.is_draining || self.orders.drain {
            return Ok(None);
        }
        if let Some(why) = self.driver.refusal() {
            tracing::warn!(why, "no task is asked for");
            self.ask_pause.begin(Instant::now() + self.settings.heartbeat_every);
            return Ok(None);
        }
        if let Some(claim) = held.asked.first() {
            return Ok(Some((*claim, true)));
        }
        let claim = ClaimId(self.env.new_id());
        self.journal.append(Record::Asked { claim })?;
        Ok(Some((claim, true)))
    }

    /// Whether the attempt is to be started, and this process does not know its task.
    fn lacks_task(&self, attempt: AttemptId, held: &UnreleasedAttempt) -> bool {
        let known = self.known.get(&attempt);
        let is_to_start = match held.state {
            HeldState::Claimed => true,
            HeldState::Spawned => known.is_some_and(|known| known.is_to_start),
            HeldState::Exited | HeldState::Sent => false,
        };
        is_to_start && known.is_none_or(|known| known.claimed.is_none())
    }

    /// Takes the answer to the claim that was on its way.
    pub(super) fn take_answer(&mut self, answer: Answer) -> Result<(), ExecutorError> {
        let pending_claim = self.pending_claim.take().expect("the answer is that of a claim");
        let claim = pending_claim.claim;
        match answer {
            Ok(Some(claimed)) => {
                self.ask_pause.end();
                self.take_task(claim, claimed)
            }
            Ok(None) => {
                self.settled.insert(claim);
                self.ask_pause.begin(pending_claim.begun + self.settings.claim_pause);
                // The service was set back to a time before the claim.
                self.give_up(claim)
            }
            Err(error) if has_code(&error, Code::SessionReplaced) => {
                Err(ExecutorError::Replaced(error.to_string()))
            }
            Err(error) if has_code(&error, Code::StaleAttempt) => {
                tracing::warn!(%claim, "the attempt of this claim was over before it began");
                self.ask_pause.end();
                if self.journal.held().asked.contains(&claim) {
                    self.journal.append(Record::Refused { claim })?;
                }
                self.give_up(claim)
            }
            Err(error) => {
                if has_code(&error, Code::ExecutorUnknown) {
                    self.ask_after = self.results.count;
                    self.hurry.notify_one();
                }
                tracing::warn!(error = %Chain(&error), "a claim was not answered");
                self.ask_pause.lengthen(&mut self.rng);
                if self.is_draining {
                    // The next start asks again.
                    self.settled.insert(claim);
                }
                Ok(())
            }
        }
    }

    fn take_task(&mut self, claim: ClaimId, claimed: Claimed) -> Result<(), ExecutorError> {
        let attempt = claimed.attempt.id;
        let held = self.journal.held();
        if !held.attempts.contains_key(&attempt) {
            let (run, number) = (claimed.run.id, claimed.run.number);
            tracing::info!(%attempt, %run, number, task = %claimed.task.name, "got a task");
            // After the service was set back, a claim may get a second attempt.
            self.give_up(claim)?;
            if !held.asked.contains(&claim) {
                self.journal.append(Record::Asked { claim })?;
            }
            let exclusive = claimed.task.spec.exclusive;
            self.journal.append(Record::Claimed { claim, attempt, exclusive })?;
        }
        self.settled.remove(&claim);
        let known = self.known.entry(attempt).or_default();
        (known.claimed, known.claimed_at) = (Some(claimed), Instant::now());
        Ok(())
    }

    /// Ends the attempts of a claim to which the service gives nothing: they are not started.
    fn give_up(&mut self, claim: ClaimId) -> Result<(), ExecutorError> {
        for (attempt, held) in self.journal.held().attempts {
            if held.claim == claim && self.lacks_task(attempt, &held) {
                self.journal.append(Record::Exited { attempt })?;
            }
        }
        Ok(())
    }
}
