//! What /proc knows of processes.

use std::fs;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// A process. Its number may be given to another one, but not with the same start time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process {
    pub pid: i32,
    pub parent: i32,
    /// In ticks since the machine was started.
    started: u64,
    /// It has ended, and only its parent has to be told.
    pub is_zombie: bool,
}

impl Process {
    pub fn read(pid: i32) -> Option<Process> {
        let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
        Process::parse(pid, &String::from_utf8_lossy(&stat))
    }

    /// Reads a line of /proc/<pid>/stat. The name of the program may hold anything, `)` too.
    fn parse(pid: i32, stat: &str) -> Option<Process> {
        let (_, rest) = stat.rsplit_once(") ")?;
        let fields: Vec<_> = rest.split(' ').collect();
        Some(Process {
            pid,
            parent: fields.get(1)?.parse().ok()?,
            started: fields.get(19)?.parse().ok()?,
            is_zombie: matches!(*fields.first()?, "Z" | "X"),
        })
    }

    /// Sends a signal, to this process and never to another one with its number.
    pub fn signal(&self, signal: Signal) {
        let Some(pid) = Pid::from_raw(self.pid) else { return };
        let Ok(pidfd) = pidfd_open(pid, PidfdFlags::empty()) else { return };
        if Process::read(self.pid).is_some_and(|now| now.started == self.started) {
            // It may have ended in between.
            let _ = pidfd_send_signal(&pidfd, signal);
        }
    }

    /// Whether its environment holds this text, as `NAME=value`.
    fn has_variable(&self, text: &str) -> bool {
        let environment = fs::read(format!("/proc/{}/environ", self.pid)).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|entry| entry == text.as_bytes())
    }
}

fn all() -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter_map(Process::read).collect()
}

/// The processes below `ancestor` that have not ended.
pub fn descendants(ancestor: i32) -> Vec<Process> {
    let mut rest = all();
    let mut found = Vec::new();
    let mut parents = vec![ancestor];
    while let Some(parent) = parents.pop() {
        for child in rest.extract_if(.., |process| process.parent == parent) {
            parents.push(child.pid);
            found.push(child);
        }
    }
    found.retain(|process| !process.is_zombie);
    found
}

/// The processes that were started with this text in their environment, and have not ended.
pub fn with_variable(text: &str) -> Vec<Process> {
    let mut found = all();
    found.retain(|process| !process.is_zombie && process.has_variable(text));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_parentheses_and_spaces() {
        let rest = "S 7 8 9 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4711 9 9";
        let process = Process::parse(5, &format!("5 (a) R 1 (b)) {rest}")).unwrap();
        assert_eq!((process.parent, process.started, process.is_zombie), (7, 4711, false));
        assert!(
            Process::parse(5, &format!("5 (sh) {}", rest.replace('S', "Z"))).unwrap().is_zombie
        );
        assert_eq!(Process::parse(5, "5 (sh"), None);
    }

    #[test]
    fn this_process_is_below_its_parent() {
        let pid = i32::try_from(std::process::id()).unwrap();
        let own = Process::read(pid).unwrap();
        assert!(descendants(own.parent).contains(&own));
        assert!(!descendants(pid).contains(&own));
    }
}
