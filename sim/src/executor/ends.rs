//! Attempts that were started, and those that have ended: their results are kept until the service
//! has them.

use std::collections::BTreeMap;

use drydock_api::runservice::types::{ArchiveReport, AttemptId, HeldState, LogReport, Status};

use super::agent::{Agent, Ended};
use super::archives::{Moved, unless_stored};
use super::journal::Held;
use super::machine::{JobState, Outcome};
use crate::history::{Answer, Reply, RunsCall, RunsReply, Token};

/// How often attempts are looked at.
const LOOK_MS: u64 = 50;
/// How long after a result was sent it is sent again, if the attempt is not released: an import may
/// have brought back a state from before.
const AGAIN_MS: u64 = 3_000;

impl Agent {
    pub async fn ends(&self, token: &Token) -> Ended {
        let mut due: BTreeMap<AttemptId, u64> = BTreeMap::new();
        loop {
            self.start_claimed(token).await;
            let attempts = self.journal.attempts();
            due.retain(|attempt, _| attempts.contains_key(attempt));
            for (attempt, held) in attempts {
                let now = self.session.now_ms();
                match held.state {
                    HeldState::Spawned => self.look_at(token, attempt, &held).await,
                    HeldState::Exited => {
                        self.send(token, attempt, &held).await;
                        due.insert(attempt, now + AGAIN_MS);
                    }
                    HeldState::Sent if due.get(&attempt).is_none_or(|due| *due <= now) => {
                        self.send(token, attempt, &held).await;
                        due.insert(attempt, now + AGAIN_MS);
                    }
                    HeldState::Claimed | HeldState::Sent => {}
                }
            }
            self.session.sleep_ms(LOOK_MS).await;
        }
    }

    async fn look_at(&self, token: &Token, attempt: AttemptId, held: &Held) {
        match self.machine.look(attempt) {
            // The process died before it had started the attempt, or the machine before a step.
            JobState::Absent | JobState::Prepared => self.machine.start(&held.claimed),
            JobState::Running => {}
            JobState::Ended(outcome) => {
                let (outcome, stored) = match self.store(token, attempt, &outcome).await {
                    Moved::Done(stored) => (outcome, stored),
                    Moved::Never => (unless_stored(outcome), BTreeMap::new()),
                    Moved::Later => return,
                };
                self.journal.exited(attempt, self.status(attempt, &outcome, stored));
                self.point("exec.after_result").await;
            }
        }
    }

    async fn send(&self, token: &Token, attempt: AttemptId, held: &Held) {
        let Some(status) = held.result.clone() else { return };
        let report = RunsCall::Report { by: token.clone(), attempt, status: Box::new(status) };
        match self.ask(report).await {
            Answer::Ok(Reply::Runs(RunsReply::Attempt { .. })) => {
                self.journal.advance(attempt, HeldState::Sent);
                self.point("exec.after_sent").await;
            }
            // It was ended otherwise.
            Answer::Refused { code, .. } if code == "stale_attempt" => {
                self.journal.advance(attempt, HeldState::Sent);
            }
            // What it names is gone, because the service was set back: it is stored again.
            Answer::Refused { code, .. } if code == "archive_not_stored" => {
                if let JobState::Ended(outcome) = self.machine.look(attempt)
                    && let Moved::Done(stored) = self.store(token, attempt, &outcome).await
                {
                    self.journal.exited(attempt, self.status(attempt, &outcome, stored));
                }
            }
            // No other answer means that the result may be thrown away.
            _ => {}
        }
    }

    pub(super) fn status(
        &self,
        attempt: AttemptId,
        outcome: &Outcome,
        archives: BTreeMap<String, ArchiveReport>,
    ) -> Status {
        let log = |(step, size): (usize, usize)| {
            let log = self.machine.piece(attempt, step, 0, size);
            let blake3 = blake3::hash(&log).to_hex().to_string();
            (step.to_string(), LogReport { size: size as u64, blake3 })
        };
        Status {
            phase: outcome.phase,
            reason: outcome.reason,
            steps: outcome.steps.clone(),
            logs: self.machine.logs(attempt).into_iter().map(log).collect(),
            archives,
        }
    }
}
