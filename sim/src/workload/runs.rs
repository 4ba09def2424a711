//! What must come of runs when the load is over: all of them end, executors are rid of them, and
//! their logs are complete.

use drydock_api::runservice::types::LogState;
use drydock_runservice::record::Attempt;
use serde::Deserialize;

use super::Session;
use super::operator::{ASK_AGAIN_MS, insist, lock};
use crate::history::{Call, Reply, RunsCall, RunsReply, Server};
use crate::timeline::SharedFinalState;
use crate::timeline::export::Export;

/// The longest that an instance takes to seal the logs of an attempt when nothing fails any more:
/// after it has tried in vain, it pauses for up to 30 s.
pub const SEALING_MS: u64 = 40_000;

/// Waits until no run is left that has not ended.
pub async fn all_end(session: &Session, final_state: &SharedFinalState, server: Server) {
    loop {
        let asked = insist(session, final_state, server, |_| Call::Runs(RunsCall::Open)).await;
        let Reply::Runs(RunsReply::Open(open)) = asked else { return };
        let Some(first) = open.first() else { return };
        let text = format!("the end of {} runs, {first} among them", open.len());
        lock(final_state).pending.push(text);
        session.sleep_ms(ASK_AGAIN_MS * 2).await;
        lock(final_state).pending.pop();
    }
}

/// Waits until executors have nothing left of any attempt: their logs are complete.
pub async fn all_released(
    session: &Session,
    final_state: &SharedFinalState,
    left: impl Fn() -> Option<String>,
) {
    while let Some(left) = left() {
        lock(final_state).pending.push(format!("the release of {left}"));
        session.sleep_ms(ASK_AGAIN_MS).await;
        lock(final_state).pending.pop();
    }
}

/// Whether the last exports hold an attempt whose logs are still to be sealed. Executors need not
/// have it any more: an import brings back a state from before its logs were complete.
pub fn are_sealing(final_state: &SharedFinalState) -> bool {
    let exports = &lock(final_state).exports;
    let Some(export) = exports.first().and_then(|(_, bytes)| Export::parse(bytes).ok()) else {
        return false;
    };
    let attempts = export.state.iter().filter(|((kind, _), _)| kind == "attempts");
    attempts.filter_map(|(_, value)| Attempt::deserialize(value).ok()).any(|attempt| {
        attempt.phase.is_final() && attempt.log_state == LogState::Live && !attempt.lacks_logs()
    })
}
