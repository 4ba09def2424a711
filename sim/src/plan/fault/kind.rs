//! What may go wrong, as data of a plan.

use serde::{Deserialize, Serialize};

use crate::plan::hosts::{S3_HOST, gateway_name, instance_name, is_etcd};
use drydock_sim_etcd::Bug;

/// One fault of a plan: from `at_ms` on, for `for_ms`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    pub at_ms: u64,
    #[serde(default)]
    pub for_ms: u64,
    pub what: FaultKind,
}

/// Instances count from 1. Links have a direction: `from` sends, `to` receives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FaultKind {
    /// The process dies: peers see the end of their connections, memory is gone, disks are kept.
    /// It starts again when the fault is over.
    Kill {
        instance: usize,
    },
    /// At the `writes`-th write to disk from `at_ms` on the power goes: peers see nothing, what was
    /// not synced is lost or torn. The process starts again after `for_ms`. Only of instances that
    /// have a disk.
    PowerCut {
        instance: usize,
        writes: u64,
    },
    /// The process is told to stop; its supervisor starts it again.
    Stop {
        instance: usize,
    },
    /// The host stands still for everybody else; leases run on.
    Pause {
        instance: usize,
    },
    /// As `kill`, `stop` and `pause`, of a gateway.
    GatewayKill {
        gateway: usize,
    },
    GatewayStop {
        gateway: usize,
    },
    GatewayPause {
        gateway: usize,
    },
    /// Traffic is held, then arrives; so do dials.
    Stall {
        from: String,
        to: String,
    },
    /// Traffic and dials vanish; afterwards the connections of both directions are reset.
    Blackhole {
        from: String,
        to: String,
    },
    /// Dials are refused.
    Refuse {
        from: String,
        to: String,
    },
    /// Established connections are reset, once.
    Reset {
        from: String,
        to: String,
    },
    /// Every piece of at most `chunk_bytes` takes `delay_ms` longer.
    Slow {
        from: String,
        to: String,
        delay_ms: u64,
        chunk_bytes: usize,
    },
    /// No way between the instance and coordination.
    CoordCut {
        instance: usize,
    },
    /// One way to coordination takes this much longer.
    CoordSlow {
        instance: usize,
        delay_ms: u64,
    },
    /// The coordination store is gone, for good: after the outage there is an empty one.
    CoordLost {},
    /// After an outage the coordination store is what it was `age_ms` before it.
    CoordSetBack {
        age_ms: u64,
    },
    /// The answers of the next `count` transactions are lost.
    LostAnswer {
        instance: usize,
        count: u64,
        effect: Effect,
    },
    /// The next `count` requests of another kind to etcd fail, or are never answered.
    EtcdFail {
        instance: usize,
        count: u64,
        asked: Asked,
        effect: Effect,
    },
    /// Watches deliver this much later.
    WatchLag {
        instance: usize,
        lag_ms: u64,
    },
    /// Every watch ends with an error, as do those begun meanwhile.
    WatchBreak {
        instance: usize,
    },
    /// The next `count` events of the log are never delivered: what etcd promises not to do, and
    /// has done.
    WatchLoss {
        instance: usize,
        count: u64,
    },
    /// One way to the object store takes this much longer.
    ObjectsSlow {
        instance: usize,
        delay_ms: u64,
    },
    /// The next `count` writes of objects fail.
    ObjectsFail {
        instance: usize,
        count: u64,
        effect: Effect,
    },
    /// The next `count` answers of the object store are cut off in their bodies.
    ObjectsTruncate {
        instance: usize,
        count: u64,
    },
    /// A member of etcd dies, and starts again with what it had when the fault is over.
    EtcdKill {
        member: usize,
    },
    /// The leader of etcd steps down, and there is none until an election is over.
    EtcdElect {},
    /// A member of etcd does not reach the others.
    EtcdIsolate {
        member: usize,
    },
    /// A member of etcd applies nothing.
    EtcdLag {
        member: usize,
    },
    /// The whole history of etcd is compacted, at once.
    EtcdCompact {},
    /// etcd has no space: it refuses writes until somebody disarms the alarm.
    EtcdNoSpace {},
    /// etcd has a bug that it once had.
    EtcdBug {
        bug: Bug,
    },
    /// Every request to the object store fails.
    ObjectsOutage {
        instance: usize,
    },
    /// The wall clock is off by `by_ms`.
    Clock {
        instance: usize,
        by_ms: i64,
    },
    /// At the `occurrence`-th passing (from 1) of a named point of the product's code.
    Point {
        instance: usize,
        point: String,
        occurrence: u64,
        act: PointAct,
    },
}

