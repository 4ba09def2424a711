//! Checks the keys of the coordination store, as of one revision.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::verify::Verifier;
use crate::coord::{Coordination, KeyValue, Op, OpResult, RangeRequest, Revision, Txn};
use crate::lineage::record::RecoveryRecord;
use crate::log::format::{
    ArchivedRecord, Body, CheckpointRecord, Commit, Head, InstanceRecord, LeaderRecord, ModeRecord,
    Position, WritesRecord, decode,
};
use crate::read_model::StoreError;

/// The keys that the objects are compared with.
#[derive(Default)]
pub(super) struct CoordinationState {
    pub(super) head: Option<Head>,
    pub(super) checkpoint: Option<CheckpointRecord>,
    pub(super) archived: Option<ArchivedRecord>,
    /// The lineage and id of each commit in the log, by position.
    pub(super) log: BTreeMap<Position, (Uuid, Uuid)>,
}

/// The keys that are known by their whole names.
const KNOWN: [&str; 7] = ["head", "checkpoint", "archived", "mode", "recovery", "writes", "joined"];
/// Keys read at a time.
const PAGE: usize = 256;

pub(super) async fn check(verifier: &mut Verifier<'_>) -> Result<CoordinationState, StoreError> {
    let keys = verifier.inner.keys.clone();
    let read = Txn::default()
        .then(Op::get(keys.head()))
        .then(Op::get(keys.checkpoint()))
        .then(Op::get(keys.archived()))
        .then(Op::get(keys.mode()))
        .then(Op::get(keys.recovery()))
        .then(Op::get(keys.writes()));
    let answer = verifier.inner.coord.txn(read).await?;
    let found = |at: usize| answer.results.get(at).and_then(OpResult::first);
    let stops = "no instance can load";
    let mut state = CoordinationState {
        head: value(verifier, found(0), stops)?,
        checkpoint: value(verifier, found(1), stops)?,
        archived: value(verifier, found(2), "nothing is archived any more")?,
        log: BTreeMap::new(),
    };
    value::<ModeRecord>(verifier, found(3), "no instance knows whether it may serve")?;
    value::<RecoveryRecord>(verifier, found(4), "the status cannot be shown")?;
    value::<WritesRecord>(verifier, found(5), "no instance can load")?;
    others(verifier, answer.revision).await?;
    log(verifier, &mut state, answer.revision).await?;
    if let Some(head) = state.head {
        positions(verifier, &state, &head);
    }
    Ok(state)
}

fn value<T: DeserializeOwned>(
    verifier: &mut Verifier<'_>,
    found: Option<&KeyValue>,
    meaning: &str,
) -> Result<Option<T>, StoreError> {
    let Some(kv) = found else { return Ok(None) };
    let place = String::from_utf8_lossy(&kv.key).into_owned();
    verifier.check(place, meaning, decode(&kv.key, &kv.value))
}

/// Checks the keys that are known by their prefix only, and reports unknown keys.
async fn others(verifier: &mut Verifier<'_>, revision: Revision) -> Result<(), StoreError> {
    let keys = verifier.inner.keys.clone();
    let mut range = keys.all();
    loop {
        let mut request = RangeRequest::new(range.clone()).limit(PAGE);
        request.revision = Some(revision);
        let page = verifier.inner.coord.range(request).await?;
        for kv in &page.kvs {
            verifier.checked.keys += 1;
            let name = keys.name(&kv.key).unwrap_or_default();
            let known = KNOWN.contains(&name)
                || ["leased/", "log/", "tasks/"].iter().any(|folder| name.starts_with(folder));
            if name.starts_with("instances/") {
                value::<InstanceRecord>(verifier, Some(kv), "the status cannot be shown")?;
            } else if name == "leader" {
                value::<LeaderRecord>(verifier, Some(kv), "changes are not forwarded")?;
            } else if !known {
                let place = String::from_utf8_lossy(&kv.key).into_owned();
                verifier.report(place, "it is not a key of this version", "nobody reads it");
            }
        }
        match page.kvs.last() {
            Some(last) if page.more => {
                let mut next = last.key.to_vec();
                next.push(0);
                range.start = next.into();
            }
            _ => return Ok(()),
        }
    }
}

