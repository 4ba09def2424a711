//! Faults of processes: their lives, their clocks, and the points of their code.

use drydock_harness::fault::{Act, PointAct};
use serde::{Deserialize, Serialize};

use super::About;
use crate::plan::InstanceId;
use crate::plan::hosts::{executor_name, gateway_name, machine_name};

/// Gateways and executors count from 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ProcessFault {
    /// The process dies: peers see the end of their connections, memory is gone, disks are kept.
    /// It starts again when the fault is over.
    Kill {
        instance: InstanceId,
    },
    /// At the `writes`-th write to disk from `at_ms` on the power goes: peers see nothing, what was
    /// not synced is lost or torn. The process starts again after `for_ms`. Only of instances that
    /// have a disk.
    PowerCut {
        instance: InstanceId,
        writes: u64,
    },
    /// The process is told to stop; its supervisor starts it again.
    Stop {
        instance: InstanceId,
    },
    /// The host stands still for everybody else; leases run on.
    Pause {
        instance: InstanceId,
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
    /// As `kill` and `pause`, of an executor; the steps of its attempts go on.
    ExecutorKill {
        executor: usize,
    },
    ExecutorPause {
        executor: usize,
    },
    /// An executor dies with its machine, and the steps of all attempts with it.
    ExecutorPowerCut {
        executor: usize,
    },
    /// At the `occurrence`-th passing (from 1) of a named point of the executor's code.
    ExecutorPoint {
        executor: usize,
        point: String,
        occurrence: u64,
        act: PointAct,
    },
    /// The wall clock is off by `by_ms`.
    Clock {
        instance: InstanceId,
        by_ms: i64,
    },
    /// At the `occurrence`-th passing (from 1) of a named point of the product's code.
    Point {
        instance: InstanceId,
        point: String,
        occurrence: u64,
        act: PointAct,
    },
}

impl ProcessFault {
    pub const ABOUT: &[About] = &[
        About {
            label: "kill",
            meaning: "the process dies and starts again",
            hits: "the death, unless the process was down already",
        },
        About {
            label: "power_cut",
            meaning: "the power goes at a write to disk: what was not synced is lost or torn",
            hits: "the death, and every byte and name that was lost",
        },
        About {
            label: "stop",
            meaning: "the process is told to stop, and starts again",
            hits: "the request to stop, unless the process was down already",
        },
        About {
            label: "pause",
            meaning: "the host stands still while leases run on",
            hits: "bytes that were held, and requests that had to wait",
        },
        About {
            label: "gateway_kill",
            meaning: "the process of a gateway dies and starts again",
            hits: "the same as `kill`",
        },
        About {
            label: "gateway_stop",
            meaning: "a gateway is told to stop, and starts again",
            hits: "the same as `stop`",
        },
        About {
            label: "gateway_pause",
            meaning: "a gateway stands still",
            hits: "the same as `pause`",
        },
        About {
            label: "executor_kill",
            meaning: "an executor dies and starts again, its steps go on",
            hits: "the same as `kill`",
        },
        About {
            label: "executor_pause",
            meaning: "an executor stands still, its steps go on",
            hits: "the same as `pause`",
        },
        About {
            label: "executor_power_cut",
            meaning: "an executor dies with its machine and all steps that run there",
            hits: "the same as `kill`",
        },
        About {
            label: "executor_point",
            meaning: "an executor dies, waits or fails at a named point of its code",
            hits: "the same as `point`",
        },
        About { label: "clock", meaning: "the wall clock is off", hits: "looks at the clock" },
        About {
            label: "point",
            meaning: "the process dies, waits or fails at a named point of its code",
            hits: "the passing that it struck",
        },
    ];

    pub(super) fn instance(&self) -> Option<InstanceId> {
        match self {
            ProcessFault::Kill { instance }
            | ProcessFault::PowerCut { instance, .. }
            | ProcessFault::Stop { instance }
            | ProcessFault::Pause { instance }
            | ProcessFault::Clock { instance, .. }
            | ProcessFault::Point { instance, .. } => Some(*instance),
            _ => None,
        }
    }

    /// The gateway it concerns.
    pub fn gateway(&self) -> Option<usize> {
        match self {
            ProcessFault::GatewayKill { gateway }
            | ProcessFault::GatewayStop { gateway }
            | ProcessFault::GatewayPause { gateway } => Some(*gateway),
            _ => None,
        }
    }

    /// The executor it concerns.
    pub fn executor(&self) -> Option<usize> {
        match self {
            ProcessFault::ExecutorKill { executor }
            | ProcessFault::ExecutorPause { executor }
            | ProcessFault::ExecutorPowerCut { executor }
            | ProcessFault::ExecutorPoint { executor, .. } => Some(*executor),
            _ => None,
        }
    }

    fn host(&self) -> String {
        let instance = self.instance().map(InstanceId::host);
        let gateway = self.gateway().map(gateway_name);
        let host = instance.or(gateway).or(self.executor().map(executor_name));
        host.expect("a fault of a process names one")
    }

    pub(super) fn acts(&self) -> Vec<Act> {
        let host = self.host();
        vec![match self {
            ProcessFault::Kill { .. }
            | ProcessFault::GatewayKill { .. }
            | ProcessFault::ExecutorKill { .. } => Act::Kill { host, counted: true },
            ProcessFault::ExecutorPowerCut { executor } => {
                let machine = Act::Kill { host: machine_name(*executor), counted: true };
                return vec![Act::Kill { host, counted: true }, machine];
            }
            ProcessFault::PowerCut { writes, .. } => Act::PowerCut { host, writes: *writes },
            ProcessFault::Stop { .. } | ProcessFault::GatewayStop { .. } => Act::Stop { host },
            ProcessFault::Pause { .. }
            | ProcessFault::GatewayPause { .. }
            | ProcessFault::ExecutorPause { .. } => Act::Pause { host },
            ProcessFault::Clock { by_ms, .. } => Act::Clock { host, by_ms: *by_ms },
            ProcessFault::Point { point, occurrence, act, .. }
            | ProcessFault::ExecutorPoint { point, occurrence, act, .. } => {
                let (point, occurrence) = (point.clone(), *occurrence);
                Act::Point { host, point, occurrence, act: *act }
            }
        }]
    }
}
