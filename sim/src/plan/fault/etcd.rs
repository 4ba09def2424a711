//! Faults of the members of a simulated etcd. Storage in memory has none, and ignores them.

use std::time::Duration;

use drydock_harness::fault::Act;
use drydock_sim_etcd::{Bug, Cluster, Method};
use etcd_client::AlarmType;
use etcd_client::proto::PbCompactionRequest;
use serde::{Deserialize, Serialize};

use super::{About, Effect};
use crate::plan::InstanceId;
use crate::plan::hosts::etcd_name;

/// Members count from 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum EtcdFault {
    /// The next `count` requests of another kind than transactions fail, or are never answered.
    #[serde(rename = "etcd_fail")]
    Fail { instance: InstanceId, count: u64, asked: Asked, effect: Effect },
    /// A member dies, and starts again with what it had when the fault is over.
    #[serde(rename = "etcd_kill")]
    Kill { member: usize },
    /// The leader steps down, and there is none until an election is over.
    #[serde(rename = "etcd_elect")]
    Elect {},
    /// A member does not reach the others.
    #[serde(rename = "etcd_isolate")]
    Isolate { member: usize },
    /// A member applies nothing.
    #[serde(rename = "etcd_lag")]
    Lag { member: usize },
    /// The whole history is compacted, at once.
    #[serde(rename = "etcd_compact")]
    Compact {},
    /// There is no space: writes are refused until somebody disarms the alarm.
    #[serde(rename = "etcd_no_space")]
    NoSpace {},
    /// It has a bug that etcd once had.
    #[serde(rename = "etcd_bug")]
    Bug { bug: Bug },
}

/// A kind of request to etcd.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    Range,
    Watch,
    LeaseGrant,
    LeaseKeepAlive,
    LeaseRevoke,
    Compact,
}

impl Asked {
    pub fn of(method: Method) -> Option<Asked> {
        match method {
            Method::Range => Some(Asked::Range),
            Method::Watch => Some(Asked::Watch),
            Method::LeaseGrant => Some(Asked::LeaseGrant),
            Method::LeaseKeepAlive => Some(Asked::LeaseKeepAlive),
            Method::LeaseRevoke => Some(Asked::LeaseRevoke),
            Method::Compact => Some(Asked::Compact),
            _ => None,
        }
    }
}

impl EtcdFault {
    pub const ABOUT: &[About] = &[
        About {
            label: "etcd_fail",
            meaning: "reads, watches and leases fail at etcd, with or without effect",
            hits: "requests",
        },
        About {
            label: "etcd_kill",
            meaning: "a member of etcd dies and starts again",
            hits: "the death, unless the member was down already",
        },
        About {
            label: "etcd_elect",
            meaning: "etcd has no leader until it has elected one",
            hits: "requests to any member",
        },
        About {
            label: "etcd_isolate",
            meaning: "a member of etcd does not reach the others",
            hits: "requests to that member",
        },
        About {
            label: "etcd_lag",
            meaning: "a member of etcd applies nothing",
            hits: "requests to that member",
        },
        About {
            label: "etcd_compact",
            meaning: "the history of etcd is compacted",
            hits: "the compaction",
        },
        About {
            label: "etcd_no_space",
            meaning: "etcd refuses writes until its alarm is disarmed",
            hits: "writes that were refused",
        },
        About {
            label: "etcd_bug",
            meaning: "etcd has a bug that it once had",
            hits: "moments at which the bug made a difference",
        },
    ];

    pub(super) fn instance(&self) -> Option<InstanceId> {
        match self {
            EtcdFault::Fail { instance, .. } => Some(*instance),
            _ => None,
        }
    }

    /// The member it concerns.
    pub fn member(&self) -> Option<usize> {
        match self {
            EtcdFault::Kill { member }
            | EtcdFault::Isolate { member }
            | EtcdFault::Lag { member } => Some(*member),
            _ => None,
        }
    }

    pub(super) fn acts(&self, members: &[String]) -> Vec<Act> {
        let EtcdFault::Kill { member } = self else { return Vec::new() };
        let host = etcd_name(*member);
        match members.contains(&host) {
            true => vec![Act::Kill { host, counted: true }],
            false => Vec::new(),
        }
    }

    /// The fault begins; answers what it hits by that.
    pub fn begin(&self, cluster: &mut Cluster, now: Duration) -> u64 {
        match self {
            EtcdFault::Elect {} => cluster.depose(now),
            EtcdFault::Isolate { member } => cluster.isolate(member - 1, now),
            EtcdFault::Lag { member } => cluster.hold(member - 1),
            EtcdFault::Compact {} => {
                let revision = cluster.machine().revision();
                let done = cluster.compact(&PbCompactionRequest { revision, physical: false });
                return u64::from(done.is_ok());
            }
            EtcdFault::NoSpace {} => {
                let full = cluster.members()[0].id;
                cluster.raise_alarm(full, AlarmType::Nospace);
            }
            EtcdFault::Bug { bug } => cluster.set_bug(*bug, true),
            EtcdFault::Fail { .. } | EtcdFault::Kill { .. } => {}
        }
        0
    }

    /// The fault ends; answers what it has hit and nobody has counted yet.
    pub fn end(&self, cluster: &mut Cluster, now: Duration) -> u64 {
        match self {
            EtcdFault::Isolate { member } => cluster.rejoin(member - 1, now),
            EtcdFault::Lag { member } => cluster.release(member - 1),
            EtcdFault::NoSpace {} => {
                // Whoever raised it: after a set-back that is no member any more.
                let raised = cluster.machine().alarms().clone();
                for (member, _) in raised {
                    cluster.clear_alarm(member, AlarmType::Nospace);
                }
            }
            EtcdFault::Bug { bug } => {
                cluster.set_bug(*bug, false);
                return cluster.bugs().count(*bug);
            }
            _ => {}
        }
        0
    }

    /// Whether it hits everything that is asked of a member, counted from 0.
    pub fn hits_requests_to(&self, member: usize) -> bool {
        match self {
            EtcdFault::Elect {} => true,
            EtcdFault::Isolate { member: hit } | EtcdFault::Lag { member: hit } => {
                *hit == member + 1
            }
            _ => false,
        }
    }

    /// How many requests of a kind fail, and whether with effect.
    pub fn fails(&self, kind: Asked) -> Option<(u64, bool)> {
        match self {
            EtcdFault::Fail { count, asked, effect, .. } if *asked == kind => {
                // Who has given up on it does not learn of a late effect either.
                Some((*count, *effect != Effect::Dropped))
            }
            _ => None,
        }
    }
}
