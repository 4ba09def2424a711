//! How much is packed or unpacked.

use std::io::{self, Read};

use super::error::ArchiveError;

/// The files, folders and links of all archives together.
pub const MAX_ENTRIES: u64 = 1_000_000;
/// The bytes of all archives together, when they are not compressed: four times the greatest size
/// of a compressed one.
pub const MAX_UNPACKED_BYTES: u64 = 20 << 30;

/// Counts what there is, and ends what is too much.
#[derive(Debug)]
pub struct Budget {
    pub entries: u64,
    pub bytes: u64,
    max_entries: u64,
    max_bytes: u64,
}

impl Default for Budget {
    fn default() -> Budget {
        Budget::of(MAX_ENTRIES, MAX_UNPACKED_BYTES)
    }
}

impl Budget {
    pub fn of(max_entries: u64, max_bytes: u64) -> Budget {
        Budget { entries: 0, bytes: 0, max_entries, max_bytes }
    }

    /// Counts one more entry of this size in bytes.
    ///
    /// # Errors
    /// There are more entries, or more bytes, than an archive may have.
    pub fn add(&mut self, bytes: u64) -> Result<(), ArchiveError> {
        self.entries += 1;
        self.bytes = self.bytes.saturating_add(bytes);
        if self.entries > self.max_entries {
            return Err(ArchiveError::TooMany);
        }
        if self.bytes > self.max_bytes {
            return Err(ArchiveError::TooLarge);
        }
        Ok(())
    }

    /// The bytes of a tar file that may still come: those of its files, and a few headers for each.
    pub fn left(&self) -> u64 {
        const HEADERS: u64 = 4096;
        let headers = self.max_entries.saturating_sub(self.entries).saturating_mul(HEADERS);
        self.max_bytes.saturating_sub(self.bytes).saturating_add(headers)
    }
}

/// A reader that ends with an error after a number of bytes.
pub struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R> Bounded<R> {
    pub fn new(inner: R, left: u64) -> Bounded<R> {
        Bounded { inner, left }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.left = self
            .left
            .checked_sub(length as u64)
            .ok_or_else(|| io::Error::other("it holds more than it may"))?;
        Ok(length)
    }
}
