//! The processes of an attempt: those that the supervisor has started, and all below them.
//!
//! The supervisor is a child subreaper: whatever loses its parent becomes its child, whichever
//! group or session it is in. After the supervisor's death its processes are found by the variable
//! `DRYDOCK_ATTEMPT`, which they inherit.

use std::collections::BTreeMap;

use rustix::event::poll;
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, getpid, set_child_subreaper, wait};
use rustix::time::Timespec;

use super::clock::monotonic_ms;
use super::process::{Process, descendants, with_variable};

/// How long processes are killed before it is given up.
const KILL_MS: u64 = 10_000;
const PAUSE: Timespec = Timespec { tv_sec: 0, tv_nsec: 2_000_000 };

/// The children of this process, orphans that came to it included.
#[derive(Debug)]
pub struct Tree {
    /// The ends of children that somebody waits for; `None`: not yet.
    awaited: BTreeMap<i32, Option<WaitStatus>>,
}

impl Tree {
    /// Makes this process the one to which orphans come.
    pub fn adopt_orphans() -> rustix::io::Result<Tree> {
        set_child_subreaper(Some(getpid()))?;
        Ok(Tree { awaited: BTreeMap::new() })
    }

    /// Keeps the end of this child for `end_of`.
    pub fn expect(&mut self, child: Pid) {
        self.awaited.insert(child.as_raw_nonzero().get(), None);
    }

    /// How the child ended, once it has.
    pub fn end_of(&mut self, child: Pid) -> Option<WaitStatus> {
        self.reap();
        *self.awaited.get(&child.as_raw_nonzero().get())?
    }

    /// Lets go of children that have ended.
    pub fn reap(&mut self) {
        while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
            if let Some(end) = self.awaited.get_mut(&pid.as_raw_nonzero().get()) {
                *end = Some(status);
            }
        }
    }

    pub fn is_empty(&mut self) -> bool {
        self.reap();
        self.members().is_empty()
    }

    /// Asks every process to end. Those that are stopped go on, or they would never hear of it.
    pub fn terminate(&self, signal: Signal) {
        for process in self.members() {
            process.signal(signal);
            process.signal(Signal::CONT);
        }
    }

    /// Kills every process; `false`: some are left.
    pub fn kill(&mut self) -> bool {
        kill_all(|| {
            self.reap();
            self.members()
        })
    }

    fn members(&self) -> Vec<Process> {
        descendants(getpid().as_raw_nonzero().get())
    }
}

/// Kills what a dead supervisor has left behind; `false`: some processes are left.
pub fn kill_attempt(attempt: &str) -> bool {
    let variable = format!("DRYDOCK_ATTEMPT={attempt}");
    kill_all(|| with_variable(&variable))
}

/// Kills, pass by pass, until none is found: a process may have children while it is looked for.
fn kill_all(mut members: impl FnMut() -> Vec<Process>) -> bool {
    let until = monotonic_ms() + KILL_MS;
    let mut known = Vec::new();
    loop {
        let found = members();
        if found.is_empty() {
            return true;
        }
        if monotonic_ms() > until {
            return false;
        }
        found.iter().for_each(|process| process.signal(Signal::KILL));
        if found.iter().all(|process| known.contains(process)) {
            // No new ones: give those that are killed the time to end.
            let _ = poll(&mut [], Some(&PAUSE));
        }
        known = found;
    }
}
