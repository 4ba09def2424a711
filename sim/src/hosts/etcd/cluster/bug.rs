//! Bugs that etcd once had, to be switched on.

use std::fmt;
use std::str::FromStr;

/// Named after its issue in etcd's repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bug {
    /// 14370: the last acknowledged write of a single member is gone after a crash.
    LostWrite,
    /// 15220: a progress notification promises more than was delivered.
    ProgressAhead,
    /// 15271: a watcher that fell behind gets older events once more.
    WatchBackInTime,
    /// 17529: a watcher that fell behind misses events when it has caught up.
    LostEvent,
    /// 19179: a compaction takes the deletion at its own revision from later watchers.
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
