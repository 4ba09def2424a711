//! The space that the coordination store takes up, and the one that the read model lacks.
//!
//! Invariants: writes are refused at once while there is no space in the coordination store, and
//! before the last of it is used: what is left is for what makes room, and for operators. While the
//! read model has no room for a commit of the log, it stays as it is, and what would wait for that
//! commit is refused.

use std::time::Duration;

use super::parts::{Inner, Store};
use crate::coord::{Coordination, Error as CoordError, Space};
use crate::db::DbError;
use crate::read_model::StoreError;

/// How often what makes room is done while space is short, in the time between two otherwise.
const PASSES_WHEN_SHORT: u32 = 5;

/// How short the coordination store's space is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shortage {
    None,
    /// A quarter is used.
    Some,
    /// Only the reserve is left, or nothing.
    Reserve,
}

impl Store {
    /// The space that the coordination store takes up, as last read; `None` if it is not known.
    pub fn space(&self) -> Option<Space> {
        *self.inner.space.borrow()
    }
}

impl Store {
    /// Whether the log holds a commit for which the read model's disk has no room.
    pub fn is_model_full(&self) -> bool {
        *self.inner.model_full.borrow()
    }
}

impl Inner {
    /// Notes whether the read model has room for the next commit.
    pub(super) fn note_model_full(&self, full: bool) {
        if self.model_full.send_if_modified(|now| std::mem::replace(now, full) != full) {
            match full {
                true => tracing::error!("the disk of the read model has no space left"),
                false => tracing::info!("the disk of the read model has space again"),
            }
        }
    }

    /// Refuses what would have to wait for a commit for which the read model has no room.
    pub(super) fn check_model(&self) -> Result<(), StoreError> {
        match *self.model_full.borrow() {
            true => Err(model_full()),
            false => Ok(()),
        }
    }

    pub(crate) async fn read_space(&self) -> Result<Option<Space>, CoordError> {
        let found = self.coord.space().await?;
        self.note_space(|space| *space = found);
        Ok(found)
    }

    /// Updates the known space, and logs when it begins or ceases to be too little for writes.
    fn note_space(&self, change: impl FnOnce(&mut Option<Space>)) {
        let mut refusals = (None, None);
        self.space.send_modify(|space| {
            refusals.0 = space.and_then(|space| space.refusal());
            change(space);
            refusals.1 = space.and_then(|space| space.refusal());
        });
        match refusals {
            (before, Some(now)) if before != Some(now) => tracing::error!("{now}"),
            (Some(_), None) => tracing::info!("the coordination store has space again"),
            _ => {}
        }
    }

    /// Refuses a write that the coordination store would refuse, or that would take the last space.
    pub(super) fn check_space(&self) -> Result<(), StoreError> {
        let Some(space) = *self.space.borrow() else { return Ok(()) };
        if space.refusal().is_none() {
            return Ok(());
        }
        let (used, quota) = (space.used_bytes, space.quota_bytes);
        let reason = format!("`{used}` bytes of `{quota}` are in use");
        Err(StoreError::Coordination(CoordError::NoSpace { reason }))
    }

    pub(crate) fn shortage(&self) -> Shortage {
        match *self.space.borrow() {
            Some(space) if space.refusal().is_some() => Shortage::Reserve,
            Some(space) if space.is_short() => Shortage::Some,
            _ => Shortage::None,
        }
    }

    pub(crate) fn is_short_of_space(&self) -> bool {
        self.shortage() != Shortage::None
    }

    /// A part of `period` if much of the coordination store's space is used.
    pub(crate) fn sooner_when_short(&self, period: Duration) -> Duration {
        if self.is_short_of_space() { period / PASSES_WHEN_SHORT } else { period }
    }

    /// A write was refused for want of space, which is known from now on. If it was refused here,
    /// for the sake of the reserve, that is known already.
    pub(super) fn note_full(&self) {
        self.note_space(|space| {
            if let Some(space) = space.as_mut().filter(|space| !space.is_reserve()) {
                space.is_full = true;
            }
        });
    }
}

/// The read model has no room for a commit of the log.
pub(crate) fn model_full() -> StoreError {
    StoreError::Db(DbError::Full("a commit of the log cannot be applied".to_owned()))
}