/// What became of a request whose answer is an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It took effect.
    Applied,
    /// It did not.
    Dropped,
    /// It takes effect after the caller has given up on it.
    Late,
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PointAct {
    /// The process dies there, and starts again after `for_ms`.
    Kill,
    /// It goes on after `for_ms`.
    Delay,
    /// It fails.
    Fail,
}

impl FaultKind {
    /// The instance it concerns.
    pub fn instance(&self) -> Option<usize> {
        match self {
            FaultKind::Kill { instance }
            | FaultKind::PowerCut { instance, .. }
            | FaultKind::Stop { instance }
            | FaultKind::Pause { instance }
            | FaultKind::CoordCut { instance }
            | FaultKind::CoordSlow { instance, .. }
            | FaultKind::LostAnswer { instance, .. }
            | FaultKind::EtcdFail { instance, .. }
            | FaultKind::WatchLag { instance, .. }
            | FaultKind::WatchBreak { instance }
            | FaultKind::WatchLoss { instance, .. }
            | FaultKind::ObjectsSlow { instance, .. }
            | FaultKind::ObjectsFail { instance, .. }
            | FaultKind::ObjectsTruncate { instance, .. }
            | FaultKind::ObjectsOutage { instance }
            | FaultKind::Clock { instance, .. }
            | FaultKind::Point { instance, .. } => Some(*instance),
            _ => None,
        }
    }

    /// The gateway it concerns.
    pub fn gateway(&self) -> Option<usize> {
        match self {
            FaultKind::GatewayKill { gateway }
            | FaultKind::GatewayStop { gateway }
            | FaultKind::GatewayPause { gateway } => Some(*gateway),
            _ => None,
        }
    }

    /// The host that it tells to stop.
    pub fn stops(&self) -> Option<String> {
        match self {
            FaultKind::Stop { instance } => Some(instance_name(*instance)),
            FaultKind::GatewayStop { gateway } => Some(gateway_name(*gateway)),
            _ => None,
        }
    }

    /// The host that stands still.
    pub fn pauses(&self) -> Option<String> {
        match self {
            FaultKind::Pause { instance } => Some(instance_name(*instance)),
            FaultKind::GatewayPause { gateway } => Some(gateway_name(*gateway)),
            _ => None,
        }
    }

    /// The link it concerns, sender first.
    pub fn link(&self) -> Option<[&str; 2]> {
        match self {
            FaultKind::Stall { from, to }
            | FaultKind::Blackhole { from, to }
            | FaultKind::Refuse { from, to }
            | FaultKind::Reset { from, to }
            | FaultKind::Slow { from, to, .. } => Some([from, to]),
            _ => None,
        }
    }

    /// The member of etcd it concerns.
    pub fn member(&self) -> Option<usize> {
        match self {
            FaultKind::EtcdKill { member }
            | FaultKind::EtcdIsolate { member }
            | FaultKind::EtcdLag { member } => Some(*member),
            _ => None,
        }
    }

    /// Whether it keeps traffic from arriving.
    pub fn holds(&self, sender: &str, receiver: &str) -> bool {
        match self {
            FaultKind::Stall { from, to } | FaultKind::Blackhole { from, to } => {
                from == sender && to == receiver
            }
            FaultKind::CoordCut { instance } => with_etcd(*instance, sender, receiver),
            _ => false,
        }
    }

