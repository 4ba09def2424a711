//! Reads an export as it streams by, and says whether it is whole and undamaged.

use std::collections::BTreeMap;

use drydock_core::archive::format::{Hashes, HeaderLine, TRAILER_START, Trailer, TrailerLine};
use serde::Deserialize;

/// Bytes of one line at most.
const MAX_LINE: usize = 64 << 20;

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    #[error("the export ends at line {0}, without its trailer")]
    Truncated(u64),
    #[error("the export is damaged at line {line}: {why}")]
    Damaged { line: u64, why: &'static str },
}

#[derive(Default)]
pub struct Check {
    hashes: Hashes,
    counts: BTreeMap<String, u64>,
    /// The start of a line that has not ended.
    rest: Vec<u8>,
    lines: u64,
    trailer: Option<Trailer>,
}

#[derive(Deserialize)]
struct Typed {
    r#type: String,
}

impl Check {
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), CheckError> {
        let mut chunk = chunk;
        while let Some(end) = chunk.iter().position(|byte| *byte == b'\n') {
            let (line, after) = chunk.split_at(end + 1);
            chunk = after;
            if self.rest.is_empty() {
                self.line(line)?;
            } else {
                let mut whole = std::mem::take(&mut self.rest);
                whole.extend_from_slice(line);
                self.line(&whole)?;
            }
        }
        self.rest.extend_from_slice(chunk);
        if self.rest.len() > MAX_LINE {
            return Err(CheckError::Damaged { line: self.lines + 1, why: "the line has no end" });
        }
        Ok(())
    }

    /// The trailer of an export that is whole.
    pub fn finish(self) -> Result<Trailer, CheckError> {
        match self.trailer {
            Some(trailer) if self.rest.is_empty() => Ok(trailer),
            Some(_) => Err(after_trailer(self.lines + 1)),
            None => Err(CheckError::Truncated(self.lines)),
        }
    }

    fn line(&mut self, line: &[u8]) -> Result<(), CheckError> {
        self.lines += 1;
        let damaged = |why| CheckError::Damaged { line: self.lines, why };
        if self.trailer.is_some() {
            return Err(after_trailer(self.lines));
        }
        if self.lines == 1 {
            let header: Result<HeaderLine, _> = serde_json::from_slice(line);
            header.map_err(|_| damaged("it is not the header of an export"))?;
            self.hashes.header(line);
            return Ok(());
        }
        if line.starts_with(TRAILER_START) {
            let trailer: Result<TrailerLine, _> = serde_json::from_slice(line);
            let TrailerLine { trailer } = trailer.map_err(|_| damaged("the trailer is no JSON"))?;
            if trailer.digest != self.hashes.digest() || trailer.checksum != self.hashes.checksum()
            {
                return Err(damaged("the digest does not fit the lines"));
            }
            // Types without objects are in the trailer only.
            let counted = trailer.counts.iter().filter(|(_, count)| **count > 0);
            if !counted.eq(self.counts.iter()) {
                return Err(damaged("the counts do not fit the lines"));
            }
            self.trailer = Some(trailer);
            return Ok(());
        }
        let object: Result<Typed, _> = serde_json::from_slice(line);
        let Typed { r#type } = object.map_err(|_| damaged("it is not an object"))?;
        *self.counts.entry(r#type).or_default() += 1;
        self.hashes.object(line);
        Ok(())
    }
}

fn after_trailer(line: u64) -> CheckError {
    CheckError::Damaged { line, why: "there is something after the trailer" }
}

#[cfg(test)]
mod tests {
    use drydock_core::archive::format::Header;
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;

    fn export(counts: &[(&str, u64)]) -> Vec<u8> {
        let header = Header {
            format: "drydock-export".into(),
            version: 1,
            service: "configstore".into(),
            schema: 1,
            lineage: Uuid::nil(),
            position: 7,
            time: Timestamp::UNIX_EPOCH,
        };
        let mut hashes = Hashes::default();
        let header = format!("{}\n", serde_json::to_string(&HeaderLine { header }).unwrap());
        hashes.header(header.as_bytes());
        let mut text = header;
        for name in ["alice", "bob"] {
            let line = format!("{{\"data\":{{\"name\":\"{name}\"}},\"type\":\"users\"}}\n");
            hashes.object(line.as_bytes());
            text += &line;
        }
        let counts = counts.iter().map(|(kind, count)| ((*kind).to_owned(), *count)).collect();
        let (digest, checksum) = (hashes.digest(), hashes.checksum());
        let trailer = TrailerLine { trailer: Trailer { counts, digest, checksum } };
        text += &format!("{}\n", serde_json::to_string(&trailer).unwrap());
        text.into_bytes()
    }

    fn check(bytes: &[u8], size: usize) -> Result<Trailer, CheckError> {
        let mut check = Check::default();
        for chunk in bytes.chunks(size) {
            check.push(chunk)?;
        }
        check.finish()
    }

    #[test]
    fn a_whole_export_passes_in_pieces_of_any_size() {
        let export = export(&[("orgs", 0), ("users", 2)]);
        for size in [1, 7, 100, export.len()] {
            assert_eq!(check(&export, size).unwrap().counts["users"], 2);
        }
    }

    #[test]
    fn every_cut_and_every_flipped_byte_is_found() {
        let export = export(&[("users", 2)]);
        for cut in 0..export.len() {
            let cut_off = check(&export[..cut], 64);
            assert!(cut_off.is_err(), "cut at {cut}");
        }
        for at in 0..export.len() {
            let mut flipped = export.clone();
            flipped[at] ^= 1;
            assert!(check(&flipped, 64).is_err(), "flipped at {at}");
        }
        assert!(check(&self::export(&[("users", 3)]), 64).is_err());
        let twice = [&export[..], &export[..]].concat();
        assert!(check(&twice, 64).is_err());
    }
}
