//! The place of the tables: how they are opened, also again after a failed write, and how much room
//! there is for them.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use drydock_core::coord::Space;
use drydock_core::coord::mvcc::Saved;
use drydock_core::private;
use redb::StorageBackend;
use redb::backends::FileBackend;

use super::disk::{Disk, DiskError};

/// With less free space on the disk than this, changes are refused.
pub(super) const LEAST_FREE: u64 = 16 << 20;
/// What is left for operators and for what keeps the service going.
const RESERVE: u64 = 64 << 20;

/// A place that tables are opened at.
pub(super) trait Place: Send {
    fn open(&mut self) -> Result<(Disk, Option<Saved>), DiskError>;
}

/// Answers the room that there is at a place; `None`: it has no bound that is known.
pub(super) type Room = Arc<dyn Fn() -> Option<Space> + Send + Sync>;

/// A file.
pub(super) struct FilePlace {
    path: PathBuf,
    /// The file as it was opened first.
    first: Option<FileBackend>,
}

impl FilePlace {
    pub(super) fn new(path: &Path, first: FileBackend) -> FilePlace {
        FilePlace { path: path.to_owned(), first: Some(first) }
    }
}

impl Place for FilePlace {
    fn open(&mut self) -> Result<(Disk, Option<Saved>), DiskError> {
        if let Some(first) = self.first.take() {
            return Disk::open(first);
        }
        let mut options = private::options();
        let file = options.read(true).write(true).open(&self.path);
        let file = file.map_err(|error| DiskError::Database(redb::Error::Io(error)))?;
        Disk::open(FileBackend::new(file)?)
    }
}

/// The caller's backend, which can be opened once.
pub(super) struct Given<B>(pub(super) Option<B>);

impl<B: StorageBackend> Place for Given<B> {
    fn open(&mut self) -> Result<(Disk, Option<Saved>), DiskError> {
        let gone = || DiskError::Database(redb::Error::Io(io::ErrorKind::NotFound.into()));
        Disk::open(self.0.take().ok_or_else(gone)?)
    }
}

/// Measures the free bytes of the disk that holds a file.
pub(super) fn room_of_file(path: &Path) -> Room {
    let path = path.to_owned();
    Arc::new(move || {
        let file_bytes = std::fs::metadata(&path).ok()?.len();
        let disk = rustix::fs::statvfs(&path).ok()?;
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        Some(space(file_bytes, free))
    })
}

/// The space that a file has, on a disk with `free` bytes left.
pub(super) fn space(file_bytes: u64, free: u64) -> Space {
    Space {
        used_bytes: file_bytes,
        file_bytes,
        quota_bytes: file_bytes.saturating_add(free),
        reserve_bytes: RESERVE,
        is_full: free < LEAST_FREE,
    }
}
