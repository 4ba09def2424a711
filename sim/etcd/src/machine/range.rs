//! Reads, with every option that etcd has.

use std::cmp::Ordering;
use std::sync::Arc;

use etcd_client::proto::{PbKeyValue, PbRangeRequest, PbRangeResponse};
use etcd_client::{SortOrder, SortTarget};

use super::kv::{Machine, header};
use super::span::Span;
use crate::error::{Error, Result};

/// So many elements Go sorts by insertion.
const STABLE_KEYS: usize = 12;

impl Machine {
    /// Reads as if `newest` were the newest revision.
    pub fn range(&self, request: &PbRangeRequest, newest: i64) -> Result<PbRangeResponse> {
        self.check_readable(request.revision, newest)?;
        Ok(self.read(request, newest))
    }

    pub(super) fn check_readable(&self, revision: i64, newest: i64) -> Result<()> {
        if revision > newest {
            return Err(Error::FutureRevision);
        }
        if revision > 0 && revision < self.compacted {
            return Err(Error::Compacted);
        }
        Ok(())
    }

    pub(super) fn read(&self, request: &PbRangeRequest, newest: i64) -> PbRangeResponse {
        let at = if request.revision > 0 { request.revision } else { newest };
        let span = Span::new(&request.key, &request.range_end);
        let mut found: Vec<&Arc<PbKeyValue>> = self.live_in(&span, at).collect();
        // Counts all keys of the range, whatever the filters below leave of them.
        let count = found.len() as i64;
        if request.count_only {
            return PbRangeResponse { header: header(newest), count, ..Default::default() };
        }
        let limit = usize::try_from(request.limit).unwrap_or(0);
        if limit > 0 && request.sort_order() == SortOrder::None && !has_filters(request) {
            // As in etcd the limit comes first then, even if the target asks for another order.
            found.truncate(limit + 1);
        }
        found.retain(|kv| within_filters(request, kv));
        self.sort(request, at, &mut found);
        let more = limit > 0 && found.len() > limit;
        if more {
            found.truncate(limit);
        }
        let kvs = found.into_iter().map(|kv| {
            let mut kv = PbKeyValue::clone(kv);
            if request.keys_only {
                kv.value.clear();
            }
            kv
        });
        PbRangeResponse { header: header(newest), kvs: kvs.collect(), more, count }
    }

    /// Go, in which etcd is written, leaves equal elements in their order only as long as there are
    /// few. Of more of them the order is a draw, so that nobody relies on one.
    fn sort(&self, request: &PbRangeRequest, at: i64, found: &mut Vec<&Arc<PbKeyValue>>) {
        let target = request.sort_target();
        let by_target = |a: &PbKeyValue, b: &PbKeyValue| -> Ordering {
            match target {
                SortTarget::Key => a.key.cmp(&b.key),
                SortTarget::Version => a.version.cmp(&b.version),
                SortTarget::Create => a.create_revision.cmp(&b.create_revision),
                SortTarget::Mod => a.mod_revision.cmp(&b.mod_revision),
                SortTarget::Value => a.value.cmp(&b.value),
            }
        };
        if target != SortTarget::Key && found.len() > STABLE_KEYS {
            found.sort_by_cached_key(|kv| self.draw(at, &kv.key));
        }
        match request.sort_order() {
            // Keys are in order already; any other target without an order means ascending.
            SortOrder::None | SortOrder::Ascend => found.sort_by(|a, b| by_target(a, b)),
            SortOrder::Descend => found.sort_by(|a, b| by_target(b, a)),
        }
    }

    /// Where a key comes among its equals.
    fn draw(&self, at: i64, key: &[u8]) -> [u8; 32] {
        let mut hash = blake3::Hasher::new();
        hash.update(&self.seed.to_be_bytes()).update(&at.to_be_bytes()).update(key);
        *hash.finalize().as_bytes()
    }
}

fn has_filters(request: &PbRangeRequest) -> bool {
    let PbRangeRequest { min_mod_revision, max_mod_revision, .. } = request;
    let PbRangeRequest { min_create_revision, max_create_revision, .. } = request;
    [min_mod_revision, max_mod_revision, min_create_revision, max_create_revision]
        .into_iter()
        .any(|filter| *filter != 0)
}

fn within_filters(request: &PbRangeRequest, kv: &PbKeyValue) -> bool {
    let within = |value, min, max| (min == 0 || value >= min) && (max == 0 || value <= max);
    within(kv.mod_revision, request.min_mod_revision, request.max_mod_revision)
        && within(kv.create_revision, request.min_create_revision, request.max_create_revision)
}
