//! Steps that save and restore what is cached. Like all packing and unpacking it is done by a
//! process of its own, which has the rights of the steps. The executor, which alone can reach the
//! service, answers it through files that are handed to it open.

use std::fs::File;
use std::io::{self, BufReader, Seek, Write};
use std::process::{Command, Stdio};

use drydock_api::runservice::types::MAX_ARCHIVE_BYTES;

use crate::archive::{RestoreRequest, SaveRequest};
use crate::attempt::{
    AttemptFolder, FOUND, FoundCache, LogReport, PENDING, SavedCache, Task, create_new, read_line,
};

use super::archives::{helper, remove};
use super::attempt::Attempt;

/// The command by which this program packs for a cache; the request follows.
pub const SAVE_CACHE: &str = "save-cache";
/// The command by which this program waits for what is cached, and unpacks it.
pub const RESTORE_CACHE: &str = "restore-cache";

/// Packs what a step saves into a file of the attempt's.
pub fn save(
    folder: &AttemptFolder,
    task: &Task,
    (step, request): (usize, &SaveRequest),
) -> io::Result<Command> {
    let archive = create_new(&folder.archive_file(step))?;
    let mut command = helper(SAVE_CACHE, task);
    command.arg(serde_json::to_string(request)?).stdin(Stdio::null()).stdout(archive);
    Ok(command)
}

/// Waits for the executor's answer, and unpacks it.
pub fn restore(
    folder: &AttemptFolder,
    task: &Task,
    request: &RestoreRequest,
) -> io::Result<Command> {
    let answer = folder.cache_file(request.step);
    create_new(&answer)?.write_all(&[PENDING])?;
    remove(&folder.cache_keys_file())?;
    let keys = create_new(&folder.cache_keys_file())?;
    let mut command = helper(RESTORE_CACHE, task);
    command.arg(serde_json::to_string(request)?).stdin(File::open(answer)?).stdout(keys);
    Ok(command)
}

/// Notes what a step has saved, if it has not found that the entry exists.
pub fn keep(attempt: &mut Attempt, number: usize) -> io::Result<()> {
    let mut file = BufReader::new(File::open(attempt.folder.archive_file(number))?);
    let Ok(key) = read_line(&mut file) else { return Ok(()) };
    let offset = file.stream_position()?;
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(file)?;
    let (size, blake3) = (hasher.count(), hasher.finalize().to_hex().to_string());
    if size == 0 {
        return Ok(());
    }
    if size > MAX_ARCHIVE_BYTES {
        return Err(io::Error::other(format!("it has saved more than {MAX_ARCHIVE_BYTES} bytes")));
    }
    attempt.keep_cache(number, SavedCache { key, offset, archive: LogReport { size, blake3 } });
    Ok(())
}

/// Notes what a step has laid out: nobody has to save it again under that key.
pub fn note(attempt: &mut Attempt, number: usize) -> io::Result<()> {
    remove(&attempt.folder.cache_keys_file())?;
    let path = attempt.folder.cache_file(number);
    let mut answer = BufReader::new(File::open(&path)?);
    let mut first = [PENDING];
    io::Read::read_exact(&mut answer, &mut first)?;
    if first == [FOUND] {
        attempt.restored.insert(FoundCache::read(&mut answer)?.key);
    }
    remove(&path)
}
