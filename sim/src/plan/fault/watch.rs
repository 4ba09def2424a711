//! Faults of the watches of an instance on the coordination store.

use serde::{Deserialize, Serialize};

use super::About;
use crate::plan::InstanceId;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum WatchFault {
    /// Watches deliver this much later.
    #[serde(rename = "watch_lag")]
    Lag { instance: InstanceId, lag_ms: u64 },
    /// Every watch ends with an error, as do those begun meanwhile.
    #[serde(rename = "watch_break")]
    Break { instance: InstanceId },
    /// The next `count` events of the log are never delivered: what etcd promises not to do, and
    /// has done.
    #[serde(rename = "watch_loss")]
    Loss { instance: InstanceId, count: u64 },
}

impl WatchFault {
    pub const ABOUT: &[About] = &[
        About { label: "watch_lag", meaning: "watches deliver late", hits: "late deliveries" },
        About { label: "watch_break", meaning: "watches end with an error", hits: "watches" },
        About { label: "watch_loss", meaning: "watches forget commits", hits: "commits" },
    ];

    pub(super) fn instance(&self) -> InstanceId {
        match self {
            WatchFault::Lag { instance, .. }
            | WatchFault::Break { instance }
            | WatchFault::Loss { instance, .. } => *instance,
        }
    }

    /// The milliseconds by which deliveries are late.
    pub fn lag_ms(&self) -> Option<u64> {
        match self {
            WatchFault::Lag { lag_ms, .. } => Some(*lag_ms),
            _ => None,
        }
    }

    pub fn breaks(&self) -> bool {
        matches!(self, WatchFault::Break { .. })
    }

    /// How many changes of `key` are never told of. Only commits are forgotten: a store that also
    /// forgot to tell of the mode would break a promise that nothing can make up for.
    pub fn forgets(&self, key: &[u8]) -> Option<u64> {
        let is_commit = key.windows(5).any(|part| part == b"/log/");
        match self {
            WatchFault::Loss { count, .. } if is_commit => Some(*count),
            _ => None,
        }
    }
}
