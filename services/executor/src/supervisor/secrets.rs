//! The secrets of an attempt: those that it begins with, and those that its steps add.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};

use crate::attempt::{AttemptFolder, Task, create_new};
use crate::mask::{Masker, Unmaskable};

/// How much of the file of added secrets is read.
const MAX_ADDED_BYTES: u64 = 1 << 20;

pub struct Secrets {
    masker: Masker,
    /// The file to which steps append lines, and how much of it has been read.
    added: File,
    read: u64,
}

impl Secrets {
    /// The secrets of a task, with the names of those that are too short to be masked.
    pub fn new(folder: &AttemptFolder, task: &Task) -> Result<(Secrets, Vec<String>), String> {
        create_new(&folder.mask_file()).map_err(|error| format!("`mask`: {error}"))?;
        let added = File::open(folder.mask_file()).map_err(|error| format!("`mask`: {error}"))?;
        let (mut masker, mut short) = (Masker::default(), Vec::new());
        for (name, value) in &task.secrets {
            match masker.add(value.as_bytes()) {
                Ok(()) => {}
                Err(Unmaskable::TooShort) => short.push(name.clone()),
                Err(error) => return Err(format!("secret `{name}` cannot be masked: {error}")),
            }
        }
        Ok((Secrets { masker, added, read: 0 }, short))
    }

    /// Masks output that was written after all secrets that are to be found in the file now.
    pub fn mask(&mut self, input: &[u8], output: &mut Vec<u8>) -> io::Result<()> {
        self.read_added(false)?;
        self.masker.write(input, output);
        Ok(())
    }

    /// Ends the output of a step.
    pub fn finish(&mut self, output: &mut Vec<u8>) -> io::Result<()> {
        self.read_added(true)?;
        self.masker.finish(output);
        Ok(())
    }

    /// Reads new lines; the last one may lack its end only when nobody writes any more.
    fn read_added(&mut self, at_end: bool) -> io::Result<()> {
        let size = self.added.metadata()?.size().min(MAX_ADDED_BYTES);
        if size < self.read {
            // It was emptied, to be written anew.
            self.read = 0;
        }
        if size == self.read {
            return Ok(());
        }
        let mut new = vec![0; usize::try_from(size - self.read).expect("the size is bounded")];
        let length = self.added.read_at(&mut new, self.read)?;
        new.truncate(length);
        let last = new.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let whole = if at_end { new.len() } else { last };
        for line in new[..whole].split(|byte| *byte == b'\n') {
            // One that cannot be masked is the step's own risk.
            let _ = self.masker.add(line);
        }
        self.read += whole as u64;
        Ok(())
    }
}
