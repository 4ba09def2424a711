//! Packs a part of a folder.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use drydock_api::runservice::types::MAX_ARCHIVE_BYTES;
use globset::{GlobBuilder, GlobMatcher};
use rustix::fs::{Mode, OFlags};
use tar::{Builder, EntryType, Header};

use super::budget::Budget;
use super::error::{ArchiveError, at};
use super::links::leads_inside;

/// As fast as zstd is without losing much.
const LEVEL: i32 = 3;
/// The most lines that say what was left out.
const MAX_LEFT_OUT: usize = 20;

/// What was packed.
#[derive(Debug, Default)]
pub struct Packed {
    pub entries: u64,
    pub bytes: u64,
    /// What could not be, in words.
    pub left_out: Vec<String>,
}

/// Packs what the patterns match in a folder. The archive is complete if this succeeds.
pub fn pack(
    root: &Path,
    patterns: &[OsString],
    output: impl Write,
) -> Result<Packed, ArchiveError> {
    let patterns: Result<Vec<_>, _> = patterns.iter().map(|it| Pattern::new(it)).collect();
    let encoder = zstd::Encoder::new(Limited { output, left: MAX_ARCHIVE_BYTES }, LEVEL)?;
    let mut builder = Builder::new(encoder);
    builder.follow_symlinks(false);
    let mut packing = Packing {
        root,
        patterns: patterns?,
        builder,
        budget: Budget::default(),
        left_out: Vec::new(),
    };
    packing.folder(Path::new(""), false)?;
    if let Some(pattern) = packing.patterns.iter().find(|pattern| !pattern.has_matched) {
        return Err(ArchiveError::NoMatch(pattern.text.clone()));
    }
    let Budget { entries, bytes, .. } = packing.budget;
    packing.builder.into_inner()?.finish()?.output.flush()?;
    Ok(Packed { entries, bytes, left_out: packing.left_out })
}

/// A pattern of paths.
struct Pattern {
    text: String,
    glob: GlobMatcher,
    /// The folders that every path which it matches begins with.
    fixed: PathBuf,
    has_matched: bool,
}

impl Pattern {
    fn new(text: &OsStr) -> Result<Pattern, ArchiveError> {
        let text = text.to_string_lossy().into_owned();
        let parts: Vec<&str> =
            text.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        let plain = if parts.is_empty() { "*".to_owned() } else { parts.join("/") };
        let glob = GlobBuilder::new(&plain).literal_separator(true).build();
        let glob = glob.map_err(|error| ArchiveError::Pattern(text.clone(), error.to_string()))?;
        let is_fixed = |part: &&&str| !part.contains(['*', '?', '[', ']', '{', '}', '\\']);
        let fixed = parts.iter().take_while(is_fixed).collect();
        Ok(Pattern { text, glob: glob.compile_matcher(), fixed, has_matched: false })
    }

    /// Whether it may match something in this folder, or below.
    fn leads_into(&self, folder: &Path) -> bool {
        self.fixed.starts_with(folder) || folder.starts_with(&self.fixed)
    }
}

struct Packing<'a, W: Write> {
    root: &'a Path,
    patterns: Vec<Pattern>,
    builder: Builder<zstd::Encoder<'static, Limited<W>>>,
    budget: Budget,
    left_out: Vec<String>,
}

impl<W: Write> Packing<'_, W> {
    /// Packs what is in a folder, in the order of names.
    fn folder(&mut self, path: &Path, is_included: bool) -> Result<(), ArchiveError> {
        let folder = self.root.join(path);
        let mut names = Vec::new();
        for entry in fs::read_dir(&folder).map_err(at(path))? {
            names.push(entry.map_err(at(path))?.file_name());
        }
        names.sort_unstable_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
        for name in names {
            let path = path.join(name);
            let mut is_included = is_included;
            for pattern in &mut self.patterns {
                if pattern.glob.is_match(&path) {
                    pattern.has_matched = true;
                    is_included = true;
                }
            }
            let metadata = self.root.join(&path).symlink_metadata().map_err(at(&path))?;
            if is_included {
                self.entry(&path, &metadata)?;
            }
            let leads = || self.patterns.iter().any(|pattern| pattern.leads_into(&path));
            if metadata.is_dir() && (is_included || leads()) {
                self.folder(&path, is_included)?;
            }
        }
        Ok(())
    }

    fn entry(&mut self, path: &Path, metadata: &Metadata) -> Result<(), ArchiveError> {
        let mut header = Header::new_gnu();
        header.set_mode(metadata.mode() & 0o777);
        header.set_mtime(metadata.mtime().try_into().unwrap_or(0));
        header.set_uid(0);
        header.set_gid(0);
        header.set_size(0);
        if metadata.is_dir() {
            self.budget.add(0)?;
            header.set_entry_type(EntryType::Directory);
            Ok(self.builder.append_data(&mut header, path, io::empty())?)
        } else if metadata.is_file() {
            self.file(path, header)
        } else if metadata.is_symlink() {
            let target = fs::read_link(self.root.join(path)).map_err(at(path))?;
            let depth = path.components().count() - 1;
            if !leads_inside(depth, &target) {
                let target = target.display();
                return self.leave_out(path, &format!("leads out, to `{target}`"));
            }
            self.budget.add(0)?;
            header.set_entry_type(EntryType::Symlink);
            Ok(self.builder.append_link(&mut header, path, &target)?)
        } else {
            self.leave_out(path, "is no file, folder or link")
        }
    }

    fn leave_out(&mut self, path: &Path, why: &str) -> Result<(), ArchiveError> {
        if self.left_out.len() < MAX_LEFT_OUT {
            self.left_out.push(format!("`{}` {why}: it is left out", path.display()));
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, mut header: Header) -> Result<(), ArchiveError> {
        // It may have become something else by now, on which an open would wait.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = rustix::fs::open(self.root.join(path), flags, Mode::empty());
        let file: File = file.map_err(|error| at(path)(error.into()))?.into();
        let metadata = file.metadata().map_err(at(path))?;
        if !metadata.is_file() {
            return self.leave_out(path, "is no file any more");
        }
        let size = metadata.len();
        self.budget.add(size)?;
        header.set_entry_type(EntryType::Regular);
        header.set_size(size);
        let mut bytes = file.take(size);
        self.builder.append_data(&mut header, path, &mut bytes)?;
        match bytes.limit() {
            0 => Ok(()),
            _ => Err(at(path)(io::Error::other("it became shorter while it was saved"))),
        }
    }
}

/// An output that takes no more than an archive may have.
struct Limited<W> {
    output: W,
    left: u64,
}

impl<W: Write> Write for Limited<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.output.write(bytes)?;
        self.left = self.left.checked_sub(written as u64).ok_or_else(|| {
            io::Error::other(format!("it would have more than {MAX_ARCHIVE_BYTES} bytes"))
        })?;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_takes_no_more_bytes_than_it_may() {
        let mut limited = Limited { output: Vec::new(), left: 5 };
        limited.write_all(b"123").unwrap();
        limited.write_all(b"45").unwrap();
        assert!(limited.write_all(b"6").unwrap_err().to_string().contains("more than"));
    }
}
