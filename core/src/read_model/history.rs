//! The commits after a known one, from the coordination store or, where it is trimmed, from
//! segments.
//!
//! Invariant: every link is checked; a commit that is in neither place is an error, never skipped.

use super::base::StoreBase;
use super::error::StoreError;
use crate::coord::{Coordination, RangeRequest, Revision};
use crate::log::format::{Commit, Head, Position, decode};
use crate::log::segment::Chain;

/// Commits read at a time.
const PAGE: usize = 256;

pub(crate) struct History<'a> {
    store: &'a StoreBase,
    at: Head,
    until: Position,
    /// The revision of the coordination store that is read; `None`: the newest.
    revision: Option<Revision>,
    segments: Option<Chain<'a>>,
}

impl<'a> History<'a> {
    /// From after `base` up to and including `until`.
    pub(crate) fn after(store: &'a StoreBase, base: Head, until: Position) -> History<'a> {
        History { store, at: base, until, revision: None, segments: None }
    }

    pub(crate) fn frozen_at(mut self, revision: Revision) -> History<'a> {
        self.revision = Some(revision);
        self
    }

    /// The last commit that was returned.
    pub(crate) fn at(&self) -> Head {
        self.at
    }

    /// The next commits; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Commit>>, StoreError> {
        if self.at.position >= self.until {
            return Ok(None);
        }
        let mut commits = self.next_in_log().await?;
        if commits.is_empty() {
            commits = self.next_in_segments().await?;
        }
        commits.retain(|commit| commit.position <= self.until);
        for commit in &commits {
            if !commit.follows(&self.at) {
                let (at, after) = (commit.position, self.at.position);
                return Err(broken(format!("commit `{at}` does not follow commit `{after}`")));
            }
            self.at = commit.head();
        }
        if commits.is_empty() {
            let next = self.at.position + 1;
            return Err(broken(format!("commit `{next}` is neither in the log nor in a segment")));
        }
        Ok(Some(commits))
    }

    /// The next commits in the coordination store; none if the next one was trimmed.
    async fn next_in_log(&self) -> Result<Vec<Commit>, StoreError> {
        let range = self.store.keys.commits_after(self.at.position);
        let mut request = RangeRequest::new(range).limit(PAGE);
        request.revision = self.revision;
        let page = self.store.coord.range(request).await?;
        let commits = page.kvs.iter().map(|kv| decode(&kv.key, &kv.value));
        let commits: Vec<Commit> = commits.collect::<Result<_, _>>()?;
        let trimmed = commits.first().is_none_or(|first| first.position > self.at.position + 1);
        Ok(if trimmed { Vec::new() } else { commits })
    }

    async fn next_in_segments(&mut self) -> Result<Vec<Commit>, StoreError> {
        let (objects, keys) = (&self.store.objects, &self.store.object_keys);
        let chain = match &mut self.segments {
            Some(chain) if chain.at() == self.at => chain,
            stale => stale.insert(Chain::after(objects, keys, self.at).await?),
        };
        Ok(chain.next().await?.unwrap_or_default())
    }
}

fn broken(problem: String) -> StoreError {
    StoreError::BrokenLog(problem)
}
