//! What an executor has of its machine: a folder, a lock on it, a journal, and a driver.
//!
//! | path | what it is |
//! |---|---|
//! | `lock` | held while an executor uses the folder: a second one does not start |
//! | `journal` | the executor's promises |
//! | `attempts/` | the folders of attempts, each closed to other users |

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use drydock_core::private;
use rustix::fs::{Mode, mkdir};
use rustix::process::getuid;

use crate::attempt::{AttemptFolder, Lock, overwrite};
use crate::journal::{Journal, JournalError};
use crate::process_driver::ProcessDriver;

const CGROUPS: &str = "/sys/fs/cgroup";
/// The cgroup of the executor itself: one that has others below it must have no processes.
const OWN_CGROUP: &str = "executor";

/// How a machine runs attempts.
#[derive(Debug, Clone)]
pub struct MachineSettings {
    pub folder: PathBuf,
    /// The supervisor: a program and its first arguments.
    pub program: PathBuf,
    pub arguments: Vec<OsString>,
    /// Give each attempt a cgroup, below the one that is delegated to this process.
    pub use_cgroup: bool,
}

pub struct Machine {
    pub driver: ProcessDriver,
    pub journal: Journal,
    /// What a person should know of how steps run here.
    pub notes: Vec<String>,
    /// Held as long as the folder is used.
    pub lock: Lock,
}

#[derive(Debug, thiserror::Error)]
pub enum MachineError {
    #[error("the folder `{}` cannot be used", folder.display())]
    Folder { folder: PathBuf, source: io::Error },
    #[error("another executor uses the folder `{}`", .0.display())]
    Locked(PathBuf),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("no cgroup is delegated to this process")]
    Cgroup(#[source] io::Error),
}

impl Machine {
    /// Opens the folder, which is made if it is missing.
    pub fn open(settings: MachineSettings) -> Result<Machine, MachineError> {
        let MachineSettings { folder, program, arguments, use_cgroup } = settings;
        let failed = |source| MachineError::Folder { folder: folder.clone(), source };
        let attempts = folder.join("attempts");
        private::create_dir_all(&attempts).map_err(failed)?;
        // Steps and supervisors start elsewhere.
        let attempts = attempts.canonicalize().map_err(failed)?;
        let lock = AttemptFolder::new(&folder).lock().map_err(failed)?;
        let lock = lock.ok_or_else(|| MachineError::Locked(folder.clone()))?;
        let journal = Journal::open(&folder.join("journal"))?;
        let mut driver = ProcessDriver::new(attempts, program, arguments);
        let mut notes = Vec::new();
        if use_cgroup {
            let cgroup = delegated().map_err(MachineError::Cgroup)?;
            notes.push(format!("attempts have cgroups below `{}`", cgroup.display()));
            driver = driver.with_cgroup(cgroup);
        } else {
            notes.push("attempts have no cgroups: their memory is not limited".to_owned());
        }
        let user = getuid().as_raw();
        notes.push(format!("steps run as this user ({user}), and can read all that it can"));
        Ok(Machine { driver, journal, notes, lock })
    }
}

/// The cgroup that is delegated to this process, which moves into one below it.
fn delegated() -> io::Result<PathBuf> {
    let text = fs::read_to_string("/proc/self/cgroup")?;
    let missing = || io::Error::new(io::ErrorKind::NotFound, "there are no cgroups of version 2");
    let own = text.lines().find_map(|line| line.strip_prefix("0::/")).ok_or_else(missing)?;
    let mut root = Path::new(CGROUPS).join(own);
    // It has moved there before, and was replaced by a newer version of itself.
    if root.ends_with(OWN_CGROUP) {
        root.pop();
    }
    let leaf = root.join(OWN_CGROUP);
    match mkdir(&leaf, Mode::RWXU) {
        Ok(()) | Err(rustix::io::Errno::EXIST) => {}
        Err(error) => return Err(error.into()),
    }
    overwrite(&leaf.join("cgroup.procs"), "0")?;
    for controller in ["+memory", "+pids"] {
        // Without them, attempts can still be killed as a whole.
        let _ = overwrite(&root.join("cgroup.subtree_control"), controller);
    }
    Ok(root)
}
