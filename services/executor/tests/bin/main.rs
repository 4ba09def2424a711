//! Supervises the attempt in the folder that is its argument, as `drydock supervise` does.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use drydock_executor::archive;
use drydock_executor::supervisor::{
    PACK, RESTORE_CACHE, SAVE_CACHE, SuperviseError, UNPACK, supervise,
};

fn main() -> ExitCode {
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    let mut arguments = std::env::args_os().skip(1);
    let done = match arguments.next().as_deref().and_then(|first| first.to_str()) {
        Some(PACK) => Some(archive::pack(&arguments.skip(1).collect::<Vec<_>>())),
        Some(UNPACK) => Some(archive::unpack()),
        Some(SAVE_CACHE) => Some(archive::save_cache(&request(arguments))),
        Some(RESTORE_CACHE) => Some(archive::restore_cache(&request(arguments))),
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

fn request(mut arguments: impl Iterator<Item = std::ffi::OsString>) -> String {
    arguments.next().and_then(|it| it.into_string().ok()).expect("a request is given")
}