    /// By how much it slows traffic down, and in pieces of how many bytes.
    pub fn slows(&self, sender: &str, receiver: &str) -> Option<(u64, usize)> {
        match self {
            FaultKind::Slow { from, to, delay_ms, chunk_bytes } => {
                (from == sender && to == receiver).then_some((*delay_ms, *chunk_bytes))
            }
            FaultKind::CoordSlow { instance, delay_ms } => {
                with_etcd(*instance, sender, receiver).then_some((*delay_ms, usize::MAX))
            }
            FaultKind::ObjectsSlow { instance, delay_ms } => {
                let between = between(*instance, sender, receiver, |host| host == S3_HOST);
                between.then_some((*delay_ms, usize::MAX))
            }
            _ => None,
        }
    }

    /// How reports call it.
    pub fn label(&self) -> &'static str {
        match self {
            FaultKind::Kill { .. } => "kill",
            FaultKind::PowerCut { .. } => "power_cut",
            FaultKind::Stop { .. } => "stop",
            FaultKind::Pause { .. } => "pause",
            FaultKind::GatewayKill { .. } => "gateway_kill",
            FaultKind::GatewayStop { .. } => "gateway_stop",
            FaultKind::GatewayPause { .. } => "gateway_pause",
            FaultKind::Stall { .. } => "stall",
            FaultKind::Blackhole { .. } => "blackhole",
            FaultKind::Refuse { .. } => "refuse",
            FaultKind::Reset { .. } => "reset",
            FaultKind::Slow { .. } => "slow",
            FaultKind::CoordCut { .. } => "coord_cut",
            FaultKind::CoordSlow { .. } => "coord_slow",
            FaultKind::CoordLost {} => "coord_lost",
            FaultKind::CoordSetBack { .. } => "coord_set_back",
            FaultKind::LostAnswer { .. } => "lost_answer",
            FaultKind::EtcdFail { .. } => "etcd_fail",
            FaultKind::WatchLag { .. } => "watch_lag",
            FaultKind::WatchBreak { .. } => "watch_break",
            FaultKind::WatchLoss { .. } => "watch_loss",
            FaultKind::ObjectsSlow { .. } => "objects_slow",
            FaultKind::ObjectsFail { .. } => "objects_fail",
            FaultKind::ObjectsTruncate { .. } => "objects_truncate",
            FaultKind::EtcdKill { .. } => "etcd_kill",
            FaultKind::EtcdElect {} => "etcd_elect",
            FaultKind::EtcdIsolate { .. } => "etcd_isolate",
            FaultKind::EtcdLag { .. } => "etcd_lag",
            FaultKind::EtcdCompact {} => "etcd_compact",
            FaultKind::EtcdNoSpace {} => "etcd_no_space",
            FaultKind::EtcdBug { .. } => "etcd_bug",
            FaultKind::ObjectsOutage { .. } => "objects_outage",
            FaultKind::Clock { .. } => "clock",
            FaultKind::Point { .. } => "point",
        }
    }

    /// One line of a fault story.
    pub fn story(&self) -> String {
        let detail = serde_json::to_value(self).expect("plain data");
        let fields = detail.as_object().and_then(|tagged| tagged.values().next());
        let mut text = self.label().to_owned();
        for (name, value) in fields.and_then(|fields| fields.as_object()).into_iter().flatten() {
            let value = value.as_str().map_or(value.to_string(), str::to_owned);
            text.push_str(&format!(" {name}={value}"));
        }
        text
    }
}

fn with_etcd(instance: usize, one: &str, other: &str) -> bool {
    between(instance, one, other, is_etcd)
}

/// Whether one of two hosts is an instance's, and the other one is `wanted`.
fn between(instance: usize, one: &str, other: &str, wanted: fn(&str) -> bool) -> bool {
    let own = |host: &str| host == instance_name(instance);
    (wanted(one) && own(other)) || (wanted(other) && own(one))
}
