//! Lays archives out, one over the other.
//!
//! Folders are opened one by one, each by its name in the one before, and never through a link: so
//! nothing is written outside, whatever is in the folder and whatever changes there meanwhile.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufRead, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use drydock_api::runservice::types::TaskName;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, Timespec, Timestamps};
use rustix::io::Errno;
use tar::{Archive, EntryType};

use super::budget::{Bounded, Budget};
use super::error::{ArchiveError, at};
use super::links::leads_inside;
use crate::attempt::Frame;

/// The most lines about files that two tasks have made differently.
const MAX_CONFLICTS: usize = 20;
const COPIED: usize = 64 << 10;
const FOLDER: Mode = Mode::RWXU;

/// What was unpacked.
#[derive(Debug, Default)]
pub struct Unpacked {
    pub archives: u64,
    pub entries: u64,
    /// Files of which tasks without an order between them have made different ones, in words.
    pub conflicts: Vec<String>,
}

/// Unpacks the archives of an input into a folder.
pub fn unpack(root: &Path, input: &mut impl BufRead) -> Result<Unpacked, ArchiveError> {
    unpack_within(root, input, Budget::default())
}

pub(super) fn unpack_within(
    root: &Path,
    input: &mut impl BufRead,
    budget: Budget,
) -> Result<Unpacked, ArchiveError> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened = rustix::fs::openat(CWD, root, flags, Mode::empty());
    let mut unpacking = Unpacking {
        root: opened.map_err(|error| at(root)(error.into()))?,
        budget,
        made: BTreeMap::new(),
        folders: BTreeMap::new(),
        conflicts: Vec::new(),
        frames: Vec::new(),
    };
    while let Some(frame) = Frame::read(input)? {
        let mut archive = Read::take(&mut *input, frame.size);
        unpacking.frames.push(frame);
        unpacking.archive(&mut archive)?;
        // What follows the end of the tar file is of no interest.
        io::copy(&mut archive, &mut io::sink())?;
        if archive.limit() > 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
    }
    unpacking.finish()
}

struct Unpacking {
    root: OwnedFd,
    budget: Budget,
    frames: Vec<Frame>,
    /// The frame that each file and link is from, and what it is.
    made: BTreeMap<PathBuf, (usize, blake3::Hash)>,
    /// The permissions that folders are to have.
    folders: BTreeMap<PathBuf, Mode>,
    conflicts: Vec<String>,
}

impl Unpacking {
    fn archive(&mut self, archive: &mut impl BufRead) -> Result<(), ArchiveError> {
        let decoder = zstd::Decoder::with_buffer(archive)?;
        let mut tar = Archive::new(Bounded::new(decoder, self.budget.left()));
        for entry in tar.entries()? {
            let mut entry = entry?;
            let path = plain_path(&entry.path_bytes())?;
            self.budget.add(entry.size())?;
            let header = entry.header();
            // Neither of another user's rights nor kept by the folder.
            let mode = Mode::from_bits_truncate(header.mode()? & 0o777);
            let modified = header.mtime()?;
            match header.entry_type() {
                EntryType::Directory => self.folder(&path, mode)?,
                EntryType::Regular => self.file(&path, (mode, modified), &mut entry)?,
                EntryType::Symlink => {
                    let target = entry.link_name_bytes().unwrap_or_default().into_owned();
                    self.link(&path, Path::new(OsStr::from_bytes(&target)))?;
                }
                _ => return Err(refused(&path, "is no file, folder or link inside")),
            }
        }
        Ok(())
    }

