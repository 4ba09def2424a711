//! What attempts save and restore: an attempt that restores does not start before it has
//! everything, and the end of one that has saved is not sent before all of it is stored.

use std::collections::BTreeMap;

use drydock_api::runservice::types::{
    ArchiveReport, AttemptId, AttemptPhase, Claimed, Reason, Step, StepReport,
};

use super::agent::Agent;
use super::machine::Outcome;
use crate::history::{Answer, Reply, RunsCall, RunsReply, Token};

/// The greatest number of pieces of an archive.
const PIECES: usize = 40;

/// What a step of an attempt saves: no other step has the same.
pub fn saved_bytes(attempt: AttemptId, step: usize) -> Vec<u8> {
    let name = format!("what step {step} of {attempt} has saved\n");
    let digest = blake3::hash(name.as_bytes());
    name.repeat(1 + usize::from(digest.as_bytes()[0]) % PIECES).into_bytes()
}

/// How it went with archives.
pub enum Moved<T> {
    Done(T),
    /// It is to be tried again.
    Later,
    /// It will never be done.
    Never,
}

impl Agent {
    /// Reads everything that an attempt restores.
    pub async fn restore(&self, token: &Token, claimed: &Claimed) -> Moved<()> {
        let restores = claimed.task.spec.steps.iter().any(|step| matches!(step, Step::Restore {}));
        for archive in claimed.restore.iter().filter(|_| restores) {
            let (by, attempt, step) = (token.clone(), archive.attempt, archive.step.clone());
            match self.ask(RunsCall::Download { by, attempt, step }).await {
                Answer::Ok(Reply::Runs(RunsReply::Archive(bytes))) => {
                    if blake3::hash(&bytes).to_hex().as_str() != archive.archive.blake3 {
                        return Moved::Never;
                    }
                }
                Answer::Refused { code, .. }
                    if ["attempt_not_exist", "archive_expired", "archive_not_exist"]
                        .contains(&&*code) =>
                {
                    return Moved::Never;
                }
                _ => return Moved::Later,
            }
        }
        Moved::Done(())
    }

    /// Stores everything that an attempt has saved.
    pub async fn store(
        &self,
        token: &Token,
        attempt: AttemptId,
        outcome: &Outcome,
    ) -> Moved<BTreeMap<String, ArchiveReport>> {
        let mut stored = BTreeMap::new();
        for &step in &outcome.saved {
            let (by, bytes) = (token.clone(), saved_bytes(attempt, step).into());
            match self.ask(RunsCall::Upload { by, attempt, step, bytes }).await {
                Answer::Ok(Reply::Runs(RunsReply::Stored(archive))) => {
                    stored.insert(step.to_string(), archive);
                }
                // It has ended otherwise, or it or its executor is not known: nobody wants them.
                Answer::Refused { code, .. }
                    if ["stale_attempt", "attempt_not_exist", "unauthorized"].contains(&&*code) =>
                {
                    return Moved::Never;
                }
                _ => return Moved::Later,
            }
            self.point("exec.after_stored").await;
        }
        Moved::Done(stored)
    }
}

/// The end of an attempt that was not begun, because what it restores is gone.
pub fn without_archives() -> Outcome {
    let steps: Vec<StepReport> = Vec::new();
    let (phase, reason) = (AttemptPhase::Failed, Some(Reason::ArchiveMissing));
    Outcome { phase, reason, steps, saved: Vec::new() }
}

/// The end of an attempt whose archives nobody takes: it has not succeeded, and an import may bring
/// back a state that waits for its end.
pub fn unless_stored(outcome: Outcome) -> Outcome {
    match outcome.phase {
        AttemptPhase::Success if !outcome.saved.is_empty() => Outcome {
            phase: AttemptPhase::Failed,
            reason: Some(Reason::ArchiveMissing),
            saved: Vec::new(),
            ..outcome
        },
        _ => outcome,
    }
}
