//! A lock file that lets one process at a time use a file, and names the process.
//!
//! The lock is the operating system's, so it ends with the process, however that ends. The text in
//! the file only serves the error message.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use drydock_core::private;

#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error("`{}` is in use by process `{holder}`", path.display())]
    InUse { path: PathBuf, holder: String },
    #[error("`{}` cannot be locked", path.display())]
    Io { path: PathBuf, source: io::Error },
}

/// Holds the lock until it is dropped.
pub struct ProcessLock {
    _file: File,
}

impl ProcessLock {
    /// Locks the file at `path` by a lock file beside it.
    pub fn acquire(path: &Path) -> Result<ProcessLock, LockError> {
        let lock_path = PathBuf::from(format!("{}.lock", path.display()));
        let failed = |source| LockError::Io { path: lock_path.clone(), source };
        let options =
            private::options().read(true).write(true).create(true).truncate(false).open(&lock_path);
        let mut file = options.map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::Error(source)) => return Err(failed(source)),
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                file.read_to_string(&mut holder).map_err(failed)?;
                return Err(LockError::InUse {
                    path: path.to_owned(),
                    holder: holder.trim().to_owned(),
                });
            }
        }
        let pid = std::process::id();
        file.set_len(0).map_err(failed)?;
        file.rewind().map_err(failed)?;
        writeln!(file, "{pid}").map_err(failed)?;
        Ok(ProcessLock { _file: file })
    }
}
