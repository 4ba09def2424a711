//! What may go wrong, as data of a plan.

use serde::{Deserialize, Serialize};

use crate::plan::{S3_HOST, gateway_name, instance_name, is_etcd};
use drydock_sim_etcd::Bug;

/// One fault of a plan: from `at_ms` on, for `for_ms`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    pub at_ms: u64,
    #[serde(default)]
    pub for_ms: u64,
    pub what: What,
}

/// Instances count from 1. Links have a direction: `from` sends, `to` receives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum What {
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

impl What {
    /// The instance it concerns.
    pub fn instance(&self) -> Option<usize> {
        match self {
            What::Kill { instance }
            | What::PowerCut { instance, .. }
            | What::Stop { instance }
            | What::Pause { instance }
            | What::CoordCut { instance }
            | What::CoordSlow { instance, .. }
            | What::LostAnswer { instance, .. }
            | What::EtcdFail { instance, .. }
            | What::WatchLag { instance, .. }
            | What::WatchBreak { instance }
            | What::WatchLoss { instance, .. }
            | What::ObjectsSlow { instance, .. }
            | What::ObjectsFail { instance, .. }
            | What::ObjectsTruncate { instance, .. }
            | What::ObjectsOutage { instance }
            | What::Clock { instance, .. }
            | What::Point { instance, .. } => Some(*instance),
            _ => None,
        }
    }

    /// The gateway it concerns.
    pub fn gateway(&self) -> Option<usize> {
        match self {
            What::GatewayKill { gateway }
            | What::GatewayStop { gateway }
            | What::GatewayPause { gateway } => Some(*gateway),
            _ => None,
        }
    }

    /// The host that it tells to stop.
    pub fn stops(&self) -> Option<String> {
        match self {
            What::Stop { instance } => Some(instance_name(*instance)),
            What::GatewayStop { gateway } => Some(gateway_name(*gateway)),
            _ => None,
        }
    }

    /// The host that stands still.
    pub fn pauses(&self) -> Option<String> {
        match self {
            What::Pause { instance } => Some(instance_name(*instance)),
            What::GatewayPause { gateway } => Some(gateway_name(*gateway)),
            _ => None,
        }
    }

    /// The link it concerns, sender first.
    pub fn link(&self) -> Option<[&str; 2]> {
        match self {
            What::Stall { from, to }
            | What::Blackhole { from, to }
            | What::Refuse { from, to }
            | What::Reset { from, to }
            | What::Slow { from, to, .. } => Some([from, to]),
            _ => None,
        }
    }

    /// The member of etcd it concerns.
    pub fn member(&self) -> Option<usize> {
        match self {
            What::EtcdKill { member } | What::EtcdIsolate { member } | What::EtcdLag { member } => {
                Some(*member)
            }
            _ => None,
        }
    }

    /// Whether it keeps traffic from arriving.
    pub fn holds(&self, sender: &str, receiver: &str) -> bool {
        match self {
            What::Stall { from, to } | What::Blackhole { from, to } => {
                from == sender && to == receiver
            }
            What::CoordCut { instance } => with_etcd(*instance, sender, receiver),
            _ => false,
        }
    }

    /// By how much it slows traffic down, and in pieces of how many bytes.
    pub fn slows(&self, sender: &str, receiver: &str) -> Option<(u64, usize)> {
        match self {
            What::Slow { from, to, delay_ms, chunk_bytes } => {
                (from == sender && to == receiver).then_some((*delay_ms, *chunk_bytes))
            }
            What::CoordSlow { instance, delay_ms } => {
                with_etcd(*instance, sender, receiver).then_some((*delay_ms, usize::MAX))
            }
            What::ObjectsSlow { instance, delay_ms } => {
                let between = between(*instance, sender, receiver, |host| host == S3_HOST);
                between.then_some((*delay_ms, usize::MAX))
            }
            _ => None,
        }
    }

    /// How reports call it.
    pub fn label(&self) -> &'static str {
        match self {
            What::Kill { .. } => "kill",
            What::PowerCut { .. } => "power_cut",
            What::Stop { .. } => "stop",
            What::Pause { .. } => "pause",
            What::GatewayKill { .. } => "gateway_kill",
            What::GatewayStop { .. } => "gateway_stop",
            What::GatewayPause { .. } => "gateway_pause",
            What::Stall { .. } => "stall",
            What::Blackhole { .. } => "blackhole",
            What::Refuse { .. } => "refuse",
            What::Reset { .. } => "reset",
            What::Slow { .. } => "slow",
            What::CoordCut { .. } => "coord_cut",
            What::CoordSlow { .. } => "coord_slow",
            What::CoordLost {} => "coord_lost",
            What::CoordSetBack { .. } => "coord_set_back",
            What::LostAnswer { .. } => "lost_answer",
            What::EtcdFail { .. } => "etcd_fail",
            What::WatchLag { .. } => "watch_lag",
            What::WatchBreak { .. } => "watch_break",
            What::WatchLoss { .. } => "watch_loss",
            What::ObjectsSlow { .. } => "objects_slow",
            What::ObjectsFail { .. } => "objects_fail",
            What::ObjectsTruncate { .. } => "objects_truncate",
            What::EtcdKill { .. } => "etcd_kill",
            What::EtcdElect {} => "etcd_elect",
            What::EtcdIsolate { .. } => "etcd_isolate",
            What::EtcdLag { .. } => "etcd_lag",
            What::EtcdCompact {} => "etcd_compact",
            What::EtcdNoSpace {} => "etcd_no_space",
            What::EtcdBug { .. } => "etcd_bug",
            What::ObjectsOutage { .. } => "objects_outage",
            What::Clock { .. } => "clock",
            What::Point { .. } => "point",
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
