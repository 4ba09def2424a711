//! A complete log as one object, in zstd's seekable format: `zstd -d` reads it, and any range costs
//! the frames that hold it and the table at the end.
//!
//! The table is a skippable frame: for each frame its compressed and its real size, then the number
//! of frames, a descriptor without flags, and a magic number.

use std::ops::Range;

use bytes::{Buf, Bytes};

/// The bytes of the log in each frame but the last.
pub const FRAME: usize = 64 * 1024;
const LEVEL: i32 = 3;
const SKIPPABLE_MAGIC: u32 = 0x184D_2A5E;
const SEEKABLE_MAGIC: u32 = 0x8F92_EAB1;
const HEADER: usize = 8;
const ENTRY: usize = 8;
const FOOTER: usize = 9;

#[derive(Debug, thiserror::Error)]
pub enum SealedError {
    #[error("the table of frames cannot be read")]
    Table,
    #[error("a frame cannot be decompressed")]
    Frame(#[source] std::io::Error),
}

/// Compresses a log piece by piece.
#[derive(Default)]
pub struct Writer {
    object: Vec<u8>,
    pending: Vec<u8>,
    sizes: Vec<(u32, u32)>,
}

impl Writer {
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), SealedError> {
        self.pending.extend_from_slice(bytes);
        while self.pending.len() >= FRAME {
            let rest = self.pending.split_off(FRAME);
            self.frame()?;
            self.pending = rest;
        }
        Ok(())
    }

    fn frame(&mut self) -> Result<(), SealedError> {
        let frame = zstd::bulk::compress(&self.pending, LEVEL).map_err(SealedError::Frame)?;
        let size = |bytes: &[u8]| u32::try_from(bytes.len()).map_err(|_| SealedError::Table);
        self.sizes.push((size(&frame)?, size(&self.pending)?));
        self.object.extend(frame);
        self.pending.clear();
        Ok(())
    }

    /// The whole object.
    pub fn finish(mut self) -> Result<Bytes, SealedError> {
        if !self.pending.is_empty() {
            self.frame()?;
        }
        let content = u32::try_from(self.sizes.len() * ENTRY + FOOTER);
        let count = u32::try_from(self.sizes.len()).map_err(|_| SealedError::Table)?;
        let mut object = self.object;
        object.extend(SKIPPABLE_MAGIC.to_le_bytes());
        object.extend(content.map_err(|_| SealedError::Table)?.to_le_bytes());
        for (compressed, real) in self.sizes {
            object.extend(compressed.to_le_bytes());
            object.extend(real.to_le_bytes());
        }
        object.extend(count.to_le_bytes());
        object.push(0);
        object.extend(SEEKABLE_MAGIC.to_le_bytes());
        Ok(object.into())
    }
}

/// Where the frames of an object are.
#[derive(Debug, Clone)]
pub struct Table {
    /// For each frame: its first byte in the log, and its bytes in the object.
    frames: Vec<(u64, Range<u64>)>,
    size: u64,
}

impl Table {
    /// The place of the table in an object of `object` bytes with a log of `log` bytes.
    pub fn place(object: u64, log: u64) -> Range<u64> {
        let frames = log.div_ceil(FRAME as u64);
        let length = (HEADER + FOOTER) as u64 + frames * ENTRY as u64;
        object.saturating_sub(length)..object
    }

    /// Reads the bytes of the table.
    pub fn parse(mut table: Bytes) -> Result<Table, SealedError> {
        let entries = table.len().checked_sub(HEADER + FOOTER).ok_or(SealedError::Table)?;
        if table.get_u32_le() != SKIPPABLE_MAGIC || table.get_u32_le() as usize != entries + FOOTER
        {
            return Err(SealedError::Table);
        }
        let mut sizes = table.split_to(entries);
        let sound = table.get_u32_le() as usize * ENTRY == entries
            && table.get_u8() == 0
            && table.get_u32_le() == SEEKABLE_MAGIC;
        if !sound {
            return Err(SealedError::Table);
        }
        let (mut at, mut size, mut frames) = (0, 0, Vec::new());
        while sizes.has_remaining() {
            let (compressed, real) = (u64::from(sizes.get_u32_le()), u64::from(sizes.get_u32_le()));
            frames.push((size, at..at + compressed));
            (at, size) = (at + compressed, size + real);
        }
        Ok(Table { frames, size })
    }

