//! Segments: objects that hold archived commits, contiguous and chained.
//!
//! Invariants: the commits of a segment follow one another; all segments of a lineage hold the same
//! commit at a position, so overlapping segments (of an archiver that lost its lock) do no harm; a
//! chain is read forwards from a known commit and every link is checked.

use bytes::Bytes;
use object_store::path::Path;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::format::{Commit, Head, Position};
use super::keys::{ObjectKeys, Span};
use crate::objects::compression::{compress, decompress};
use crate::objects::{Envelope, EnvelopeError, ObjectError, Objects, envelope};

/// The largest segment that is read.
const SEGMENT_BYTES_MAX: usize = 256 << 20;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    pub lineage: Uuid,
    pub commits: Vec<Commit>,
}

impl Envelope for Segment {
    const FORMAT: &'static str = "drydock-segment/1";
}

#[derive(Debug, thiserror::Error)]
pub enum SegmentError {
    #[error(transparent)]
    Objects(#[from] ObjectError),
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    #[error("segment `{key}` is damaged: {why}")]
    Damaged { key: Path, why: String },
}

impl Segment {
    pub fn span(&self) -> Option<Span> {
        let (first, last) = (self.commits.first()?, self.commits.last()?);
        Some(Span { first: first.position, last: last.position })
    }

    pub fn encode(&self) -> Bytes {
        compress(&envelope::encode(self)).into()
    }
}

/// Reads a segment, and checks that it holds the positions in its name and that its commits chain.
pub async fn read(
    objects: &Objects,
    keys: &ObjectKeys,
    lineage: Uuid,
    span: Span,
) -> Result<Segment, SegmentError> {
    let key = keys.segment(lineage, span);
    let bytes = objects.get(&key).await?;
    let damaged = |why: &str| SegmentError::Damaged { key: key.clone(), why: why.to_owned() };
    let text = decompress(&bytes, SEGMENT_BYTES_MAX).map_err(|why| damaged(&why))?;
    let segment: Segment = envelope::decode(key.as_ref(), &text)?;
    if segment.lineage != lineage || segment.span() != Some(span) {
        return Err(damaged("it holds other commits than its name says"));
    }
    let chained = segment.commits.windows(2).all(|pair| pair[1].follows(&pair[0].head()));
    if !chained {
        return Err(damaged("its commits do not follow one another"));
    }
    Ok(segment)
}

/// The segments of a lineage that hold a commit after `position`, by their first positions.
pub async fn list(
    objects: &Objects,
    keys: &ObjectKeys,
    lineage: Uuid,
    position: Position,
) -> Result<Vec<Span>, ObjectError> {
    let found = objects.list(&keys.segments(lineage)).await?;
    let spans = found.iter().filter_map(|key| key.filename().and_then(Span::parse));
    let mut spans: Vec<Span> = spans.filter(|span| span.last > position).collect();
    spans.sort_unstable();
    Ok(spans)
}

/// Iterates over the segments of a lineage, from a known commit.
pub struct Chain<'a> {
    objects: &'a Objects,
    keys: &'a ObjectKeys,
    spans: Vec<Span>,
    at: Head,
}

impl<'a> Chain<'a> {
    pub async fn after(
        objects: &'a Objects,
        keys: &'a ObjectKeys,
        at: Head,
    ) -> Result<Chain<'a>, ObjectError> {
        let mut spans = list(objects, keys, at.lineage, at.position).await?;
        spans.reverse();
        Ok(Chain { objects, keys, spans, at })
    }

    /// The last commit that was returned.
    pub fn at(&self) -> Head {
        self.at
    }

    /// The next commits; `None` where the chain ends.
    pub async fn next(&mut self) -> Result<Option<Vec<Commit>>, SegmentError> {
        while let Some(span) = self.spans.pop() {
            if span.last <= self.at.position {
                continue;
            }
            if span.first > self.at.position + 1 {
                self.spans.clear();
                return Ok(None);
            }
            let segment = read(self.objects, self.keys, self.at.lineage, span).await?;
            let known = self.at.position;
            let new = segment.commits.into_iter().filter(|commit| commit.position > known);
            let new: Vec<Commit> = new.collect();
            let (Some(first), Some(last)) = (new.first(), new.last()) else { continue };
            if !first.follows(&self.at) {
                let key = self.keys.segment(self.at.lineage, span);
                let why = format!("it does not follow commit `{}`", self.at.commit);
                return Err(SegmentError::Damaged { key, why });
            }
            self.at = last.head();
            return Ok(Some(new));
        }
        Ok(None)
    }
}
