//! Decides which of the blobs that the state does not name nobody can need. It asks no clock.

use drydock_api::runservice::types::LogState;
use drydock_core::read_model::OtherLineages;

use super::names::PART;
use crate::record::Attempt;

/// What may be deleted of the logs of an attempt, besides what the state names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletable {
    All,
    Parts,
    Nothing,
}

impl Deletable {
    /// Whether an object with this name is among it.
    pub fn includes(self, name: &str) -> bool {
        match self {
            Deletable::All => true,
            Deletable::Parts => name.ends_with(PART),
            Deletable::Nothing => false,
        }
    }
}

/// What nobody can need of logs in this state. Another lineage may name other complete logs.
pub fn of_logs(state: LogState, others: OtherLineages) -> Deletable {
    match (state, others) {
        (LogState::Live, _) => Deletable::Nothing,
        (LogState::Deleted | LogState::Expired, _) | (_, OtherLineages::None) => Deletable::All,
        (LogState::Complete, OtherLineages::Kept) => Deletable::Parts,
        (LogState::Incomplete, OtherLineages::Kept) => Deletable::Nothing,
    }
}

/// Whether nobody can need archives and caches that this attempt has uploaded and the state does
/// not name. Another lineage may name them, and an attempt that has not ended may come to do so.
pub fn deletes_uploads(attempt: &Attempt, others: OtherLineages) -> bool {
    attempt.phase.is_final() && others == OtherLineages::None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_lineage_may_name_is_kept() {
        use LogState::{Complete, Deleted, Expired, Incomplete, Live};
        for (state, alone, with_others) in [
            (Live, Deletable::Nothing, Deletable::Nothing),
            (Complete, Deletable::All, Deletable::Parts),
            (Incomplete, Deletable::All, Deletable::Nothing),
            (Deleted, Deletable::All, Deletable::All),
            (Expired, Deletable::All, Deletable::All),
        ] {
            assert_eq!(of_logs(state, OtherLineages::None), alone, "{state}");
            assert_eq!(of_logs(state, OtherLineages::Kept), with_others, "{state}");
        }
        assert!(Deletable::Parts.includes("logs/1/001.parts/1-2-3.part"));
        assert!(!Deletable::Parts.includes("logs/1/001-1.log.zst"));
    }
}
