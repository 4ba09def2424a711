//! The life of a process that saves or restores what is cached.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Seek, SeekFrom, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::path::Path;

use rustix::event::poll;
use rustix::time::Timespec;
use serde::{Deserialize, Serialize};

use super::error::ArchiveError;
use super::helper::{BUFFER, limit, say};
use super::{pack as packing, unpack as unpacking};
use crate::attempt::{CacheContext, FOUND, FoundCache, PENDING, WantedCache, is_key};

/// The time between two looks at the answer.
const LOOK_MS: i64 = 50;
/// How many looks in a row may find that nothing more has come: ten minutes.
pub(super) const MAX_LOOKS: u32 = 10 * 60 * 1000 / LOOK_MS as u32;
const NO_CACHES: &str = "this run has no caches";

/// What a step saves.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SaveRequest {
    /// What placeholders stand for; absent: the run has no caches.
    pub context: Option<CacheContext>,
    pub key: String,
    pub paths: Vec<String>,
    /// The keys of what was restored before.
    pub restored: BTreeSet<String>,
}

/// What a step restores.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RestoreRequest {
    pub context: Option<CacheContext>,
    pub step: usize,
    pub keys: Vec<String>,
}

/// Packs what a step saves, behind a line with its key, to the standard output.
pub fn save_cache(request: &str) -> Result<(), ArchiveError> {
    let request: SaveRequest = serde_json::from_str(request).map_err(io::Error::from)?;
    limit()?;
    let Some(context) = &request.context else {
        say(format_args!("{NO_CACHES}"));
        return Ok(());
    };
    let key = filled(&request.key, context, Path::new("."))?;
    let mut output = BufWriter::with_capacity(BUFFER, io::stdout().lock());
    writeln!(output, "{key}")?;
    if request.restored.contains(&key) {
        say(format_args!("`{key}` is cached already"));
        return Ok(output.flush()?);
    }
    let patterns: Vec<_> = request.paths.iter().map(Into::into).collect();
    let packed = packing::pack(Path::new("."), &patterns, output)?;
    for left_out in packed.left_out {
        say(format_args!("warning: {left_out}"));
    }
    say(format_args!(
        "{} files and folders, {} bytes, to be cached as `{key}` when the task ends",
        packed.entries, packed.bytes
    ));
    Ok(())
}

/// Writes the keys that a step wants to the standard output, waits for the answer in the file that
/// is the standard input, and unpacks what is there into the working folder.
pub fn restore_cache(request: &str) -> Result<(), ArchiveError> {
    let request: RestoreRequest = serde_json::from_str(request).map_err(io::Error::from)?;
    limit()?;
    let Some(context) = &request.context else {
        say(format_args!("{NO_CACHES}"));
        return Ok(());
    };
    let keys = request.keys.iter().map(|key| filled(key, context, Path::new(".")));
    let keys = keys.collect::<Result<Vec<_>, _>>()?;
    let step = u16::try_from(request.step).map_err(io::Error::other)?;
    io::stdout().lock().write_all(WantedCache { step, keys }.text().as_bytes())?;
    let mut answer = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let first = first_byte(&answer)?;
    answer.seek(SeekFrom::Start(1))?;
    let mut answer = BufReader::with_capacity(BUFFER, answer);
    match first {
        PENDING => say(format_args!("the executor has not answered, so nothing is restored")),
        FOUND => {
            let FoundCache { key, scope } = FoundCache::read(&mut answer)?;
            let unpacked = unpacking::unpack(Path::new("."), &mut answer)?;
            say(format_args!("`{key}` of `{scope}`: {} files and folders", unpacked.entries));
        }
        _ => say(format_args!("{}", io::read_to_string(answer)?.trim_end())),
    }
    Ok(())
}

/// Waits until the answer is whole or has stopped growing, and returns its first byte.
fn first_byte(answer: &File) -> io::Result<u8> {
    let (mut first, mut patience) = ([PENDING], Patience::default());
    let pause = Timespec { tv_sec: 0, tv_nsec: LOOK_MS * 1_000_000 };
    loop {
        answer.read_exact_at(&mut first, 0)?;
        if first != [PENDING] || patience.ends(answer.metadata()?.len()) {
            return Ok(first[0]);
        }
        // A signal only makes the pause shorter.
        let _ = poll(&mut [], Some(&pause));
    }
}

/// How long an answer is waited for: a large one may take its time, as long as it grows.
#[derive(Debug, Default)]
pub(super) struct Patience {
    size: u64,
    looks: u32,
}

impl Patience {
    /// Takes the size that a look has found. Whether it was the last look.
    pub fn ends(&mut self, size: u64) -> bool {
        self.looks = if size == self.size { self.looks + 1 } else { 0 };
        self.size = size;
        self.looks >= MAX_LOOKS
    }
}

/// A key with what its placeholders stand for.
pub(super) fn filled(
    key: &str,
    context: &CacheContext,
    root: &Path,
) -> Result<String, ArchiveError> {
    let (mut filled, mut rest) = (String::new(), key);
    while let Some((before, after)) = rest.split_once("${") {
        filled.push_str(before);
        let unknown = || ArchiveError::Placeholder(key.to_owned());
        let (name, after) = after.split_once('}').ok_or_else(unknown)?;
        match (name, name.strip_prefix("hash:")) {
            ("branch", _) => filled.push_str(&context.branch),
            ("sha", _) => filled.push_str(&context.sha),
            ("arch", _) => filled.push_str(&context.arch),
            (_, Some(file)) => filled.push_str(&hash(&root.join(file))?),
            _ => return Err(unknown()),
        }
        rest = after;
    }
    filled.push_str(rest);
    match is_key(&filled) {
        true => Ok(filled),
        false => Err(ArchiveError::Key(filled)),
    }
}

/// The digest of a file's content, in hexadecimal digits.
fn hash(path: &Path) -> Result<String, ArchiveError> {
    let digest = File::open(path).and_then(|file| {
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(file)?;
        Ok(hasher.finalize())
    });
    Ok(digest.map_err(super::error::at(path))?.to_hex()[..HASH_DIGITS].to_owned())
}

/// Enough that no two files of a project have the same by chance.
const HASH_DIGITS: usize = 32;
