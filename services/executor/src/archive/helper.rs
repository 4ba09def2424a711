//! The life of a process that packs or unpacks.

use std::ffi::OsString;
use std::io::{self, BufReader, BufWriter, Write};
use std::path::Path;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::error::ArchiveError;
use super::{pack as packing, unpack as unpacking};

/// The bytes of address space: more than the greatest window of zstd and the names of all entries.
const MAX_MEMORY: u64 = 2 << 30;
pub(super) const BUFFER: usize = 256 << 10;

/// Packs what the patterns match in the working folder, to the standard output.
pub fn pack(patterns: &[OsString]) -> Result<(), ArchiveError> {
    limit()?;
    let output = BufWriter::with_capacity(BUFFER, io::stdout().lock());
    let packed = packing::pack(Path::new("."), patterns, output)?;
    for left_out in packed.left_out {
        say(format_args!("warning: {left_out}"));
    }
    say(format_args!("{} files and folders, {} bytes", packed.entries, packed.bytes));
    Ok(())
}

/// Unpacks the archives from the standard input into the working folder, and writes what two tasks
/// have made differently to the standard output.
pub fn unpack() -> Result<(), ArchiveError> {
    limit()?;
    let mut input = BufReader::with_capacity(BUFFER, io::stdin().lock());
    let unpacked = unpacking::unpack(Path::new("."), &mut input)?;
    let mut conflicts = io::stdout().lock();
    for conflict in &unpacked.conflicts {
        say(format_args!("warning: {conflict}"));
        writeln!(conflicts, "{conflict}")?;
    }
    say(format_args!("{} files and folders of {} archives", unpacked.entries, unpacked.archives));
    Ok(())
}

/// Says something in the step's log. Whether anybody hears it does not matter.
pub(super) fn say(text: std::fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

pub(super) fn limit() -> io::Result<()> {
    let most = getrlimit(Resource::As).maximum;
    let limit = Some(most.map_or(MAX_MEMORY, |most| most.min(MAX_MEMORY)));
    Ok(setrlimit(Resource::As, Rlimit { current: limit, maximum: most })?)
}
