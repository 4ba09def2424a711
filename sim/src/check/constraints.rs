//! I5: constraints hold in every state of every read model.
//!
//! Checked: names of users and of orgs are unique, a membership's org and user exist, and an org
//! that has an owner keeps one until an import; the tree is one. Of the read models it sees what
//! local lists show, of the log every state.

use std::collections::BTreeSet;

use super::{Checks, Evidence, Violation, tree};
use crate::history::{Named, Operation, Reply};
use crate::timeline::export::{Export, named};
use crate::timeline::{State, visible};

pub const ORACLE: &str = "I5 constraints";

pub fn check(evidence: &Evidence<'_>, checks: &mut Checks) {
    let mut broken: Option<(u64, String)> = None;
    let mut owned = BTreeSet::new();
    evidence.timeline.replay(|place, state| {
        checks.done(ORACLE, 1);
        let seen = visible(state);
        let now = owned_orgs(&seen);
        let mut lost = owned.difference(&now).filter(|org| exists(&seen, org));
        let orphaned = match place.jump {
            true => None,
            false => lost.next().map(|org| format!("org `{org}` has lost its last owner")),
        };
        if let (None, Some(problem)) = (&broken, problem(state).or(orphaned)) {
            broken = Some((place.position, problem));
        }
        owned = now;
    });
    if let Some((position, problem)) = broken {
        let at = format!("the log's state at position {position}");
        checks.violated(violation(at, problem));
    }
    for operation in evidence.operations {
        let problem = match operation.reply() {
            Some(Reply::List(list)) => doubled(list),
            Some(Reply::Export(bytes)) => {
                Export::parse(bytes).ok().and_then(|export| problem(&export.state))
            }
            _ => continue,
        };
        checks.done(ORACLE, 1);
        if let Some(problem) = problem {
            checks.violated(violation(Operation::to_string(operation), problem));
        }
    }
}

fn violation(at: String, problem: String) -> Violation {
    Violation::new(ORACLE, "a constraint does not hold", at, problem)
}

fn problem(state: &State) -> Option<String> {
    let doubled = ["users", "orgs"].iter().find_map(|kind| {
        let name = doubled(&named(state, kind))?;
        Some(format!("{kind}: {name}"))
    });
    doubled.or_else(|| orphan(state)).or_else(|| tree::problem(state))
}

fn doubled(list: &[Named]) -> Option<String> {
    let mut seen = BTreeSet::new();
    let twice = list.iter().find(|found| !seen.insert(&found.name))?;
    Some(format!("name `{}` is taken twice", twice.name))
}

fn exists(state: &State, org: &str) -> bool {
    org.parse().is_ok_and(|id| state.contains_key(&("orgs".to_owned(), id)))
}

/// The ids of the orgs that have an owner.
fn owned_orgs(state: &State) -> BTreeSet<String> {
    let members = state.iter().filter(|((kind, _), _)| kind == "members");
    let owners = members.filter(|(_, member)| member["role"] == "owner");
    owners.filter_map(|(_, member)| Some(member["org"].as_str()?.to_owned())).collect()
}

fn orphan(state: &State) -> Option<String> {
    state.iter().find_map(|((kind, id), value)| {
        if kind != "members" {
            return None;
        }
        [("org", "orgs"), ("user", "users")].into_iter().find_map(|(field, kind)| {
            let text = value.get(field)?.as_str()?;
            let gone = match text.parse() {
                Ok(target) => !state.contains_key(&(kind.to_owned(), target)),
                Err(_) => true,
            };
            gone.then(|| format!("membership {id} refers to {field} `{text}`, which is gone"))
        })
    })
}
