//! I1: an acknowledged write is in the log exactly once, at a moment within its call; and nothing
//! is in the log that nobody asked for.
//!
//! That the log's writes are in every later export and read model is I7's and I15's part. Absent:
//! memberships, whose writes need not change anything.

use std::collections::{BTreeMap, BTreeSet};

use drydock_core::log::format::{Commit, Mutation};
use drydock_core::store::Durability;
use drydock_harness::record::Seq;
use uuid::Uuid;

use super::tree::id_in;
use super::{Checks, Evidence, Violation};
use crate::history::{Act, Call, Operation, Reply, TreeCall};
use crate::timeline::export::name_of;
use crate::timeline::{At, State, Step, Timeline, apply, visible};

pub const ORACLE: &str = "I1 acknowledged";

/// One change of a named object, as the log has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub seq: Seq,
    pub position: u64,
    pub kind: String,
    pub id: Uuid,
    pub what: Changed,
    /// Whether it is still part of the log's past at the end.
    pub survives: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changed {
    Created { name: String },
    Renamed { from: String, to: String },
    Deleted { name: String },
}

pub fn check(evidence: &Evidence<'_>, checks: &mut Checks) {
    let operations = evidence.operations;
    let mut claimed = vec![false; operations.len()];
    let mut lost = vec![false; operations.len()];
    // A write that was lost with its store may have been made again by the same call.
    let (kept, gone): (Vec<_>, Vec<_>) =
        changes(evidence.timeline).into_iter().partition(|change| change.survives);
    for change in kept.into_iter().chain(gone) {
        let fits = |operation: &&Operation| asks_for(operation, &change);
        let candidates = operations.iter().enumerate();
        let candidates = candidates.filter(|(index, operation)| {
            let free = !claimed[*index] || !change.survives;
            free && operation.called < change.seq && fits(operation)
        });
        // Points and intervals: taking the interval that ends first leaves most for the others. One
        // that has lost a write already is taken again only if there is no other.
        let acknowledged = candidates
            .clone()
            .filter(|(_, operation)| operation.reply().is_some())
            .filter(|(_, operation)| change.seq < operation.end_seq())
            .min_by_key(|(index, operation)| (lost[*index], operation.end_seq()));
        let mut open = candidates.filter(|(_, operation)| operation.is_open());
        let taken = acknowledged.or_else(|| open.next());
        match taken.map(|(index, _)| index) {
            Some(index) if change.survives => claimed[index] = true,
            Some(index) => lost[index] = true,
            None => checks.violated(Violation::new(
                ORACLE,
                "the log has a write that nobody asked for, or has it twice",
                format!("position {}: {:?} {}", change.position, change.what, change.id),
                "every call that asked for it has its own place in the log, or none",
            )),
        }
    }
    for (operation, (claimed, lost)) in operations.iter().zip(claimed.into_iter().zip(lost)) {
        if !is_write(&operation.call) || operation.reply().is_none() {
            continue;
        }
        checks.done(ORACLE, 1);
        if lost && !claimed && evidence.durability == Durability::Archived {
            checks.violated(Violation::new(
                super::recovery::ORACLE,
                "a write that was acknowledged as archived was lost with the coordination store",
                operation.to_string(),
                "its commit is not part of the log's past any more",
            ));
        }
        if !claimed && !lost {
            checks.violated(Violation::new(
                ORACLE,
                "an acknowledged write is not in the log",
                operation.to_string(),
                "no commit between call and answer makes this change",
            ));
        }
    }
}

fn is_write(call: &Call) -> bool {
    matches!(
        call,
        Call::CreateUser { .. }
            | Call::RenameUser { .. }
            | Call::DeleteUser { .. }
            | Call::CreateOrg { .. }
            | Call::DeleteOrg { .. }
            | Call::Tree(TreeCall::CreateGroup { .. } | TreeCall::CreateProject { .. })
    )
}

