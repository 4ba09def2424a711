//! Ranges of keys, as etcd writes them: a key and an end.

use std::ops::Bound;

/// A key, and where the range ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    start: Vec<u8>,
    end: End,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum End {
    /// The range is one key.
    Single,
    Unbounded,
    Before(Vec<u8>),
}

impl Span {
    /// No end: one key; a single zero byte: no upper bound.
    pub fn new(key: &[u8], range_end: &[u8]) -> Span {
        let end = match range_end {
            [] => End::Single,
            [0] => End::Unbounded,
            end => End::Before(end.to_vec()),
        };
        Span { start: key.to_vec(), end }
    }

    pub fn contains(&self, key: &[u8]) -> bool {
        match &self.end {
            End::Single => key == self.start,
            End::Unbounded => key >= &self.start[..],
            End::Before(end) => key >= &self.start[..] && key < &end[..],
        }
    }

    /// Whether no key can be in it.
    pub fn is_empty(&self) -> bool {
        matches!(&self.end, End::Before(end) if *end <= self.start)
    }

    /// For `BTreeMap::range`, which would panic at a range that ends before it starts.
    pub(super) fn bounds(&self) -> (Bound<&[u8]>, Bound<&[u8]>) {
        let start = &self.start[..];
        let end = match &self.end {
            End::Single => Bound::Included(start),
            End::Unbounded => Bound::Unbounded,
            End::Before(end) => Bound::Excluded(start.max(&end[..])),
        };
        (Bound::Included(start), end)
    }
}
