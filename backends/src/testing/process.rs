//! A process that ends with its guard.

use std::ffi::OsStr;
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use drydock_core::net::Net;

use crate::tcp::TcpNet;

pub struct Process {
    child: Child,
}

impl Process {
    /// Starts the program in the background; its output goes to `log`.
    pub fn spawn(command: &mut Command, log: &Path) -> Process {
        let log = File::options().create(true).append(true).open(log).expect("a log file");
        let same = log.try_clone().expect("a second handle");
        let spawned = command.stdin(Stdio::null()).stdout(log).stderr(same).spawn();
        let program = command.get_program().to_owned();
        let named = |error| panic!("`{}`: {error}", program.display());
        Process { child: spawned.unwrap_or_else(named) }
    }

    /// `KILL`, `STOP`, `CONT` and the like.
    pub fn signal(&self, name: impl AsRef<OsStr>) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").arg("-s").arg(name).arg(pid).status();
        assert!(sent.expect("`kill` runs").success(), "the process is there");
    }

    pub fn kill(&mut self) {
        // The process may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    pub fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Addresses on loopback on which no process listens.
pub async fn free_addresses<const N: usize>() -> [String; N] {
    let mut taken = Vec::new();
    for _ in 0..N {
        taken.push(TcpNet.listen("127.0.0.1:0").await.expect("a free port"));
    }
    std::array::from_fn(|at| taken[at].local_addr())
}
