//! What must come of runs when the load is over: all of them end, and
//! executors are rid of them.

use super::Session;
use super::operator::{ASK_AGAIN_MS, insist, lock};
use crate::history::{Call, Reply, RunsCall, RunsReply, Server};
use crate::timeline::SharedFinalState;

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