    /// The frames that hold the bytes from `offset` on, at most `count` of them: the first byte of
    /// the log in them, and their place in the object.
    pub fn frames(&self, offset: u64, count: usize) -> Option<(u64, Range<u64>)> {
        if offset >= self.size {
            return None;
        }
        let first = self.frames.partition_point(|(start, _)| *start <= offset).checked_sub(1)?;
        let last = (first + count).min(self.frames.len()).checked_sub(1)?;
        let (start, place) = self.frames.get(first)?;
        Some((*start, place.start..self.frames.get(last)?.1.end))
    }
}

/// Decompresses frames that follow each other.
pub fn decompress(frames: &[u8]) -> Result<Bytes, SealedError> {
    zstd::stream::decode_all(frames).map(Bytes::from).map_err(SealedError::Frame)
}

/// The digest of the log of `size` bytes in an object, which is read by the table and frame by
/// frame, as any range of it is; `None` if it cannot be.
pub fn digest(object: &Bytes, size: u64) -> Option<blake3::Hash> {
    let table =
        object.get(usize::try_from(Table::place(object.len() as u64, size).start).ok()?..)?;
    let table = Table::parse(object.slice_ref(table)).ok().filter(|table| table.size == size)?;
    let (mut hasher, mut offset) = (blake3::Hasher::new(), 0);
    while let Some((start, place)) = table.frames(offset, 1) {
        let place = usize::try_from(place.start).ok()?..usize::try_from(place.end).ok()?;
        let bytes = decompress(object.get(place)?).ok()?;
        if start != offset || bytes.is_empty() {
            return None;
        }
        hasher.update(&bytes);
        offset += bytes.len() as u64;
    }
    (offset == size).then(|| hasher.finalize())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sealed(log: &[u8]) -> Bytes {
        let mut writer = Writer::default();
        for piece in log.chunks(1000) {
            writer.push(piece).unwrap();
        }
        writer.finish().unwrap()
    }

    fn table(object: &Bytes, log: usize) -> Table {
        let place = Table::place(object.len() as u64, log as u64);
        Table::parse(object.slice(place.start as usize..)).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn any_place_of_a_log_is_read(size in 0usize..300_000, offset in 0u64..300_000) {
            let log: Vec<u8> = (0..size).map(|at| (at * at / 7) as u8).collect();
            let object = sealed(&log);
            // Whoever knows zstd reads it whole.
            prop_assert_eq!(zstd::stream::decode_all(&object[..]).unwrap(), log.clone());
            match table(&object, size).frames(offset, 2) {
                None => prop_assert!(offset >= size as u64),
                Some((start, place)) => {
                    let frames = &object[place.start as usize..place.end as usize];
                    let bytes = decompress(frames).unwrap();
                    prop_assert!(start <= offset && offset < start + bytes.len() as u64);
                    prop_assert!(bytes.len() <= 2 * FRAME);
                    prop_assert_eq!(&bytes[..], &log[start as usize..][..bytes.len()]);
                }
            }
        }
    }

    #[test]
    fn any_byte_that_is_damaged_changes_the_digest_or_leaves_none() {
        let log: Vec<u8> = (0..FRAME * 2 + 5).map(|at| (at * at / 7) as u8).collect();
        let (object, size) = (sealed(&log), log.len() as u64);
        let right = Some(blake3::hash(&log));
        assert_eq!(digest(&object, size), right);
        for at in (0..object.len()).step_by(2000).chain(object.len() - 50..object.len()) {
            let mut bad = object.to_vec();
            bad[at] ^= 1;
            assert_ne!(digest(&bad.into(), size), right, "byte {at}");
        }
        for end in [0, 1, 20, object.len() - 1] {
            assert_eq!(digest(&object.slice(..end), size), None, "{end} bytes");
        }
    }

    #[test]
    fn a_damaged_table_is_refused() {
        let object = sealed(b"some lines\n");
        let place = Table::place(object.len() as u64, 11);
        let mut table = object.slice(place.start as usize..).to_vec();
        for at in [0, 4, 16, 20, 24] {
            table[at] ^= 1;
            assert!(Table::parse(Bytes::from(table.clone())).is_err(), "byte {at}");
            table[at] ^= 1;
        }
        assert!(Table::parse(Bytes::from(table)).is_ok());
    }
}
