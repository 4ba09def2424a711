//! One log file: masked bytes, up to a limit, with their digest.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use crate::attempt::{LogReport, append_new};

/// How many of the last bytes of a log that became full are kept.
const TAIL_BYTES: usize = 64 << 10;

pub struct Log {
    file: File,
    hasher: blake3::Hasher,
    size: u64,
    limit: u64,
    /// The bytes that came after the limit.
    beyond: u64,
    /// The last of them.
    tail: VecDeque<u8>,
    ends_line: bool,
    /// The disk has taken no more.
    failed: bool,
}

impl Log {
    /// Makes the log, which may hold `limit` bytes.
    pub fn create(path: &Path, limit: u64) -> io::Result<Log> {
        Ok(Log {
            file: append_new(path)?,
            hasher: blake3::Hasher::new(),
            size: 0,
            limit,
            beyond: 0,
            tail: VecDeque::new(),
            ends_line: true,
            failed: false,
        })
    }

    pub fn is_full(&self) -> bool {
        self.beyond > 0
    }

    /// Adds output. After an error whatever follows is left out, without a further error.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let room = usize::try_from(self.limit.saturating_sub(self.size)).unwrap_or(usize::MAX);
        let fits = if self.is_full() { 0 } else { room.min(bytes.len()) };
        let (now, beyond) = bytes.split_at(fits);
        self.append(now)?;
        if beyond.is_empty() {
            return Ok(());
        }
        if !self.is_full() {
            self.note(&format!("the log is full after {} bytes", self.size))?;
        }
        self.beyond += beyond.len() as u64;
        self.tail.extend(&beyond[beyond.len().saturating_sub(TAIL_BYTES)..]);
        self.tail.drain(..self.tail.len().saturating_sub(TAIL_BYTES));
        Ok(())
    }

    /// Adds a line of the supervisor's own, whatever the limit.
    pub fn note(&mut self, text: &str) -> io::Result<()> {
        let start = if self.ends_line { "" } else { "\n" };
        self.append(format!("{start}drydock: {text}\n").as_bytes())
    }

    /// Makes the log durable and answers its digest.
    pub fn finish(mut self) -> io::Result<LogReport> {
        if self.is_full() {
            let left_out = self.beyond - self.tail.len() as u64;
            self.note(&format!("{left_out} bytes are left out here; the last ones follow"))?;
            let tail = std::mem::take(&mut self.tail);
            let (first, second) = tail.as_slices();
            self.append(first)?;
            self.append(second)?;
        }
        self.file.sync_all()?;
        Ok(LogReport { size: self.size, blake3: self.hasher.finalize().to_hex().to_string() })
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut rest = if self.failed { &[] } else { bytes };
        while !rest.is_empty() {
            let written = match self.file.write(rest) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Ok(written) => written,
                Err(error) => {
                    self.failed = true;
                    return Err(error);
                }
            };
            // After each write, so that the digest is that of the file even if the next one fails.
            self.hasher.update(&rest[..written]);
            self.size += written as u64;
            self.ends_line = rest[..written].ends_with(b"\n");
            rest = &rest[written..];
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The log of the given writes, whose digest is checked.
    fn logged(limit: u64, writes: &[&[u8]]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut log = Log::create(&path, limit).unwrap();
        writes.iter().for_each(|bytes| log.write(bytes).unwrap());
        let digest = log.finish().unwrap();
        let content = std::fs::read(path).unwrap();
        assert_eq!(digest.size, content.len() as u64);
        assert_eq!(digest.blake3, blake3::hash(&content).to_hex().as_str());
        String::from_utf8(content).unwrap()
    }

    #[test]
    fn a_log_up_to_its_limit_is_as_written() {
        assert_eq!(logged(6, &[b"abc", b"", b"def"]), "abcdef");
    }

    #[test]
    fn a_disk_that_is_full_is_said_once_and_the_digest_is_that_of_what_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut log = Log::create(&path, 100).unwrap();
        log.write(b"abc").unwrap();
        let disk = std::mem::replace(
            &mut log.file,
            File::options().write(true).open("/dev/full").unwrap(),
        );
        assert_eq!(log.write(b"def").unwrap_err().kind(), io::ErrorKind::StorageFull);
        // There is room again, but a hole in a log would not be seen.
        log.file = disk;
        log.write(b"ghi").unwrap();
        let digest = log.finish().unwrap();
        assert_eq!((digest.size, std::fs::read(path).unwrap()), (3, b"abc".to_vec()));
        assert_eq!(digest.blake3, blake3::hash(b"abc").to_hex().as_str());
    }

    #[test]
    fn a_full_log_keeps_its_beginning_and_its_end() {
        let text = logged(4, &[b"abcde", b"f"]);
        let expected = "abcd\ndrydock: the log is full after 4 bytes\n\
                        drydock: 0 bytes are left out here; the last ones follow\nef";
        assert_eq!(text, expected);
        let middle = vec![b'x'; 3 * TAIL_BYTES];
        let text = logged(4, &[b"a\n", b"b\n", b"lost", &middle, b"last"]);
        let left_out = 4 + middle.len() + 4 - TAIL_BYTES;
        assert!(text.starts_with("a\nb\ndrydock: the log is full after 4 bytes\ndrydock: "));
        assert!(text.contains(&format!("\ndrydock: {left_out} bytes are left out here")));
        assert!(text.ends_with("xlast") && text.matches('x').count() == TAIL_BYTES - 4);
    }
}
