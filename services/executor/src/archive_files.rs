//! The archives in the folders of attempts, as they are uploaded and downloaded.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use bytes::Bytes;
use drydock_api::runservice::types::AttemptId;
use rustix::fs::{Mode, mkdir};

use crate::attempt::{
    AttemptFolder, FOUND, NOTHING, PENDING, WantedCache, create_new, open_to_write, sync_folder,
};
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

    /// The answer that a step waits for, of which nothing is written yet.
    fn answer(&self, attempt: AttemptId, step: u16) -> io::Result<Answer> {
        let path = self.folder(attempt).cache_file(step.into());
        let mut file = open_to_write(&path)?;
        file.set_len(1)?;
        file.seek(SeekFrom::Start(1))?;
        Ok(Answer { file })
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

    fn wanted_cache(&self, attempt: AttemptId) -> io::Result<Option<WantedCache>> {
        let folder = self.folder(attempt);
        let text = match fs::read_to_string(folder.cache_keys_file()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            text => text?,
        };
        let Some(wanted) = WantedCache::parse(&text) else { return Ok(None) };
        let mut first = [PENDING];
        File::open(folder.cache_file(wanted.step.into()))?.read_exact_at(&mut first, 0)?;
        Ok((first == [PENDING]).then_some(wanted))
    }

    fn begin_cache(&self, attempt: AttemptId, step: u16) -> io::Result<Box<dyn RestoreFile>> {
        Ok(Box::new(self.answer(attempt, step)?))
    }

    fn no_cache(&self, attempt: AttemptId, step: u16, why: &str) -> io::Result<()> {
        let mut answer = self.answer(attempt, step)?;
        answer.file.write_all(why.as_bytes())?;
        answer.end(NOTHING)
    }
}

/// An answer to a step, whose first byte is written when all others are.
struct Answer {
    file: File,
}

impl Answer {
    fn end(&self, first: u8) -> io::Result<()> {
        self.file.write_all_at(&[first], 0)
    }
}

impl RestoreFile for Answer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        self.end(FOUND)
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

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn what_is_restored_is_there_when_it_is_whole() {
        let root = tempfile::tempdir().unwrap();
        let attempt = AttemptId(Uuid::nil());
        let archives = ArchiveFiles::new(root.path().to_owned());
        let restored = || fs::read(archives.folder(attempt).restore_file()).ok();
        let mut cut = archives.begin_restore(attempt).unwrap();
        cut.write(b"the half of").unwrap();
        // The process dies, and another one begins again.
        drop(cut);
        assert_eq!(restored(), None);
        for text in ["first", "second"] {
            let mut whole = archives.begin_restore(attempt).unwrap();
            whole.write(text.as_bytes()).unwrap();
            whole.finish().unwrap();
            assert_eq!(restored().unwrap(), text.as_bytes());
        }
    }

    #[test]
    fn pieces_are_read_from_the_archive_of_a_step() {
        let root = tempfile::tempdir().unwrap();
        let attempt = AttemptId(Uuid::nil());
        let archives = ArchiveFiles::new(root.path().to_owned());
        let folder = archives.folder(attempt);
        fs::create_dir(folder.path()).unwrap();
        fs::write(folder.archive_file(3), "0123456789").unwrap();
        assert_eq!(archives.read(attempt, 3, 2..5).unwrap(), "234");
        assert!(archives.read(attempt, 3, 8..11).is_err(), "a piece is whole");
        assert!(archives.read(attempt, 4, 0..1).is_err());
    }
}
