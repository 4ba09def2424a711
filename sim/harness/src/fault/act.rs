use serde::{Deserialize, Serialize};

/// What a fault does to the world. Hosts go by their names; links have a direction: `from` sends,
/// `to` receives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Act {
    /// At the fault's beginning the process on the host dies: peers see the end of its connections,
    /// memory is gone, disks are kept. It starts again when the fault is over. `counted`: whether
    /// the death is a hit of the fault.
    Kill { host: String, counted: bool },
    /// At the `writes`-th write to the host's disk (from 1) the power goes: peers see nothing, what
    /// was not synced is lost or torn. The process starts again after the fault's `for_ms`.
    PowerCut { host: String, writes: u64 },
    /// The process is told to stop.
    Stop { host: String },
    /// The host stands still for everybody else; its timers run on.
    Pause { host: String },
    /// Traffic and dials are held until the fault is over.
    Hold { from: String, to: String },
    /// Dials are refused.
    Refuse { from: String, to: String },
    /// Every piece of at most `chunk_bytes` takes `delay_ms` longer.
    Slow { from: String, to: String, delay_ms: u64, chunk_bytes: usize },
    /// Connections between two hosts are reset at the fault's beginning.
    Reset { from: String, to: String },
    /// Connections between two hosts are reset when the fault is over.
    ResetAtEnd { from: String, to: String },
    /// The wall clock is off by `by_ms`.
    Clock { host: String, by_ms: i64 },
    /// Strikes at the `occurrence`-th passing (from 1) of a named point of the host's code.
    Point { host: String, point: String, occurrence: u64, act: PointAct },
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

/// One fault of a run: from `at_ms` on, for `for_ms`. One without acts is carried out by whoever
/// simulates the thing that fails, who finds it by its index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scheduled {
    pub at_ms: u64,
    pub for_ms: u64,
    /// How reports call it.
    pub label: String,
    /// One line of a fault story.
    pub story: String,
    pub acts: Vec<Act>,
}

impl Act {
    /// Whether the host is one of those that it is done to.
    pub fn touches(&self, name: &str) -> bool {
        match self {
            Act::Kill { host, .. }
            | Act::PowerCut { host, .. }
            | Act::Stop { host }
            | Act::Pause { host }
            | Act::Clock { host, .. }
            | Act::Point { host, .. } => host == name,
            Act::Hold { from, to }
            | Act::Refuse { from, to }
            | Act::Slow { from, to, .. }
            | Act::Reset { from, to }
            | Act::ResetAtEnd { from, to } => from == name || to == name,
        }
    }
}

impl Scheduled {
    /// Whether it stays armed until it strikes; its `for_ms` is what happens then.
    pub(crate) fn is_armed(&self) -> bool {
        self.acts.iter().any(|act| matches!(act, Act::Point { .. } | Act::PowerCut { .. }))
    }
}
