//! Bugs that etcd once had, to be switched on.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, MutexGuard};

use serde::{Deserialize, Serialize};

/// Named after its issue in etcd's repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bug {
    /// 14370: the last acknowledged write of a single member is gone after a crash.
    LostWrite,
    /// 15220: a progress notification promises more than was delivered.
    ProgressAhead,
    /// 15271: a watcher that fell behind gets older events once more.
    WatchBackInTime,
    /// 17529: a watcher that fell behind misses events when it has caught up.
    LostEvent,
    /// 18089: a compaction takes the deletion at its own revision from later watchers.
    LostDeletion,
    /// 20221: a watch that starts in the future gets events from before.
    FutureWatchSeesPast,
    /// 20418: a member that stood still answers linearizable reads with old data.
    StaleRead,
}

impl Bug {
    pub const ALL: [Bug; 7] = [
        Bug::LostWrite,
        Bug::ProgressAhead,
        Bug::WatchBackInTime,
        Bug::LostEvent,
        Bug::LostDeletion,
        Bug::FutureWatchSeesPast,
        Bug::StaleRead,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Bug::LostWrite => "lost-write",
            Bug::ProgressAhead => "progress-ahead",
            Bug::WatchBackInTime => "watch-back-in-time",
            Bug::LostEvent => "lost-event",
            Bug::LostDeletion => "lost-deletion",
            Bug::FutureWatchSeesPast => "future-watch-sees-past",
            Bug::StaleRead => "stale-read",
        }
    }
}

/// Which bugs a cluster has now, and how often each has made a difference.
#[derive(Debug, Default)]
pub struct Bugs {
    on: BTreeSet<Bug>,
    strikes: Mutex<BTreeMap<Bug, u64>>,
}

impl Bugs {
    pub fn new(on: BTreeSet<Bug>) -> Bugs {
        Bugs { on, strikes: Mutex::default() }
    }

    pub fn set(&mut self, bug: Bug, on: bool) {
        match on {
            true => self.on.insert(bug),
            false => self.on.remove(&bug),
        };
    }

    pub fn has(&self, bug: Bug) -> bool {
        self.on.contains(&bug)
    }

    /// Whether it is there where it makes a difference, which counts.
    pub fn strikes(&self, bug: Bug) -> bool {
        let strikes = self.has(bug);
        if strikes {
            *self.lock().entry(bug).or_default() += 1;
        }
        strikes
    }

    pub fn count(&self, bug: Bug) -> u64 {
        self.lock().get(&bug).copied().unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Bug, u64>> {
        self.strikes.lock().expect("no holder of this lock panics")
    }
}

impl fmt::Display for Bug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Bug {
    type Err = String;

    fn from_str(text: &str) -> Result<Bug, String> {
        let found = Bug::ALL.into_iter().find(|bug| bug.name() == text);
        found.ok_or_else(|| {
            let names = Bug::ALL.map(Bug::name).join("`, `");
            format!("`{text}` is none of `{names}`")
        })
    }
}
