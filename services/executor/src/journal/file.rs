//! The file of a journal.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::attempt::{create, sync_folder};

use drydock_api::runservice::types::{AttemptId, Status};

use super::held::{Held, Record};
use super::results::{MAX_RESULTS, Results};

/// The characters of a digest.
const DIGEST_LENGTH: usize = 16;
/// The folder of results, beside the journal.
const RESULTS: &str = "results";

#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error("the journal `{path}` cannot be used")]
    Io { path: PathBuf, source: io::Error },
    #[error("the journal is damaged in line {line}, which is not the last one")]
    Damaged { line: usize },
    #[error("{record:?} does not follow from what the journal says")]
    OutOfOrder { record: Record },
    #[error("a record could not be written before; the journal has to be opened again")]
    Broken,
}

#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    pub(super) file: File,
    held: Held,
    is_broken: bool,
    results: Results,
}

impl Journal {
    /// Opens the journal; it is made if it is missing.
    pub fn open(path: &Path) -> Result<Journal, JournalError> {
        let io = |source| JournalError::Io { path: path.to_owned(), source };
        let content = match fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            content => content.map_err(io)?,
        };
        let held = replay(&content)?;
        let file = rewrite(path, &held).map_err(io)?;
        let results = path.with_file_name(RESULTS);
        let results = Results::open(results.clone(), MAX_RESULTS)
            .map_err(|source| JournalError::Io { path: results, source })?;
        Ok(Journal { path: path.to_owned(), file, held, is_broken: false, results })
    }

    pub fn held(&self) -> &Held {
        &self.held
    }

    /// Adds a record. Once this returns, the record is there after any crash.
    pub fn append(&mut self, record: &Record) -> Result<(), JournalError> {
        if self.is_broken {
            return Err(JournalError::Broken);
        }
        let mut held = self.held.clone();
        if !held.apply(record) {
            return Err(JournalError::OutOfOrder { record: record.clone() });
        }
        // After an error nobody knows what is on the disk: only the next opening finds out.
        self.is_broken = true;
        let written = self.file.write_all(&line(record)).and_then(|()| self.file.sync_data());
        written.map_err(|source| JournalError::Io { path: self.path.clone(), source })?;
        self.is_broken = false;
        self.held = held;
        Ok(())
    }

    /// Keeps the result of an attempt beyond its release.
    pub fn keep(&mut self, attempt: AttemptId, status: &Status) -> Result<(), JournalError> {
        let path = self.path.with_file_name(RESULTS);
        let kept = self.results.keep(attempt, status);
        kept.map_err(|source| JournalError::Io { path, source })
    }

    /// The result of an attempt, if it is kept.
    pub fn kept(&self, attempt: AttemptId) -> Option<Status> {
        self.results.find(attempt)
    }
}

pub(super) fn line(record: &Record) -> Vec<u8> {
    let json = serde_json::to_string(record).expect("a record can be written as JSON");
    format!("{} {json}\n", digest(json.as_bytes())).into_bytes()
}

fn digest(json: &[u8]) -> String {
    blake3::hash(json).to_hex()[..DIGEST_LENGTH].to_owned()
}

/// A record, if its line is whole.
fn parse(line: &[u8]) -> Option<Record> {
    let json = line.strip_suffix(b"\n")?.get(DIGEST_LENGTH + 1..)?;
    let is_whole = line.starts_with(digest(json).as_bytes()) && line[DIGEST_LENGTH] == b' ';
    if is_whole { serde_json::from_slice(json).ok() } else { None }
}

fn replay(content: &[u8]) -> Result<Held, JournalError> {
    let mut held = Held::default();
    let lines: Vec<_> = content.split_inclusive(|byte| *byte == b'\n').collect();
    for (at, line) in lines.iter().enumerate() {
        match parse(line) {
            Some(record) if held.apply(&record) => {}
            Some(record) => return Err(JournalError::OutOfOrder { record }),
            None if at + 1 == lines.len() => {}
            None => return Err(JournalError::Damaged { line: at + 1 }),
        }
    }
    Ok(held)
}

/// Writes the journal anew. A crash leaves the old one or the new one.
fn rewrite(path: &Path, held: &Held) -> io::Result<File> {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let temporary = path.with_extension("new");
    let mut file = create(&temporary)?;
    file.set_len(0)?;
    let content: Vec<u8> = held.records().iter().flat_map(line).collect();
    file.write_all(&content)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    sync_folder(folder.unwrap_or(Path::new(".")))?;
    file.seek(SeekFrom::End(0))?;
    Ok(file)
}
