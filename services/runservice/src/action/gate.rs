//! The resume gate: queued runs that start take a token of it in their transaction, so its rate
//! holds over all instances.
//!
//! An era begins with maintenance, an import or a recovery. Its first commit that could start a run
//! or a task makes its gate, or a background pass does if there is none. Until then the gate of the
//! era before is there, and nothing passes it.

use drydock_core::db::{DbError, Tx};
use drydock_core::error::ActionError;
use drydock_core::store::StoreTx;
use jiff::Timestamp;

use crate::engine::gate::tokens;
use crate::model;
use crate::record::{Era, ResumeGate};
use crate::schema::GATES;

pub fn find(tx: &Tx<'_>) -> Result<Option<ResumeGate>, DbError> {
    model::run::gate(tx)
}

/// The era of this transaction; `None` before the first maintenance: there is nothing to resume.
pub fn era(tx: &StoreTx<'_>) -> Result<Option<Era>, DbError> {
    let generation = tx.generation();
    let lineage = tx.lineage()?;
    Ok((generation > 0).then_some(Era { lineage, generation }))
}

/// Whether a queued run may start, as far as a state tells without the mode.
pub fn seems_open(tx: &Tx<'_>, now: Timestamp) -> Result<bool, DbError> {
    Ok(find(tx)?.is_none_or(|gate| gate.opened || tokens(&gate, now) > 0))
}

/// Whether a queued run may start.
pub fn is_open(tx: &StoreTx<'_>, now: Timestamp) -> Result<bool, DbError> {
    let era = era(tx)?;
    Ok(match find(tx)? {
        Some(gate) => is_of(&gate, era) && (gate.opened || tokens(&gate, now) > 0),
        None => era.is_none(),
    })
}

/// Whether every attempt that has not ended is one of this era.
pub fn is_reconciled(tx: &StoreTx<'_>) -> Result<bool, DbError> {
    let Some(era) = era(tx)? else { return Ok(true) };
    Ok(find(tx)?.is_some_and(|gate| gate.era == Some(era) && gate.reconciled))
}

fn is_of(gate: &ResumeGate, era: Option<Era>) -> bool {
    gate.era.is_none() || gate.era == era
}

/// Counts a run that starts.
pub fn pass<F>(tx: &mut StoreTx<'_>) -> Result<(), ActionError<F>> {
    match find(tx)? {
        Some(mut gate) if !gate.opened => {
            gate.taken += 1;
            Ok(tx.put(GATES, gate.id, &gate)?)
        }
        _ => Ok(()),
    }
}

/// Makes the gate of an era that has none. It is open if there is nothing to resume.
pub fn begin<F>(tx: &mut StoreTx<'_>, per_minute: u32) -> Result<(), ActionError<F>> {
    let Some(era) = era(tx)? else { return Ok(()) };
    let before = find(tx)?;
    if before.as_ref().is_some_and(|gate| gate.era == Some(era)) {
        return Ok(());
    }
    let id = before.map_or_else(|| tx.new_id(), |gate| gate.id);
    let mut gate = ResumeGate::new(id, Some(era), tx.now(), per_minute);
    gate.reconciled = model::attempt::left_over(tx, era)? == 0;
    let unfinished = model::run::unfinished(tx)?;
    gate.opened = (unfinished.queued, unfinished.running) == (0, 0);
    Ok(tx.put(GATES, gate.id, &gate)?)
}

/// Opens the gate for good if nothing waits for it.
pub fn open_if_idle<F>(tx: &mut StoreTx<'_>) -> Result<(), ActionError<F>> {
    match model::run::unfinished(tx)?.queued {
        0 => open(tx),
        _ => Ok(()),
    }
}

/// Opens the gate for good.
pub fn open<F>(tx: &mut StoreTx<'_>) -> Result<(), ActionError<F>> {
    let era = era(tx)?;
    match find(tx)? {
        Some(mut gate) if is_of(&gate, era) && !gate.opened => {
            gate.opened = true;
            Ok(tx.put(GATES, gate.id, &gate)?)
        }
        _ => Ok(()),
    }
}
