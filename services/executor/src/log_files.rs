//! The logs in the folders of attempts, as they are shipped.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use bytes::Bytes;
use drydock_api::runservice::types::{AttemptId, LogStep};

use crate::attempt::AttemptFolder;
use crate::driver::AttemptLogs;

/// What the names of logs begin with; their number follows.
const PREFIX: &str = "log.";

/// The logs of the attempts in a folder of their folders.
#[derive(Debug, Clone)]
pub struct LogFiles {
    root: PathBuf,
}

impl LogFiles {
    pub fn new(root: PathBuf) -> LogFiles {
        LogFiles { root }
    }

    fn folder(&self, attempt: AttemptId) -> AttemptFolder {
        AttemptFolder::new(self.root.join(attempt.to_string()))
    }
}

impl AttemptLogs for LogFiles {
    fn sizes(&self, attempt: AttemptId) -> io::Result<BTreeMap<LogStep, u64>> {
        let mut sizes = BTreeMap::new();
        let entries = match fs::read_dir(self.folder(attempt).path()) {
            // It is not started yet, or removed by now.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(sizes),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            if let Some(step) = entry.file_name().to_str().and_then(step) {
                sizes.insert(step, entry.metadata()?.len());
            }
        }
        Ok(sizes)
    }

    fn read(&self, attempt: AttemptId, step: LogStep, piece: Range<u64>) -> io::Result<Bytes> {
        let length = usize::try_from(piece.end - piece.start).map_err(io::Error::other)?;
        let mut bytes = vec![0; length];
        if length > 0 {
            let path = self.folder(attempt).log_file(step.place().into());
            File::open(path)?.read_exact_at(&mut bytes, piece.start)?;
        }
        Ok(bytes.into())
    }
}

/// The step whose log has this name.
pub fn step(name: &str) -> Option<LogStep> {
    let place: u16 = name.strip_prefix(PREFIX)?.parse().ok()?;
    Some(place.checked_sub(1).map_or(LogStep::Setup, LogStep::Step))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn pieces_are_read_from_the_files_of_logs_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        let attempt = AttemptId(Uuid::nil());
        let logs = LogFiles::new(root.path().to_owned());
        assert_eq!(logs.sizes(attempt).unwrap(), BTreeMap::new(), "there is no folder");
        let folder = root.path().join(attempt.to_string());
        fs::create_dir(&folder).unwrap();
        for (name, text) in
            [("log.000", "set up"), ("log.012", "0123456789"), ("log.x", "-"), ("task.json", "{}")]
        {
            fs::write(folder.join(name), text).unwrap();
        }
        let sizes = BTreeMap::from([(LogStep::Setup, 6), (LogStep::Step(11), 10)]);
        assert_eq!(logs.sizes(attempt).unwrap(), sizes);
        let read = |step, piece| logs.read(attempt, step, piece);
        assert_eq!(read(LogStep::Step(11), 3..7).unwrap(), "3456");
        assert_eq!(read(LogStep::Setup, 2..2).unwrap(), "");
        assert!(read(LogStep::Step(11), 3..11).is_err(), "a piece is whole");
        assert!(read(LogStep::Step(0), 0..1).is_err());
    }
}
