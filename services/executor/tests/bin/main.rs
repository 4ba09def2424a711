//! Supervises the attempt in the folder that is its argument, as `drydock supervise` does.

use std::path::Path;
use std::process::ExitCode;

use drydock_executor::supervisor::{SuperviseError, supervise};

fn main() -> ExitCode {
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    let folder = std::env::args_os().next_back().expect("a folder is given");
    ExitCode::from(match supervise(Path::new(&folder)) {
        Ok(()) => 0,
        Err(SuperviseError::Locked) => 3,
        Err(SuperviseError::AlreadyStarted) => 4,
        Err(SuperviseError::Folder(_)) => 5,
    })
}
