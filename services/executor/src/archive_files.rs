//! The archives in the folders of attempts, as they are uploaded and downloaded.

use std::fs::{self, File};
use std::io::{self, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use bytes::Bytes;
use drydock_api::runservice::types::AttemptId;
use rustix::fs::{Mode, mkdir};

use crate::attempt::{AttemptFolder, create_new, sync_folder};
use crate::driver::{AttemptArchives, RestoreFile};

/// The archives of the attempts in a folder of their folders.
#[derive(Debug, Clone)]
pub struct ArchiveFiles {
    root: PathBuf,
}

impl ArchiveFiles {
    pub fn new(root: PathBuf) -> ArchiveFiles {
        ArchiveFiles { root }
    }

    fn folder(&self, attempt: AttemptId) -> AttemptFolder {
        AttemptFolder::new(self.root.join(attempt.to_string()))
    }
}

impl AttemptArchives for ArchiveFiles {
    fn read(&self, attempt: AttemptId, step: u16, piece: Range<u64>) -> io::Result<Bytes> {
        let length = usize::try_from(piece.end - piece.start).map_err(io::Error::other)?;
        let mut bytes = vec![0; length];
        let path = self.folder(attempt).archive_file(step.into());
        File::open(path)?.read_exact_at(&mut bytes, piece.start)?;
        Ok(bytes.into())
    }

    fn begin_restore(&self, attempt: AttemptId) -> io::Result<Box<dyn RestoreFile>> {
        let folder = self.folder(attempt);
        match mkdir(folder.path(), Mode::RWXU) {
            Ok(()) | Err(rustix::io::Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        let path = folder.restore_file().with_extension("new");
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        Ok(Box::new(Restore { file: create_new(&path)?, path, folder }))
    }
}

/// A file under another name, until it is whole.
struct Restore {
    file: File,
    path: PathBuf,
    folder: AttemptFolder,
}

impl RestoreFile for Restore {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.path, self.folder.restore_file())?;
        sync_folder(self.folder.path())
    }
}
