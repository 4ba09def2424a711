//! Faults between an instance and the object store.

use drydock_harness::fault::Act;
use serde::{Deserialize, Serialize};

use super::link::slow_both;
use super::{About, Effect};
use crate::plan::InstanceId;
use crate::plan::hosts::S3_HOST;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum ObjectsFault {
    /// One way to the object store takes this much longer.
    #[serde(rename = "objects_slow")]
    Slow { instance: InstanceId, delay_ms: u64 },
    /// The next `count` writes of objects fail.
    #[serde(rename = "objects_fail")]
    Fail { instance: InstanceId, count: u64, effect: Effect },
    /// The next `count` answers of the object store are cut off in their bodies.
    #[serde(rename = "objects_truncate")]
    Truncate { instance: InstanceId, count: u64 },
    /// Every request to the object store fails.
    #[serde(rename = "objects_outage")]
    Outage { instance: InstanceId },
}

impl ObjectsFault {
    pub const ABOUT: &[About] = &[
        About {
            label: "objects_slow",
            meaning: "the way to the object store is slow",
            hits: "requests, or bytes that were slowed down",
        },
        About {
            label: "objects_fail",
            meaning: "writes of objects fail, with or without effect",
            hits: "writes",
        },
        About {
            label: "objects_truncate",
            meaning: "answers of the object store are cut off",
            hits: "answers",
        },
        About {
            label: "objects_outage",
            meaning: "the object store refuses everything",
            hits: "requests",
        },
    ];

    pub(super) fn instance(&self) -> InstanceId {
        match self {
            ObjectsFault::Slow { instance, .. }
            | ObjectsFault::Fail { instance, .. }
            | ObjectsFault::Truncate { instance, .. }
            | ObjectsFault::Outage { instance } => *instance,
        }
    }

    pub(super) fn acts(&self) -> Vec<Act> {
        match self {
            ObjectsFault::Slow { instance, delay_ms } => {
                slow_both(&instance.host(), S3_HOST, *delay_ms).into()
            }
            _ => Vec::new(),
        }
    }

    /// The milliseconds that one way takes longer.
    pub fn slows_by(&self) -> Option<u64> {
        match self {
            ObjectsFault::Slow { delay_ms, .. } => Some(*delay_ms),
            _ => None,
        }
    }

    /// How many writes fail, and what becomes of them.
    pub fn fails_writes(&self) -> Option<(u64, Effect)> {
        match self {
            ObjectsFault::Fail { count, effect, .. } => Some((*count, *effect)),
            _ => None,
        }
    }

    /// How many answers are cut off.
    pub fn truncates(&self) -> Option<u64> {
        match self {
            ObjectsFault::Truncate { count, .. } => Some(*count),
            _ => None,
        }
    }

    pub fn is_outage(&self) -> bool {
        matches!(self, ObjectsFault::Outage { .. })
    }
}
