//! Events: every change of a run's phase or result, in the commit of the change.

use drydock_core::error::ActionError;
use drydock_core::store::StoreTx;

use crate::model::event as model;
use crate::record::{Run, RunEvent};
use crate::schema::RUN_EVENTS;

/// The number of events that are kept.
pub const KEPT: u64 = 100_000;
/// The greatest number of old events that one new event removes.
const SWEPT_AT_ONCE: u32 = 2;

/// Notes the phase and the result of a run.
pub fn note<F>(tx: &mut StoreTx<'_>, run: &Run) -> Result<(), ActionError<F>> {
    let span = model::span(tx)?;
    let seq = span.map_or(1, |(_, last)| last + 1);
    let event = RunEvent {
        id: tx.new_id(),
        seq,
        run: run.id,
        project: run.project,
        number: run.number,
        group: run.group.clone(),
        phase: run.phase,
        result: run.result,
        at: tx.now(),
    };
    tx.put(RUN_EVENTS, event.id, &event)?;
    if span.is_some_and(|(first, _)| seq - first >= KEPT) {
        for old in model::oldest(tx, SWEPT_AT_ONCE)? {
            tx.delete(RUN_EVENTS, old)?;
        }
    }
    Ok(())
}
