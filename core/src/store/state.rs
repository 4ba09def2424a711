//! The position and phase of the read model.

use crate::coord::Revision;
use crate::log::format::{Head, Position};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The read model is being loaded: nothing may be read from it.
    Loading,
    Ready,
}

/// The position of the read model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Applied {
    pub phase: Phase,
    /// `None` before the first load.
    pub head: Option<Head>,
    /// The revision at which `head` was written to the coordination store.
    pub revision: Revision,
}

impl Applied {
    pub(super) const NOTHING: Applied = Applied { phase: Phase::Loading, head: None, revision: 0 };

    pub fn position(&self) -> Option<Position> {
        self.head.map(|head| head.position)
    }

    /// Whether the read model holds everything up to `head`. Positions go on over a change of
    /// lineage, so a higher one in another lineage is a later state.
    pub fn covers(&self, head: &Head) -> bool {
        self.phase == Phase::Ready
            && self.head.is_some_and(|mine| {
                mine.position > head.position
                    || (mine.position == head.position && mine.commit == head.commit)
            })
    }
}
