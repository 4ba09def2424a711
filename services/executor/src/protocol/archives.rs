//! What the executor decides of archives: what an attempt restores is there before it starts, and
//! what it has saved is stored before its end is reported.

use std::collections::BTreeMap;
use std::time::Duration;

use drydock_api::runservice::types::{
    ArchiveReport, AttemptId, AttemptPhase, Claimed, LogReport, Reason, Step,
};
use drydock_core::error::{Chain, Code};
use tokio::time::Instant;

use super::executor::{Executor, ExecutorError};
use super::heartbeats::has_code;
use super::pause::Pause;
use super::status::ended;
use super::transfers::{RestoreError, Transferred, UploadError, is_final, patience};
use crate::attempt::Outcome;
use crate::driver::Driver;
use crate::journal::Records;

/// How far what an attempt restores has come.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Restore {
    #[default]
    Wanted,
    There,
}

/// How far the upload of what an attempt has saved has come.
#[derive(Debug, Default)]
pub struct Uploads {
    pub done: BTreeMap<String, ArchiveReport>,
    /// The rest is given up for this reason.
    pub given_up: Option<String>,
    pause: Pause,
    /// The time that was spent in vain while the service was heard.
    spent: Duration,
    /// Since when the time is measured.
    since: Option<Instant>,
}

impl<D: Driver, R: Records> Executor<D, R> {
    /// Whether what an attempt restores is there; if not, it is on its way.
    pub(super) fn is_restored(&mut self, attempt: AttemptId, claimed: &Claimed) -> bool {
        let restores = claimed.task.spec.steps.iter().any(|step| matches!(step, Step::Restore {}));
        if !restores || claimed.restore.is_empty() {
            return true;
        }
        let known = self.known.entry(attempt).or_default();
        if known.restore == Restore::There {
            return true;
        }
        if !self.transfers.is_running(attempt) {
            let until = known.claimed_at + Duration::from_millis(claimed.remaining_ms);
            self.transfers.restore(attempt, claimed.restore.clone(), until);
        }
        false
    }

    /// What of an outcome can be reported now; `None`: something is on its way still.
    pub(super) fn stored(
        &mut self,
        attempt: AttemptId,
        outcome: &Outcome,
    ) -> Option<(Outcome, BTreeMap<String, ArchiveReport>)> {
        // Nobody restores what a task has saved that was stopped.
        if outcome.archives.is_empty() || outcome.phase == AttemptPhase::Stopped {
            return Some((outcome.clone(), BTreeMap::new()));
        }
        let uploads = &mut self.known.entry(attempt).or_default().uploads;
        let mut left = outcome.archives.clone();
        left.retain(|step, _| !uploads.done.contains_key(step));
        if let Some(why) = uploads.given_up.as_ref().filter(|_| !left.is_empty()) {
            return Some((without_archives(outcome, why), uploads.done.clone()));
        }
        if left.is_empty() {
            return Some((outcome.clone(), uploads.done.clone()));
        }
        if uploads.pause.is_over() && !self.transfers.is_running(attempt) {
            uploads.since.get_or_insert_with(Instant::now);
            self.transfers.upload(attempt, left);
        }
        None
    }

    /// Takes the end of a transfer.
    pub(super) async fn transferred(
        &mut self,
        attempt: AttemptId,
        transferred: Transferred,
    ) -> Result<(), ExecutorError> {
        match transferred {
            Transferred::Uploaded(done, error) => {
                let known = self.known.entry(attempt).or_default();
                known.uploads.done.extend(done);
                if let Some(error) = error {
                    self.not_uploaded(attempt, &error);
                }
                Ok(())
            }
            Transferred::Restored(Ok(())) => {
                self.known.entry(attempt).or_default().restore = Restore::There;
                Ok(())
            }
            Transferred::Restored(Err(error)) => {
                let reason = match error {
                    RestoreError::Missing { .. } | RestoreError::Damaged { .. } => {
                        Reason::ArchiveMissing
                    }
                    RestoreError::Disk(_) => Reason::DiskFull,
                    RestoreError::Late => Reason::Timeout,
                };
                let text = Chain(&error).to_string();
                self.exit(attempt, ended(AttemptPhase::Failed, Some(reason), Some(text))).await
            }
            Transferred::Cached(done, error) => {
                self.cached(attempt, done, error.as_ref());
                Ok(())
            }
            Transferred::Ended => Ok(()),
        }
    }

    fn not_uploaded(&mut self, attempt: AttemptId, error: &UploadError) {
        let is_heard = self.heard_at.elapsed() < self.settings.silence;
        let known = self.known.entry(attempt).or_default();
        let saved = known.outcome.as_ref().map(|outcome| size(&outcome.archives));
        let uploads = &mut known.uploads;
        let UploadError::Call(call) = error else {
            uploads.given_up = Some(error.to_string());
            return;
        };
        let text = Chain(call).to_string();
        tracing::warn!(%attempt, error = text, "an archive is not stored yet");
        let now = Instant::now();
        let time = now - uploads.since.replace(now).unwrap_or(now);
        // While the service cannot take it, it does not end the attempt either.
        if is_heard && !has_code(call, Code::Maintenance) {
            uploads.spent += time;
        }
        let most = self.settings.upload_timeout + patience(saved.unwrap_or(0));
        if is_final(call) || uploads.spent >= most {
            uploads.given_up = Some(text);
            return;
        }
        let least = call.remote().and_then(|remote| remote.retry_after);
        uploads.pause.lengthen_to(least.unwrap_or_default(), &mut self.rng);
    }

    /// When an upload may be tried again.
    pub(super) fn next_upload(&self) -> Option<Instant> {
        let pauses = self.known.values().flat_map(|it| [&it.uploads.pause, &it.caches.pause]);
        pauses.filter_map(Pause::until).min()
    }
}

fn size(archives: &BTreeMap<String, LogReport>) -> u64 {
    archives.values().map(|archive| archive.size).sum()
}

/// The outcome of an attempt whose archives could not be stored: it has not succeeded.
fn without_archives(outcome: &Outcome, why: &str) -> Outcome {
    if outcome.phase != AttemptPhase::Success {
        return outcome.clone();
    }
    Outcome {
        phase: AttemptPhase::Failed,
        reason: Some(Reason::ArchiveMissing),
        message: Some(format!("what it has saved could not be stored: {why}")),
        ..outcome.clone()
    }
}
