//! Whether the status that an executor reports can be true. Nothing of it is stored before.

use drydock_api::runservice::types::{
    ArchiveReport, AttemptPhase, MAX_ARCHIVE_BYTES, MAX_LOG_BYTES, MAX_OBJECT_NAME, Reason, Status,
    Step, StepExit, StepReport, TaskSpec,
};
use jiff::Timestamp;
use uuid::Uuid;

use super::attempt::{Ending, failing_exit, is_success, take_logs};
use crate::record::Attempt;

/// The log of what comes before the first step.
pub const SETUP: &str = "setup";

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The attempt ends so.
    Ends(Ending),
    /// The attempt has ended so already.
    Repeated,
    /// The attempt has ended in another way.
    Stale(AttemptPhase),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadStatus {
    #[error("`{0}` is no end of an attempt")]
    Phase(AttemptPhase),
    #[error("the attempt was not told to stop")]
    NotStopped,
    #[error("a failed attempt, and no other, has a reason")]
    ReasonMissing,
    #[error("`{0}` is no reason that an executor may give")]
    Reason(Reason),
    #[error("the reason `{0}` does not fit the steps")]
    ReasonUnproven(Reason),
    #[error("the task has {has} steps, not {given}")]
    StepCount { has: usize, given: usize },
    #[error("step {0} ends before it starts")]
    StepTimes(usize),
    #[error("step {0} did not succeed")]
    StepFailed(usize),
    #[error("`{0}` is no step of which there is a log")]
    Log(String),
    #[error("`{0}` is no step that saves")]
    Archive(String),
    #[error("the archive of step {0} is missing")]
    ArchiveMissing(usize),
    #[error("the object of the archive of step `{0}` does not belong to the attempt")]
    ArchiveObject(String),
    #[error("`{0}` is too large")]
    TooLarge(String),
    #[error("`{0}` has no BLAKE3 digest of 64 hexadecimal digits")]
    Digest(String),
}

/// Judges the status that the attempt's own executor reports in this lineage.
///
/// # Errors
/// [`BadStatus`], if no executor that works could report it.
pub fn judge(
    spec: &TaskSpec,
    attempt: &Attempt,
    status: &Status,
    lineage: Uuid,
    now: Timestamp,
) -> Result<Verdict, BadStatus> {
    if let Some(ended_at) = attempt.ended_at.filter(|_| attempt.phase.is_final()) {
        let mut given = ending(attempt, status, ended_at);
        // Those that have expired, or were lost, are named no more.
        given.archives.retain(|step, _| attempt.archives.contains_key(step));
        let same = given == ended(attempt);
        return Ok(if same { Verdict::Repeated } else { Verdict::Stale(attempt.phase) });
    }
    check_steps(spec, status)?;
    check_phase(spec, attempt, status, lineage)?;
    check_logs(spec, status)?;
    check_archives(spec, attempt, status)?;
    Ok(Verdict::Ends(ending(attempt, status, now)))
}

/// An attempt that the service has ended itself, with the logs that its executor reports late. They
/// are taken once. `None`: they are known, or cannot be true.
pub fn late_logs(spec: &TaskSpec, attempt: &Attempt, status: &Status) -> Option<Attempt> {
    if !attempt.lacks_logs() || check_logs(spec, status).is_err() {
        return None;
    }
    let mut attempt = attempt.clone();
    take_logs(&mut attempt, status.logs.clone());
    Some(attempt)
}

/// The end as it is stored. The executor's times are kept between the claim and now.
fn ending(attempt: &Attempt, status: &Status, now: Timestamp) -> Ending {
    let latest = now.max(attempt.claimed_at);
    let within = |time: Timestamp| time.clamp(attempt.claimed_at, latest);
    let step = |step: &StepReport| StepReport {
        exit: step.exit,
        started_at: step.started_at.map(within),
        ended_at: step.ended_at.map(within),
    };
    let reason = match status.phase {
        // Without an order it was stopped in a state that was left since.
        AttemptPhase::Stopped => {
            Some(attempt.stop.map_or(Reason::LostInRestore, |order| order.reason))
        }
        _ => status.reason,
    };
    Ending {
        phase: status.phase,
        reason,
        steps: status.steps.iter().map(step).collect(),
        logs: Some(status.logs.clone()),
        archives: status.archives.clone(),
    }
}

/// How a final attempt has ended.
fn ended(attempt: &Attempt) -> Ending {
    Ending {
        phase: attempt.phase,
        reason: attempt.reason,
        steps: attempt.steps.clone(),
        logs: Some(attempt.logs.clone()),
        archives: attempt.archives.clone(),
    }
}

