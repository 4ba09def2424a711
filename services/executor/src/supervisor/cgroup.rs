//! A cgroup (version 2) for the steps of an attempt, below one that is delegated to the executor.
//!
//! A child begins in the cgroup of its parent, so the supervisor is in that of the steps while it
//! starts one, and in its own leaf otherwise: `cgroup.kill` must not hit it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, mkdir};

use crate::attempt::{Task, overwrite};

#[derive(Debug)]
pub struct Cgroup {
    own: PathBuf,
    steps: PathBuf,
}

impl Cgroup {
    /// Makes the cgroups of an attempt; `None` if there is no delegated one.
    pub fn create(task: &Task) -> io::Result<Option<Cgroup>> {
        let Some(root) = &task.cgroup else { return Ok(None) };
        let cgroup = Cgroup {
            own: root.join(format!("{}.supervisor", task.attempt)),
            steps: root.join(&task.attempt),
        };
        for folder in [&cgroup.own, &cgroup.steps] {
            match mkdir(folder, Mode::RWXU) {
                Ok(()) | Err(rustix::io::Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if let Some(bytes) = task.limits.memory_bytes {
            overwrite(&cgroup.steps.join("memory.max"), &bytes.to_string())?;
        }
        if let Some(count) = task.limits.processes {
            overwrite(&cgroup.steps.join("pids.max"), &count.to_string())?;
        }
        cgroup.leave()?;
        Ok(Some(cgroup))
    }

    /// Makes this process start its children among the steps.
    pub fn enter(&self) -> io::Result<()> {
        overwrite(&self.steps.join("cgroup.procs"), "0")
    }

    /// Takes this process back out.
    pub fn leave(&self) -> io::Result<()> {
        overwrite(&self.own.join("cgroup.procs"), "0")
    }

    /// Kills all steps at once, and what they fork meanwhile.
    pub fn kill(&self) -> io::Result<()> {
        overwrite(&self.steps.join("cgroup.kill"), "1")
    }

    /// How often the kernel has killed a process because the memory was used up.
    pub fn out_of_memory_kills(&self) -> u64 {
        let events = fs::read_to_string(self.steps.join("memory.events")).unwrap_or_default();
        let count = events.lines().find_map(|line| line.strip_prefix("oom_kill "));
        count.and_then(|count| count.trim().parse().ok()).unwrap_or(0)
    }

    /// Removes the cgroup of the steps. The supervisor's own is removed by whoever outlives it.
    pub fn remove(&self) {
        let _ = fs::remove_dir(&self.steps);
    }
}

/// Kills what a dead supervisor left in the cgroups of an attempt, and removes them.
pub fn clear(root: &Path, attempt: &str) {
    let (steps, own) = (root.join(attempt), root.join(format!("{attempt}.supervisor")));
    // All of these may be gone already.
    let _ = overwrite(&steps.join("cgroup.kill"), "1");
    let _ = fs::remove_dir(steps);
    let _ = fs::remove_dir(own);
}
