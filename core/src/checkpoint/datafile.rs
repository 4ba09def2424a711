//! Data files: sorted objects in compressed blocks, with an index at the end.
//!
//! ```text
//! block 0 (zstd) │ block 1 (zstd) │ … │ index (zstd) │ index length (8 bytes) │ magic (8 bytes)
//! ```
//!
//! A block holds JSON lines of objects. The index holds the start and the first object of each
//! block, so one object is read with two ranged requests. The index also holds an id that is drawn
//! for each file: two writers never produce the same bytes, hence never the same name. So a file
//! that nothing refers to, and whose writer can no longer publish, is garbage for good.

use std::ops::Range;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::manifest::SortKey;
use crate::log::format::Object;
use crate::objects::compression::{compress, decompress};

/// Uncompressed bytes at which a block ends.
const BLOCK_BYTES: usize = 64 << 10;
/// A block ends with the object that crosses the bound above; one object has its own bound.
const BLOCK_BYTES_MAX: usize = 64 << 20;
const INDEX_BYTES_MAX: usize = 16 << 20;
const MAGIC: &[u8; 8] = b"DRYDATA1";
/// The index's length and the magic.
pub const FOOTER_BYTES: usize = 16;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Index {
    /// Makes the bytes of the file unique.
    id: Uuid,
    blocks: Vec<Block>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Block {
    /// The offset at which it begins in the file.
    at: u64,
    first: SortKey,
}

/// Encodes one file.
pub struct Encoder {
    bytes: Vec<u8>,
    lines: Vec<u8>,
    first: Option<SortKey>,
    index: Index,
}

impl Encoder {
    /// `id` must be fresh.
    pub fn new(id: Uuid) -> Encoder {
        let index = Index { id, blocks: Vec::new() };
        Encoder { bytes: Vec::new(), lines: Vec::new(), first: None, index }
    }

    /// Adds an object; objects come in order. Answers the uncompressed bytes that it takes.
    pub fn push(&mut self, object: &Object) -> usize {
        let before = self.lines.len();
        serde_json::to_writer(&mut self.lines, object).expect("an object is texts");
        self.lines.push(b'\n');
        self.first.get_or_insert_with(|| SortKey::of(object));
        let taken = self.lines.len() - before;
        if self.lines.len() >= BLOCK_BYTES {
            self.cut();
        }
        taken
    }

    pub fn finish(mut self) -> Bytes {
        self.cut();
        let index = serde_json::to_vec(&self.index).expect("an index is texts and numbers");
        let index = compress(&index);
        self.bytes.extend_from_slice(&index);
        self.bytes.extend_from_slice(&(index.len() as u64).to_le_bytes());
        self.bytes.extend_from_slice(MAGIC);
        self.bytes.into()
    }

    fn cut(&mut self) {
        if let Some(first) = self.first.take() {
            self.index.blocks.push(Block { at: self.bytes.len() as u64, first });
            self.bytes.extend_from_slice(&compress(&self.lines));
            self.lines.clear();
        }
    }
}

/// All objects of a file.
pub fn decode(file: &[u8]) -> Result<Vec<Object>, String> {
    let index_at = index_range(file.len() as u64, footer(file)?)?;
    let index = Layout::parse(&file[to_usize(&index_at)], index_at.start)?;
    let blocks = (0..index.blocks()).map(|nth| objects(&file[to_usize(&index.block(nth))]));
    Ok(blocks.collect::<Result<Vec<_>, _>>()?.concat())
}

/// The last bytes of a file.
fn footer(file: &[u8]) -> Result<&[u8], String> {
    let at = file.len().checked_sub(FOOTER_BYTES).ok_or("it is shorter than a footer")?;
    Ok(&file[at..])
}

/// The range of the index in a file of this many bytes with this footer.
pub fn index_range(bytes: u64, footer: &[u8]) -> Result<Range<u64>, String> {
    let (length, magic) = footer.split_at_checked(8).ok_or("the footer is too short")?;
    if magic != MAGIC {
        return Err("it does not end as a data file does".to_owned());
    }
    let length = u64::from_le_bytes(length.try_into().expect("eight bytes"));
    let end = bytes.checked_sub(FOOTER_BYTES as u64).ok_or("it is shorter than a footer")?;
    let start = end.checked_sub(length).ok_or("its index is longer than the file")?;
    Ok(start..end)
}

/// The positions of the blocks of a file.
pub struct Layout {
    blocks: Vec<Block>,
    /// The end of the last block.
    end: u64,
}

impl Layout {
    /// `end` is where the index begins.
    pub fn parse(index: &[u8], end: u64) -> Result<Layout, String> {
        let text = decompress(index, INDEX_BYTES_MAX)?;
        let index: Index = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
        let starts = index.blocks.iter().map(|block| block.at);
        if !starts.chain([end]).is_sorted_by(|a, b| a < b) {
            return Err("its blocks are not in order".to_owned());
        }
        Ok(Layout { blocks: index.blocks, end })
    }

    fn blocks(&self) -> usize {
        self.blocks.len()
    }

    fn block(&self, nth: usize) -> Range<u64> {
        let end = self.blocks.get(nth + 1).map_or(self.end, |next| next.at);
        self.blocks[nth].at..end
    }

    /// The block that holds an object if any does; `order` says whether a block's first object
    /// stands at or before it.
    pub fn block_of(&self, order: impl Fn(&SortKey) -> bool) -> Option<Range<u64>> {
        let after = self.blocks.partition_point(|block| order(&block.first));
        after.checked_sub(1).map(|nth| self.block(nth))
    }
}

/// The objects of one block.
pub fn objects(block: &[u8]) -> Result<Vec<Object>, String> {
    let lines = decompress(block, BLOCK_BYTES_MAX)?;
    let lines = lines.split_inclusive(|byte| *byte == b'\n');
    lines.map(serde_json::from_slice).collect::<Result<_, _>>().map_err(|error| error.to_string())
}

fn to_usize(range: &Range<u64>) -> Range<usize> {
    let narrow = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
    narrow(range.start)..narrow(range.end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::format::canonical;

    fn object(nth: u128, bytes: usize) -> Object {
        let id = Uuid::from_u128(nth);
        let data = canonical(&serde_json::json!({"id": id, "note": "x".repeat(bytes)})).unwrap();
        Object { r#type: "item".to_owned(), id, data }
    }

    fn file(id: u128, count: u128) -> Bytes {
        let mut encoder = Encoder::new(Uuid::from_u128(id));
        for nth in 0..count {
            encoder.push(&object(nth, 1000));
        }
        encoder.finish()
    }

    #[test]
    fn a_file_reads_back_whole_and_object_by_object() {
        let bytes = file(1, 500);
        let all = decode(&bytes).unwrap();
        assert_eq!(all.len(), 500);
        let index_at =
            index_range(bytes.len() as u64, &bytes[bytes.len() - FOOTER_BYTES..]).unwrap();
        let layout = Layout::parse(&bytes[to_usize(&index_at)], index_at.start).unwrap();
        assert!(layout.blocks() > 5);
        for nth in [0, 1, 63, 64, 65, 499] {
            let id = Uuid::from_u128(nth);
            let block = layout.block_of(|first| first.id <= id).unwrap();
            assert!(block.end - block.start < bytes.len() as u64 / 4);
            let found = objects(&bytes[to_usize(&block)]).unwrap();
            assert!(found.iter().any(|object| object.id == id), "{nth}");
        }
        assert!(decode(&file(1, 0)).unwrap().is_empty());
    }

    #[test]
    fn two_writers_never_write_the_same_bytes() {
        assert_eq!(file(1, 3), file(1, 3));
        assert_ne!(file(1, 3), file(2, 3));
    }

    #[test]
    fn damage_is_an_error_and_never_a_panic() {
        let bytes = file(1, 100);
        for at in 0..bytes.len() {
            let _ = decode(&bytes[..at]).map(|_| panic!("cut at {at}"));
        }
        for at in (0..bytes.len()).step_by(7) {
            let mut bad = bytes.to_vec();
            bad[at] ^= 0x55;
            // Most flips are found here; all of them by the file's hash, which is its name.
            let _ = decode(&bad);
        }
    }
}