    /// The folder of an entry, which is made if it is missing, and the entry's name in it.
    fn place<'a>(&self, path: &'a Path) -> Result<(OwnedFd, &'a OsStr), ArchiveError> {
        let name = path.file_name().ok_or_else(|| refused(path, "has no name"))?;
        let parent = path.parent().unwrap_or(Path::new(""));
        let mut folder = self.root.try_clone()?;
        for component in parent.components() {
            folder = open_folder(folder, component.as_os_str()).map_err(at(path))?;
        }
        Ok((folder, name))
    }

    fn folder(&mut self, path: &Path, mode: Mode) -> Result<(), ArchiveError> {
        // The packed folder itself.
        if path.as_os_str().is_empty() {
            return Ok(());
        }
        let (parent, name) = self.place(path)?;
        open_folder(parent, name).map_err(at(path))?;
        // It stays open to its owner, who has to remove it.
        self.folders.insert(path.to_owned(), mode | FOLDER);
        Ok(())
    }

    fn file(
        &mut self,
        path: &Path,
        (mode, modified): (Mode, u64),
        bytes: &mut impl Read,
    ) -> Result<(), ArchiveError> {
        let (parent, name) = self.place(path)?;
        remove(&parent, name).map_err(at(path))?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let flags = flags | OFlags::NOFOLLOW;
        let file = rustix::fs::openat(&parent, name, flags, Mode::RUSR | Mode::WUSR);
        let mut file: File = file.map_err(|error| at(path)(error.into()))?.into();
        let (mut hasher, mut buffer) = (blake3::Hasher::new(), vec![0; COPIED]);
        hasher.update(if mode.contains(Mode::XUSR) { b"x" } else { b"-" });
        loop {
            let length = bytes.read(&mut buffer)?;
            if length == 0 {
                break;
            }
            hasher.update(&buffer[..length]);
            file.write_all(&buffer[..length]).map_err(at(path))?;
        }
        let time = Timespec { tv_sec: modified.try_into().unwrap_or(0), tv_nsec: 0 };
        let times = Timestamps { last_access: time, last_modification: time };
        let kept = rustix::fs::futimens(&file, &times);
        let kept = kept.and_then(|()| rustix::fs::fchmod(&file, mode));
        kept.map_err(|error| at(path)(error.into()))?;
        self.note(path, hasher.finalize());
        Ok(())
    }

    fn link(&mut self, path: &Path, target: &Path) -> Result<(), ArchiveError> {
        let depth = path.components().count().saturating_sub(1);
        if !leads_inside(depth, target) {
            return Err(refused(path, "is a link that leads out"));
        }
        let (parent, name) = self.place(path)?;
        remove(&parent, name).map_err(at(path))?;
        let made = rustix::fs::symlinkat(target, &parent, name);
        made.map_err(|error| at(path)(error.into()))?;
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"l").update(target.as_os_str().as_bytes());
        self.note(path, hasher.finalize());
        Ok(())
    }

    /// Notes what is at a path now, and whether a task without an order to this one made it
    /// otherwise.
    fn note(&mut self, path: &Path, now: blake3::Hash) {
        let nth = self.frames.len() - 1;
        let Some((before, other)) = self.made.insert(path.to_owned(), (nth, now)) else { return };
        let (before, this) = (&self.frames[before], &self.frames[nth]);
        let is_ordered = before.task == this.task || this.above.contains(&before.task);
        if other != now && !is_ordered && self.conflicts.len() < MAX_CONFLICTS {
            self.conflicts.push(conflict(path, &before.task, &this.task));
        }
    }

    fn finish(self) -> Result<Unpacked, ArchiveError> {
        // The deepest first: one that is closed hides those in it.
        for (path, mode) in self.folders.iter().rev() {
            let (parent, name) = self.place(path)?;
            let folder = open_to_read(&parent, name);
            let kept = folder.and_then(|folder| rustix::fs::fchmod(folder, *mode));
            kept.map_err(|error| at(path)(error.into()))?;
        }
        let (archives, entries) = (self.frames.len() as u64, self.budget.entries);
        Ok(Unpacked { archives, entries, conflicts: self.conflicts })
    }
}

fn conflict(path: &Path, before: &TaskName, this: &TaskName) -> String {
    let path = path.display();
    format!(
        "`{path}` differs between the tasks `{before}` and `{this}`, neither of which follows the \
         other: that of `{this}` is laid out"
    )
}

fn refused(path: &Path, problem: &'static str) -> ArchiveError {
    ArchiveError::Entry { path: path.display().to_string(), problem }
}

/// The path of an entry, if it leads to a place inside by names alone.
fn plain_path(bytes: &[u8]) -> Result<PathBuf, ArchiveError> {
    let given = Path::new(OsStr::from_bytes(bytes));
    if bytes.contains(&0) {
        return Err(refused(given, "is no path"));
    }
    let mut path = PathBuf::new();
    for component in given.components() {
        match component {
            Component::Normal(name) => path.push(name),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                return Err(refused(given, "leads out of the folder"));
            }
        }
    }
    Ok(path)
}

/// Opens a folder in another one, and makes it if it is missing. A link is no folder.
fn open_folder(parent: impl AsFd, name: &OsStr) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let open = || rustix::fs::openat(&parent, name, flags, Mode::empty());
    match open() {
        Err(Errno::NOENT) => match rustix::fs::mkdirat(&parent, name, FOLDER) {
            Ok(()) | Err(Errno::EXIST) => Ok(open()?),
            Err(error) => Err(error.into()),
        },
        opened => Ok(opened?),
    }
}

fn open_to_read(parent: impl AsFd, name: &OsStr) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(parent, name, flags, Mode::empty())
}

/// Removes a file or a link. A folder stays, and is an error.
fn remove(parent: impl AsFd, name: &OsStr) -> io::Result<()> {
    match rustix::fs::unlinkat(parent, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
