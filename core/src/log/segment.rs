//! Segments: objects that hold archived commits, contiguous and chained.
//!
//! Invariants: a segment's commits follow one another; an archiver stores segments of one course of
//! the log only, under names that no other archiver uses; a chain is read forwards from a known
//! commit, and every link is checked.

use bytes::Bytes;
use object_store::path::Path;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::ballot::Ballot;
use super::format::{Commit, Head, Position};
use super::keys::{ObjectKeys, Span};
use crate::error::FailureClass;
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

impl SegmentError {
    pub fn class(&self) -> FailureClass {
        match self {
            SegmentError::Objects(error) => error.class(),
            SegmentError::Envelope(_) | SegmentError::Damaged { .. } => FailureClass::Other,
        }
    }
}

impl Segment {
    /// As an archiver with this ballot stores it.
    pub fn span(&self, ballot: Ballot) -> Option<Span> {
        let (first, last) = (self.commits.first()?, self.commits.last()?);
        Some(Span { first: first.position, last: last.position, ballot })
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
    if segment.lineage != lineage || segment.span(span.ballot) != Some(span) {
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

/// A walk over a lineage's segments, from a commit that is known. Where archivers stored different
/// commits, the highest ballot decides, place by place.
pub struct Chain<'a> {
    objects: &'a Objects,
    keys: &'a ObjectKeys,
    /// Those that are not passed yet.
    spans: Vec<Span>,
    at: Head,
}

impl<'a> Chain<'a> {
    pub async fn after(
        objects: &'a Objects,
        keys: &'a ObjectKeys,
        at: Head,
    ) -> Result<Chain<'a>, ObjectError> {
        let spans = list(objects, keys, at.lineage, at.position).await?;
        Ok(Chain { objects, keys, spans, at })
    }

    /// The last commit that was returned.
    pub fn at(&self) -> Head {
        self.at
    }

    /// The next commits; `None` where the chain ends.
    pub async fn next(&mut self) -> Result<Option<Vec<Commit>>, SegmentError> {
        let next = self.at.position + 1;
        self.spans.retain(|span| span.last >= next);
        let mut here: Vec<Span> =
            self.spans.iter().copied().filter(|span| span.first <= next).collect();
        here.sort_unstable_by_key(|span| std::cmp::Reverse((span.ballot, span.last)));
        let mut strange = None;
        for span in here {
            let segment = read(self.objects, self.keys, self.at.lineage, span).await?;
            // From there on a higher ballot decides.
            let higher = self.spans.iter().filter(|other| other.ballot > span.ballot);
            let firsts = higher.map(|other| other.first).filter(|first| *first > next);
            let until = firsts.min().unwrap_or(Position::MAX);
            let new = segment.commits.into_iter();
            let new = new.filter(|commit| (next..until).contains(&commit.position));
            let new: Vec<Commit> = new.collect();
            let (Some(first), Some(last)) = (new.first(), new.last()) else { continue };
            if first.follows(&self.at) {
                self.at = last.head();
                return Ok(Some(new));
            }
            strange.get_or_insert(span);
        }
        match strange {
            None => Ok(None),
            Some(span) => {
                let key = self.keys.segment(self.at.lineage, span);
                let why = format!("it does not follow commit `{}`", self.at.commit);
                Err(SegmentError::Damaged { key, why })
            }
        }
    }
}
