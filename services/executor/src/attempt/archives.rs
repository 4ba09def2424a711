//! What an attempt restores, as one file: archives one after the other, each behind a line that
//! says what it is.

use std::collections::BTreeSet;
use std::io::{self, BufRead};

use drydock_api::runservice::types::TaskName;
use serde::{Deserialize, Serialize};

/// The greatest line before an archive: 256 names of tasks fit.
const MAX_LINE: u64 = 64 << 10;

/// The line before an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Frame {
    /// The task that has saved the archive.
    pub task: TaskName,
    /// The tasks above that task, whose archives this one is meant to lie over.
    pub above: BTreeSet<TaskName>,
    /// The bytes of the archive.
    pub size: u64,
}

impl Frame {
    pub fn line(&self) -> Vec<u8> {
        let mut line = serde_json::to_vec(self).expect("names and numbers are JSON");
        line.push(b'\n');
        line
    }

    /// Reads the next line; `None` at the end.
    pub fn read(input: &mut impl BufRead) -> io::Result<Option<Frame>> {
        let mut line = Vec::new();
        io::Read::take(&mut *input, MAX_LINE).read_until(b'\n', &mut line)?;
        match line.is_empty() {
            true => Ok(None),
            false => Ok(Some(serde_json::from_slice(&line)?)),
        }
    }
}