async fn log(
    verifier: &mut Verifier<'_>,
    state: &mut CoordinationState,
    revision: Revision,
) -> Result<(), StoreError> {
    let keys = verifier.inner.keys.clone();
    let (mut range, mut before) = (keys.commits(), None::<Head>);
    loop {
        let mut request = RangeRequest::new(range).limit(PAGE);
        request.revision = Some(revision);
        let page = verifier.inner.coord.range(request).await?;
        for kv in &page.kvs {
            let place = String::from_utf8_lossy(&kv.key).into_owned();
            let meaning = "no instance can load, or follow, beyond this commit";
            let Some(commit) =
                verifier.check(&place, meaning, decode::<Commit>(&kv.key, &kv.value))?
            else {
                before = None;
                continue;
            };
            if keys.commit(commit.position) != place {
                let problem = format!("it holds the commit of position `{}`", commit.position);
                verifier.report(&place, problem, meaning);
            }
            if let Some(before) = before
                && !links(&before, &commit)
            {
                let problem = format!("it does not follow the commit at `{}`", before.position);
                verifier.report(&place, problem, meaning);
            }
            before = Some(commit.head());
            state.log.insert(commit.position, (commit.lineage, commit.id));
            verifier.commit(&place, commit).await?;
        }
        match page.kvs.last() {
            Some(last) if page.more => {
                let mut next = last.key.to_vec();
                next.push(0);
                range = crate::coord::KeyRange { start: next.into(), ..keys.commits() };
            }
            _ => return Ok(()),
        }
    }
}

/// Whether `commit` follows `before`; a switch may begin another lineage.
fn links(before: &Head, commit: &Commit) -> bool {
    let switch = matches!(commit.body, Body::Switch { .. });
    commit.position == before.position + 1
        && commit.previous == before.commit
        && (switch || commit.lineage == before.lineage)
}

/// Checks the positions against each other and against the log.
fn positions(verifier: &mut Verifier<'_>, state: &CoordinationState, head: &Head) {
    let keys = verifier.inner.keys.clone();
    let stops = "no instance can load, and no write can be committed";
    let archived = state.archived.map_or(0, |archived| archived.position);
    let says = (head.position, (head.lineage, head.commit));
    match state.log.last_key_value().map(|(position, commit)| (*position, *commit)) {
        Some(ends) if ends != says => {
            let (said, end) = (says.0, ends.0);
            let problem = format!("it says `{said}`, the log ends at `{end}`, or another commit");
            verifier.report(keys.head(), problem, stops);
        }
        None if head.position > archived => {
            let problem = format!("the log is empty, `{archived}` was archived last");
            verifier.report(keys.head(), problem, stops);
        }
        Some(_) | None => {}
    }
    if let Some((first, _)) = state.log.first_key_value()
        && *first > archived + 1
    {
        let problem = format!("the log begins at `{first}`, `{archived}` was archived last");
        verifier.report(keys.archived(), problem, "the commits between the two are lost");
    }
    if let Some(checkpoint) = state.checkpoint
        && (checkpoint.lineage != head.lineage || checkpoint.position > head.position)
    {
        let problem = "it is of another lineage than `head`, or beyond it";
        verifier.report(keys.checkpoint(), problem, "no instance can load");
    }
    if let Some(archived) = state.archived {
        let known = state.log.get(&archived.position);
        // A lineage that has just begun is not archived itself, and names no commit.
        let fits = archived.lineage == head.lineage
            && archived.position <= head.position
            && (!archived.is_published()
                || known.is_none_or(|known| *known == (archived.lineage, archived.commit)));
        if !fits {
            let problem = "it is of another lineage than `head`, beyond it, or of another commit";
            verifier.report(keys.archived(), problem, "nothing is archived any more");
        }
    }
}
