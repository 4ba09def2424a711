//! Supervises the attempt in the folder that is its argument, as `drydock supervise` does.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use drydock_executor::archive;
use drydock_executor::supervisor::{PACK, SuperviseError, UNPACK, supervise};

fn main() -> ExitCode {
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    let mut arguments = std::env::args_os().skip(1);
    let done = match arguments.next().as_deref().and_then(|first| first.to_str()) {
        Some(PACK) => Some(archive::pack(&arguments.skip(1).collect::<Vec<_>>())),
        Some(UNPACK) => Some(archive::unpack()),
        _ => None,
    };
    if let Some(done) = done {
        return done.map_or_else(
            |error| {
                let _ = writeln!(std::io::stderr(), "{error}");
                ExitCode::FAILURE
            },
            |()| ExitCode::SUCCESS,
        );
    }
    let folder = std::env::args_os().next_back().expect("a folder is given");
    ExitCode::from(match supervise(Path::new(&folder)) {
        Ok(()) => 0,
        Err(SuperviseError::Locked) => 3,
        Err(SuperviseError::AlreadyStarted) => 4,
        Err(SuperviseError::Folder(_)) => 5,
    })
}
