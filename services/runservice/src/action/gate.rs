//! The resume gate: queued runs that start take a token of it in their transaction, so its rate
//! holds over all instances.

use drydock_core::db::Tx;
use drydock_core::error::BoxError;
use drydock_core::store::StoreTx;
use jiff::Timestamp;

use crate::engine::gate::tokens;
use crate::model;
use crate::record::ResumeGate;
use crate::schema::GATES;

pub fn find(tx: &Tx<'_>) -> Result<Option<ResumeGate>, BoxError> {
    Ok(model::run::gate(tx)?)
}

/// Whether a queued run may start.
pub fn is_open(tx: &Tx<'_>, now: Timestamp) -> Result<bool, BoxError> {
    Ok(find(tx)?.is_none_or(|gate| tokens(&gate, now) > 0))
}

/// Counts a run that starts.
pub fn pass(tx: &mut StoreTx<'_>) -> Result<(), BoxError> {
    if let Some(mut gate) = find(tx)? {
        gate.taken += 1;
        tx.put(GATES, gate.id, &gate)?;
    }
    Ok(())
}

/// Closes the gate to this rate, unless it is there already.
pub fn close(tx: &mut StoreTx<'_>, per_minute: u32) -> Result<(), BoxError> {
    if find(tx)?.is_some() {
        return Ok(());
    }
    let gate = ResumeGate { id: tx.new_id(), since: tx.now(), per_minute, taken: 0 };
    tx.put(GATES, gate.id, &gate)?;
    Ok(())
}

/// Opens the gate for good. The runs that waited for it start with the next pass of the
/// background work.
pub fn open(tx: &mut StoreTx<'_>) -> Result<(), BoxError> {
    if let Some(gate) = find(tx)? {
        tx.delete(GATES, gate.id)?;
    }
    Ok(())
}