fn asks_for(operation: &Operation, change: &Change) -> bool {
    let id = match operation.reply() {
        Some(Reply::Named { id, .. } | Reply::Changed { id, .. }) => Some(*id),
        _ => None,
    };
    if id.is_some_and(|id| id != change.id) {
        return false;
    }
    if let Call::Gateway(call) = &operation.call {
        return asks_at_gateway(&call.act, change);
    }
    match (&operation.call, &change.what, change.kind.as_str()) {
        (Call::CreateUser { name }, Changed::Created { name: made }, "users")
        | (Call::CreateOrg { name, .. }, Changed::Created { name: made }, "orgs") => name == made,
        (Call::DeleteUser { name }, Changed::Deleted { name: gone }, "users")
        | (Call::DeleteOrg { name }, Changed::Deleted { name: gone }, "orgs") => name == gone,
        (
            Call::Tree(TreeCall::CreateGroup { name, .. }),
            Changed::Created { name: made },
            "project_groups",
        )
        | (
            Call::Tree(TreeCall::CreateProject { name, .. }),
            Changed::Created { name: made },
            "projects",
        ) => name == made,
        (Call::RenameUser { name, to }, Changed::Renamed { from, to: new }, "users") => {
            name == from && to == new
        }
        (
            Call::Tree(TreeCall::DeleteGroup { group: path }),
            Changed::Deleted { name },
            "project_groups",
        )
        | (
            Call::Tree(TreeCall::DeleteProject { project: path }),
            Changed::Deleted { name },
            "projects",
        ) => path.rsplit('/').next() == Some(name),
        _ => false,
    }
}

/// That what people are told is in the log is the part of [`super::permissions`].
fn asks_at_gateway(act: &Act, change: &Change) -> bool {
    match (act, &change.what, change.kind.as_str()) {
        (Act::CreateUser { name }, Changed::Created { name: made }, "users")
        | (Act::CreateOrg { name }, Changed::Created { name: made }, "orgs")
        | (Act::CreateGroup { name, .. }, Changed::Created { name: made }, "project_groups")
        | (Act::CreateProject { name, .. }, Changed::Created { name: made }, "projects") => {
            name == made
        }
        (Act::DeleteUser { user }, Changed::Deleted { name }, "users") => user == name,
        (Act::RenameUser { to, .. }, Changed::Renamed { to: new, .. }, "users")
        | (Act::RenameOrg { to, .. }, Changed::Renamed { to: new, .. }, "orgs")
        | (Act::RenameGroup { to, .. }, Changed::Renamed { to: new, .. }, "project_groups")
        | (Act::RenameProject { to, .. }, Changed::Renamed { to: new, .. }, "projects") => {
            to == new
        }
        (Act::DeleteOrg { org: id }, Changed::Deleted { .. }, "orgs")
        | (Act::DeleteGroup { group: id }, Changed::Deleted { .. }, "project_groups")
        | (Act::DeleteProject { project: id }, Changed::Deleted { .. }, "projects") => {
            *id == change.id
        }
        _ => false,
    }
}

/// What has names, and is created, renamed and deleted by calls for that.
const KINDS: [&str; 4] = ["users", "orgs", "project_groups", "projects"];

/// The changes of users, orgs, groups and projects that the log's actions make, in order.
pub fn changes(timeline: &Timeline) -> Vec<Change> {
    let surviving = timeline.surviving();
    let by_id: BTreeMap<Uuid, &At<Commit>> =
        timeline.commits.iter().map(|commit| (commit.value.id, commit)).collect();
    let mut changes = Vec::new();
    let mut seen = BTreeSet::new();
    timeline.replay_steps(|place, state, step| {
        let commit = place.commit.and_then(|id| by_id.get(&id));
        let (Step::Before, Some(commit)) = (step, commit) else { return };
        // Proposed again after it was lost with its store, it is the same one.
        if !seen.insert(commit.value.id) {
            return;
        }
        let mut state = state.clone();
        let mut below = Vec::new();
        for action in timeline.actions(&commit.value) {
            let (kind, id) = match action {
                Mutation::Put(object) => (&object.r#type, object.id),
                Mutation::Delete { r#type, id } => (r#type, *id),
            };
            let key = (kind.clone(), id);
            let name =
                |state: &State| visible(state).get(&key).and_then(name_of).map(str::to_owned);
            let before = name(&state);
            let parent = state.get(&key).and_then(|object| id_in(object, "parent"));
            apply(&mut state, action);
            let what = match (before, name(&state)) {
                (None, Some(name)) => Changed::Created { name },
                (Some(from), Some(to)) if from != to => Changed::Renamed { from, to },
                (Some(name), None) => Changed::Deleted { name },
                _ => continue,
            };
            if !KINDS.contains(&&**kind) {
                continue;
            }
            let change = Change {
                seq: commit.seq,
                position: commit.value.position,
                kind: kind.clone(),
                id,
                what,
                survives: surviving.contains(&commit.value.id),
            };
            below.push((change, parent));
        }
        changes.extend(below.into_iter().filter_map(|(change, parent)| {
            let gone = |parent| !state.contains_key(&("project_groups".to_owned(), parent));
            let deleted = matches!(change.what, Changed::Deleted { .. });
            // What goes with the group that it stands in, nobody asked for by itself.
            (!deleted || !parent.is_some_and(gone)).then_some(change)
        }));
    });
    changes
}
