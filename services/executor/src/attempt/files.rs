//! Files for their owner only, some of them durable.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use serde::Serialize;
use serde::de::DeserializeOwned;

const OWNER: Mode = Mode::RUSR.union(Mode::WUSR);

fn open(path: &Path, flags: OFlags) -> io::Result<File> {
    Ok(rustix::fs::open(path, flags | OFlags::CLOEXEC | OFlags::NOFOLLOW, OWNER)?.into())
}

/// Opens a file to read and write; it is made if it is missing.
pub fn create(path: &Path) -> io::Result<File> {
    open(path, OFlags::RDWR | OFlags::CREATE)
}

/// Makes a file, which must not be there.
pub fn create_new(path: &Path) -> io::Result<File> {
    open(path, OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL)
}

/// Makes a file that is only appended to, and which must not be there.
pub fn append_new(path: &Path) -> io::Result<File> {
    open(path, OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::APPEND)
}

/// Opens a file to write, which must be there.
pub fn open_to_write(path: &Path) -> io::Result<File> {
    open(path, OFlags::WRONLY)
}

/// Writes over a file that is there, as the kernel's are.
pub fn overwrite(path: &Path, text: &str) -> io::Result<()> {
    open(path, OFlags::WRONLY)?.write_all(text.as_bytes())
}

/// Makes the names in a folder durable.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Reads a file of JSON; `None` if it is missing.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes a file of JSON. A reader sees the old file or the whole new one, after a power cut too.
pub fn write_json<T: Serialize>(folder: &Path, name: &str, value: &T) -> io::Result<()> {
    let temporary = folder.join(format!("{name}.new"));
    // One that is there is of a writer that died.
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC;
    let mut file = open(&temporary, flags)?;
    file.write_all(&serde_json::to_vec(value)?)?;
    file.sync_all()?;
    std::fs::rename(&temporary, folder.join(name))?;
    sync_folder(folder)
}
