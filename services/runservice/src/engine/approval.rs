//! Approvals and refusals.

use drydock_api::runservice::types::{Reason, TaskName, TaskStatus};
use jiff::Timestamp;

use super::RunState;
use super::advance::{advance, end};
use super::settings::EngineSettings;
use crate::record::ApprovalState;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    Approve,
    Refuse,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotDecided {
    #[error("the task does not wait for an approval")]
    NotWaiting,
    #[error("the task was already approved or refused")]
    Decided,
}

/// Who decides, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decider {
    pub approver: String,
    pub comment: Option<String>,
}

/// Approves or refuses a task that waits for it. Whether that is new: the same person may say the
/// same again.
///
/// # Errors
/// [`NotDecided`], and nothing has changed.
pub fn decide(
    state: &mut RunState,
    name: &TaskName,
    decision: Decision,
    decider: Decider,
    now: Timestamp,
    settings: &EngineSettings,
) -> Result<bool, NotDecided> {
    let task = state.tasks.get_mut(name).ok_or(NotDecided::NotWaiting)?;
    let decided = match decision {
        Decision::Approve => ApprovalState::Approved,
        Decision::Refuse => ApprovalState::Refused,
    };
    let approval = task.approval.as_mut().ok_or(NotDecided::NotWaiting)?;
    match approval.state {
        ApprovalState::Waiting if task.status == TaskStatus::NotStarted => {}
        ApprovalState::Waiting => return Err(NotDecided::NotWaiting),
        before if before == decided && approval.approver.as_ref() == Some(&decider.approver) => {
            return Ok(false);
        }
        _ => return Err(NotDecided::Decided),
    }
    approval.state = decided;
    approval.decided_at = Some(now);
    approval.approver = Some(decider.approver);
    approval.comment = decider.comment;
    if decision == Decision::Refuse {
        end(task, TaskStatus::Cancelled, Some(Reason::ApprovalRefused));
    }
    advance(state, now, settings);
    Ok(true)
}
