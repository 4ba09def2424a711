//! The resume gate: queued runs that start take a token of it in their transaction, so its rate
//! holds over all instances.

use drydock_core::db::{DbError, Tx};
use drydock_core::error::ActionError;
use drydock_core::store::StoreTx;
use jiff::Timestamp;

use crate::engine::gate::tokens;
use crate::model;
use crate::record::ResumeGate;
use crate::schema::GATES;

pub fn find(tx: &Tx<'_>) -> Result<Option<ResumeGate>, DbError> {
    model::run::gate(tx)
}

/// Whether a queued run may start.
pub fn is_open(tx: &Tx<'_>, now: Timestamp) -> Result<bool, DbError> {
    Ok(find(tx)?.is_none_or(|gate| tokens(&gate, now) > 0))
}

/// Counts a run that starts.
pub fn pass<F>(tx: &mut StoreTx<'_>) -> Result<(), ActionError<F>> {
    if let Some(mut gate) = find(tx)? {
        gate.taken += 1;
        tx.put(GATES, gate.id, &gate)?;
    }
    Ok(())
}
