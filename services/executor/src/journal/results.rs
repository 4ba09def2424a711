//! Results that outlive the release of their attempts: an import may bring back a state in which
//! those attempts run, and then their results are wanted again.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use drydock_api::runservice::types::{AttemptId, Status};

use rustix::fs::{Mode, mkdir};

use crate::attempt::create;

/// How many results an executor keeps, of a few hundred bytes each: those of the latest attempts.
pub const MAX_RESULTS: usize = 10_000;

/// A folder with a file for each result, the latest of them.
#[derive(Debug)]
pub struct Results {
    folder: PathBuf,
    limit: usize,
    /// Ids begin with the time of their claim.
    kept: BTreeSet<AttemptId>,
}

impl Results {
    pub fn open(folder: PathBuf, limit: usize) -> io::Result<Results> {
        match mkdir(&folder, Mode::RWXU) {
            Ok(()) | Err(rustix::io::Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        let mut kept = BTreeSet::new();
        for entry in fs::read_dir(&folder)? {
            let name = entry?.file_name();
            let id = name.to_str().and_then(|name| name.strip_suffix(".json"));
            kept.extend(id.and_then(|id| id.parse::<AttemptId>().ok()));
        }
        Ok(Results { folder, limit, kept })
    }

    /// Keeps a result. It is not synced: a power cut may lose the latest ones, and then they count
    /// as never kept.
    pub fn keep(&mut self, attempt: AttemptId, status: &Status) -> io::Result<()> {
        let (path, temporary) = (self.path(attempt), self.folder.join("new"));
        let mut file = create(&temporary)?;
        file.set_len(0)?;
        file.write_all(&serde_json::to_vec(status)?)?;
        fs::rename(&temporary, path)?;
        self.kept.insert(attempt);
        while self.kept.len() > self.limit {
            let oldest = self.kept.pop_first().expect("there are some");
            remove(&self.path(oldest))?;
        }
        Ok(())
    }

    /// The result of an attempt, if it is kept and whole.
    pub fn find(&self, attempt: AttemptId) -> Option<Status> {
        let content = fs::read(self.path(attempt)).ok()?;
        serde_json::from_slice(&content).ok()
    }

    fn path(&self, attempt: AttemptId) -> PathBuf {
        self.folder.join(format!("{attempt}.json"))
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
