//! Events: every change of a run's phase or result, in the commit of the change.

use drydock_api::runservice::refusals::CursorExpired;
use drydock_api::runservice::types::{ProjectId, RunEventView};
use drydock_core::db::{DbError, Tx};
use drydock_core::error::ActionError;
use drydock_core::read_model::lineage;
use drydock_core::store::StoreTx;

use super::cursor::EventCursor;
use crate::model::event as model;
use crate::record::{Run, RunEvent};
use crate::schema::RUN_EVENTS;

/// The number of events that are kept.
pub const KEPT: u64 = 100_000;
/// The greatest number of old events that one new event removes.
const SWEPT_AT_ONCE: u32 = 2;

/// The greatest number of events in one page.
const PAGE: u32 = 100;

/// What follows a cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// Events, and the cursor after the last of them.
    Events(Vec<RunEventView>, EventCursor),
    /// It is not known any more; the cursor after everything that is.
    Expired(EventCursor),
}

/// Reads the events after a cursor; `None`: from the oldest. With `project` those of the others are
/// passed over, and the cursor moves on over them.
pub fn after(
    tx: &Tx<'_>,
    from: Option<EventCursor>,
    project: Option<ProjectId>,
) -> Result<Read, DbError> {
    let lineage = lineage(tx)?;
    let span = model::span(tx)?;
    let (first, last) = span.unwrap_or((1, 0));
    let from = from.unwrap_or(EventCursor { lineage, seq: first - 1 });
    if from.lineage != lineage || from.seq + 1 < first || from.seq > last {
        return Ok(Read::Expired(EventCursor { lineage, seq: last }));
    }
    let events = model::after(tx, from.seq, project, PAGE)?;
    let seq = match events.last() {
        Some(event) if events.len() == PAGE as usize => event.seq,
        _ => last.max(from.seq),
    };
    Ok(Read::Events(events.into_iter().map(view).collect(), EventCursor { lineage, seq }))
}

/// The refusal of a cursor that says nothing any more.
pub fn expired(restart: EventCursor) -> CursorExpired {
    CursorExpired(restart.to_string())
}

/// The cursor after the newest event.
pub fn newest(tx: &Tx<'_>) -> Result<EventCursor, DbError> {
    let seq = model::span(tx)?.map_or(0, |(_, last)| last);
    Ok(EventCursor { lineage: lineage(tx)?, seq })
}

fn view(event: RunEvent) -> RunEventView {
    let RunEvent { seq, run, project, number, group, phase, result, at, id: _ } = event;
    RunEventView { seq, run, project, number, group, phase, result, at }
}

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