fn check_phase(
    spec: &TaskSpec,
    attempt: &Attempt,
    status: &Status,
    lineage: Uuid,
) -> Result<(), BadStatus> {
    let is_brought_back = attempt.is_brought_back(lineage);
    let reason = match (status.phase, status.reason) {
        (AttemptPhase::Success | AttemptPhase::Stopped, Some(_)) | (AttemptPhase::Failed, None) => {
            return Err(BadStatus::ReasonMissing);
        }
        (AttemptPhase::Success, None) => return succeeded(spec, status),
        (AttemptPhase::Stopped, None) => {
            return match attempt.stop.is_some() || is_brought_back {
                true => Ok(()),
                false => Err(BadStatus::NotStopped),
            };
        }
        (AttemptPhase::Failed, Some(reason)) => reason,
        (phase, _) => return Err(BadStatus::Phase(phase)),
    };
    let failing = failing_exit(spec, &status.steps);
    let proven = match reason {
        Reason::ExitCode => matches!(failing, Some(StepExit::Code(_))),
        Reason::Signal => matches!(failing, Some(StepExit::Signal { .. })),
        Reason::ClaimLost => status.steps.is_empty(),
        Reason::OutOfMemory
        | Reason::Timeout
        | Reason::ExecutorRestarted
        | Reason::SetupFailed
        | Reason::ArchiveMissing
        | Reason::LogLimit
        | Reason::DiskFull
        | Reason::RefusedByExecutor => true,
        // The executor of an exclusive task ends it when it hears nothing from the service.
        Reason::ExecutorLost if spec.exclusive => true,
        // A state that was left did not know it, so its executor had to end it.
        Reason::LostInRestore if is_brought_back => true,
        _ => return Err(BadStatus::Reason(reason)),
    };
    if proven { Ok(()) } else { Err(BadStatus::ReasonUnproven(reason)) }
}

fn succeeded(spec: &TaskSpec, status: &Status) -> Result<(), BadStatus> {
    let (has, given) = (spec.steps.len(), status.steps.len());
    if has != given {
        return Err(BadStatus::StepCount { has, given });
    }
    for (nth, (step, report)) in spec.steps.iter().zip(&status.steps).enumerate() {
        if !report.exit.is_some_and(|exit| is_success(step, exit)) {
            return Err(BadStatus::StepFailed(nth));
        }
        if matches!(step, Step::Save(_)) && !status.archives.contains_key(&nth.to_string()) {
            return Err(BadStatus::ArchiveMissing(nth));
        }
    }
    Ok(())
}

fn check_steps(spec: &TaskSpec, status: &Status) -> Result<(), BadStatus> {
    let (has, given) = (spec.steps.len(), status.steps.len());
    if given > has {
        return Err(BadStatus::StepCount { has, given });
    }
    let backwards = |step: &StepReport| {
        let (started, ended) = (step.started_at, step.ended_at);
        started.zip(ended).is_some_and(|(started, ended)| ended < started)
    };
    match status.steps.iter().position(backwards) {
        Some(nth) => Err(BadStatus::StepTimes(nth)),
        None => Ok(()),
    }
}

/// The number of a step, in its usual form only.
fn number(key: &str) -> Option<usize> {
    key.parse().ok().filter(|number: &usize| number.to_string() == key)
}

fn check_logs(spec: &TaskSpec, status: &Status) -> Result<(), BadStatus> {
    for (key, log) in &status.logs {
        if key != SETUP && number(key).is_none_or(|number| number >= spec.steps.len()) {
            return Err(BadStatus::Log(key.clone()));
        }
        if log.size > MAX_LOG_BYTES {
            return Err(BadStatus::TooLarge(key.clone()));
        }
        check_digest(key, &log.blake3)?;
    }
    Ok(())
}

fn check_archives(spec: &TaskSpec, attempt: &Attempt, status: &Status) -> Result<(), BadStatus> {
    for (key, archive) in &status.archives {
        let step = number(key).and_then(|number| spec.steps.get(number));
        if !matches!(step, Some(Step::Save(_))) {
            return Err(BadStatus::Archive(key.clone()));
        }
        if archive.size > MAX_ARCHIVE_BYTES {
            return Err(BadStatus::TooLarge(key.clone()));
        }
        if !is_own(attempt, key, archive) {
            return Err(BadStatus::ArchiveObject(key.clone()));
        }
        check_digest(key, &archive.blake3)?;
    }
    Ok(())
}

/// Whether an archive's object is named as an upload of this attempt is.
fn is_own(attempt: &Attempt, step: &str, archive: &ArchiveReport) -> bool {
    let rest = archive.object.strip_prefix(&format!("archives/{}/{step}-", attempt.id));
    let nonce = rest.and_then(|rest| rest.strip_suffix(".tar.zst"));
    let plain = |nonce: &str| !nonce.is_empty() && nonce.chars().all(|c| c.is_ascii_alphanumeric());
    archive.object.len() <= MAX_OBJECT_NAME && nonce.is_some_and(plain)
}

/// Whether this is a BLAKE3 digest in its usual form.
pub fn is_digest(text: &str) -> bool {
    let is_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    text.len() == 64 && text.chars().all(is_hex)
}

fn check_digest(key: &str, digest: &str) -> Result<(), BadStatus> {
    match is_digest(digest) {
        true => Ok(()),
        false => Err(BadStatus::Digest(key.to_owned())),
    }
}
