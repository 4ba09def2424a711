//! Faults between an instance and the coordination store, and the loss of that store.

use std::time::Duration;

use drydock_harness::fault::Act;
use serde::{Deserialize, Serialize};

use super::link::slow_both;
use super::{About, Effect};
use crate::plan::InstanceId;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum CoordinationFault {
    /// No way between the instance and coordination.
    #[serde(rename = "coord_cut")]
    Cut { instance: InstanceId },
    /// One way to coordination takes this much longer.
    #[serde(rename = "coord_slow")]
    Slow { instance: InstanceId, delay_ms: u64 },
    /// The coordination store is gone, for good: after the outage there is an empty one.
    #[serde(rename = "coord_lost")]
    Lost {},
    /// After an outage the coordination store is what it was `age_ms` before it.
    #[serde(rename = "coord_set_back")]
    SetBack { age_ms: u64 },
    /// The answers of the next `count` transactions are lost.
    #[serde(rename = "lost_answer")]
    LostAnswer { instance: InstanceId, count: u64, effect: Effect },
}

/// What a lost store is replaced by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replacement {
    Empty,
    /// The store as it was so long ago.
    Backup(Duration),
}

impl CoordinationFault {
    pub const ABOUT: &[About] = &[
        About {
            label: "coord_cut",
            meaning: "an instance does not reach the coordination store",
            hits: "requests and bytes that were held, watches, and connections that were reset",
        },
        About {
            label: "coord_slow",
            meaning: "the way to the coordination store is slow",
            hits: "requests, or bytes that were slowed down",
        },
        About {
            label: "coord_lost",
            meaning: "the coordination store is replaced by an empty one",
            hits: "the replacement, and requests that met the outage",
        },
        About {
            label: "coord_set_back",
            meaning: "the coordination store is replaced by an older state of itself",
            hits: "the same as `coord_lost`",
        },
        About {
            label: "lost_answer",
            meaning: "transactions take effect, or not, or later, and are not answered",
            hits: "transactions",
        },
    ];

    pub(super) fn instance(&self) -> Option<InstanceId> {
        match self {
            CoordinationFault::Cut { instance }
            | CoordinationFault::Slow { instance, .. }
            | CoordinationFault::LostAnswer { instance, .. } => Some(*instance),
            CoordinationFault::Lost {} | CoordinationFault::SetBack { .. } => None,
        }
    }

    /// What happens to the members of etcd and the links to them; `direct` storage has none.
    pub(super) fn acts(&self, members: &[String]) -> Vec<Act> {
        let each = members.iter();
        match self {
            CoordinationFault::Cut { instance } => {
                let host = instance.host();
                each.flat_map(|member| cut(&host, member)).collect()
            }
            CoordinationFault::Slow { instance, delay_ms } => {
                let host = instance.host();
                each.flat_map(|member| slow_both(&host, member, *delay_ms)).collect()
            }
            CoordinationFault::Lost {} | CoordinationFault::SetBack { .. } => {
                each.map(|host| Act::Kill { host: host.clone(), counted: false }).collect()
            }
            CoordinationFault::LostAnswer { .. } => Vec::new(),
        }
    }

    /// What the store is replaced by when the fault begins.
    pub fn replacement(&self) -> Option<Replacement> {
        match self {
            CoordinationFault::Lost {} => Some(Replacement::Empty),
            CoordinationFault::SetBack { age_ms } => {
                Some(Replacement::Backup(Duration::from_millis(*age_ms)))
            }
            _ => None,
        }
    }

    /// Whether nothing gets through.
    pub fn cuts(&self) -> bool {
        matches!(self, CoordinationFault::Cut { .. }) || self.replacement().is_some()
    }

    /// The milliseconds that one way takes longer.
    pub fn slows_by(&self) -> Option<u64> {
        match self {
            CoordinationFault::Slow { delay_ms, .. } => Some(*delay_ms),
            _ => None,
        }
    }

    /// How many transactions lose their answers, and what becomes of them.
    pub fn loses_answers(&self) -> Option<(u64, Effect)> {
        match self {
            CoordinationFault::LostAnswer { count, effect, .. } => Some((*count, *effect)),
            _ => None,
        }
    }
}

fn cut(instance: &str, member: &str) -> [Act; 3] {
    let (instance, member) = (instance.to_owned(), member.to_owned());
    let there = Act::Hold { from: instance.clone(), to: member.clone() };
    let back = Act::Hold { from: member.clone(), to: instance.clone() };
    [there, back, Act::ResetAtEnd { from: instance, to: member }]
}
