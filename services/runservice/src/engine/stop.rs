//! Stopping a running run, and cancelling a queued one.

use std::time::Duration;

use drydock_api::runservice::types::{AttemptPhase, Phase, Reason, TaskStatus};
use jiff::Timestamp;

use super::RunState;
use super::advance::{advance, end};
use super::settings::{EngineSettings, later};
use crate::record::{StopOrder, StopRequest};

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the run is in the phase `{0}`")]
pub struct WrongPhase(pub Phase);

/// Stops a running run, or cancels a queued one. A second stop takes away the grace that processes
/// have. Whether anything has changed.
///
/// # Errors
/// [`WrongPhase`], if the run is final.
pub fn stop(
    state: &mut RunState,
    reason: Reason,
    now: Timestamp,
    settings: &EngineSettings,
) -> Result<bool, WrongPhase> {
    match state.run.phase {
        Phase::Queued => return cancel(state, reason, now).map(|()| true),
        Phase::Running => {}
        phase => return Err(WrongPhase(phase)),
    }
    let before = state.clone();
    let grace = match state.run.stop {
        None => settings.stop_grace,
        Some(_) => Duration::ZERO,
    };
    let request = *state.run.stop.get_or_insert(StopRequest { reason, at: now });
    let names: Vec<_> = state.tasks.keys().cloned().collect();
    for name in names {
        let Some(attempt) = state.live_attempt_mut(&name) else { continue };
        let grace_ms = u64::try_from(grace.as_millis()).unwrap_or(u64::MAX);
        let order = StopOrder { reason: request.reason, at: now, grace_ms };
        let order = attempt.stop.get_or_insert(order);
        order.grace_ms = order.grace_ms.min(grace_ms);
        attempt.phase = AttemptPhase::Stopping;
        let latest = later(now, grace.saturating_add(settings.stop_timeout));
        attempt.deadline = attempt.deadline.min(latest);
        state.task_mut(&name).status = TaskStatus::Stopping;
    }
    advance(state, now, settings);
    Ok(*state != before)
}

/// Cancels a queued run.
///
/// # Errors
/// [`WrongPhase`], if the run has started.
pub fn cancel(state: &mut RunState, reason: Reason, now: Timestamp) -> Result<(), WrongPhase> {
    if state.run.phase != Phase::Queued {
        return Err(WrongPhase(state.run.phase));
    }
    state.run.phase = Phase::Cancelled;
    state.run.stop = Some(StopRequest { reason, at: now });
    state.run.ended_at = Some(now);
    for task in state.tasks.values_mut().filter(|task| !task.status.is_final()) {
        end(task, TaskStatus::Cancelled, Some(reason));
    }
    Ok(())
}
