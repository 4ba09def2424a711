//! I4: reads are linearizable.
//!
//! A history is checked one user name at a time: linearizability is local, so a history is
//! linearizable if each of its objects is. A rename counts as a removal under the old name and a
//! creation under the new one; a list as a read of every name.
//!
//! The search is bounded by steps, not by time, so that its verdict is deterministic too; a history
//! on which it gives up is *not decided*, and reported as such.

use std::collections::BTreeMap;

use drydock_harness::history::{self, Model, Verdict, search};
use drydock_harness::record::Seq;
use uuid::Uuid;

use super::jumps::jumps;
use super::{Checks, Evidence, Violation};
use crate::history::{Answer, Call, Intent, Named, Operation, Reads, Reply};

pub const ORACLE: &str = "I4 linearizable";

/// How many steps the search of one name may take.
const MAX_STEPS: u64 = 2_000_000;

/// What an operation says of one name, or does to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The name had this user, or none.
    Read(Option<Uuid>),
    /// The name had some user.
    ReadSome,
    /// The name had none, and now has this user.
    Create(Uuid),
    /// The name had a user (this one, if it is known), and now has none.
    Remove(Option<Uuid>),
    /// Whatever it had, now it has this (an import).
    Set(Option<Uuid>),
    /// As above, but nobody knows whether it took place, nor which user came of it.
    MaybeCreate,
    MaybeRemove,
    MaybeSet(Option<Uuid>),
}

/// What a name has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Has {
    Nothing,
    User(Uuid),
    /// A user whose id nobody was told yet. The first read tells it.
    Untold,
}

impl From<Option<Uuid>> for Has {
    fn from(id: Option<Uuid>) -> Has {
        id.map_or(Has::Nothing, Has::User)
    }
}

/// One operation on one name, between two events.
pub type Interval = history::Interval<Effect>;

/// A name as a register of users.
enum Name {}

impl Model for Name {
    type Effect = Effect;
    type State = Has;

    fn initial() -> Has {
        Has::Nothing
    }

    fn step(effect: &Effect, has: &Has) -> Option<Has> {
        effect.step(*has)
    }
}

impl Effect {
    /// What the name has afterwards; `None` if the effect contradicts what it has.
    fn step(self, has: Has) -> Option<Has> {
        let some = has != Has::Nothing;
        match self {
            Effect::Read(None) => (!some).then_some(has),
            Effect::Read(Some(id)) => same(has, id).then_some(Has::User(id)),
            Effect::ReadSome => some.then_some(has),
            Effect::Create(id) => (!some).then_some(Has::User(id)),
            Effect::Remove(None) => some.then_some(Has::Nothing),
            Effect::Remove(Some(id)) => same(has, id).then_some(Has::Nothing),
            Effect::Set(id) | Effect::MaybeSet(id) => Some(id.into()),
            Effect::MaybeCreate => Some(if some { has } else { Has::Untold }),
            Effect::MaybeRemove => Some(Has::Nothing),
        }
    }
}

fn same(has: Has, id: Uuid) -> bool {
    match has {
        Has::Nothing => false,
        Has::User(known) => known == id,
        Has::Untold => true,
    }
}

/// Checks every name of a history.
pub fn check(evidence: &Evidence<'_>, checks: &mut Checks) {
    let operations = evidence.exact;
    let jumps = jumps(evidence);
    for (name, mut intervals) in by_name(operations) {
        intervals.extend(jumps.iter().map(|jump| jump.interval(&name)));
        checks.done(ORACLE, intervals.len() as u64);
        match search::<Name>(&intervals, MAX_STEPS) {
            Verdict::Linearizable => {}
            Verdict::NotDecided => checks.not_decided(ORACLE, &name),
            Verdict::Broken { stuck } => {
                let Some(late) = operations.get(stuck) else {
                    let (sentence, how) = ("a store went back at an odd moment", "no order");
                    checks.violated(Violation::new(ORACLE, sentence, how, name));
                    continue;
                };
                let before = intervals
                    .iter()
                    .filter(|other| other.to < late.called)
                    .max_by_key(|other| other.to);
                let before = before.and_then(|other| operations.get(other.operation));
                let before =
                    before.map_or("nothing, or a recovery".to_owned(), ToString::to_string);
                let sentence = format!("no order of the calls explains what user `{name}` was");
                checks.violated(Violation::new(ORACLE, sentence, before, late.to_string()));
            }
        }
    }
}

/// The intervals of every name that the history speaks of.
pub fn by_name(operations: &[Operation]) -> BTreeMap<String, Vec<Interval>> {
    let mut names: BTreeMap<String, Vec<Interval>> = BTreeMap::new();
    for operation in operations {
        for name in names_of(&operation.call) {
            names.entry(name.to_owned()).or_default();
        }
    }
    for (index, operation) in operations.iter().enumerate() {
        for (name, intervals) in &mut names {
            let Some(effect) = effect(operation, name) else {
                continue;
            };
            let to = match operation.is_open() {
                true => Seq::MAX,
                false => operation.end_seq(),
            };
            intervals.push(Interval { from: operation.called, to, effect, operation: index });
        }
    }
    names
}

fn names_of(call: &Call) -> Vec<&str> {
    match call {
        Call::CreateUser { name } | Call::GetUser { name } | Call::DeleteUser { name } => {
            vec![name]
        }
        Call::RenameUser { name, to } => vec![name, to],
        _ => Vec::new(),
    }
}

/// What an operation is to one name.
fn effect(operation: &Operation, name: &str) -> Option<Effect> {
    let open = operation.is_open();
    let answer = operation.answer();
    let code = answer.and_then(Answer::code);
    let reply = answer.and_then(Answer::ok);
    let id = match reply {
        Some(Reply::Named { id, .. }) => Some(*id),
        _ => None,
    };
    let found = match code {
        Some("user_not_exist") => Some(Effect::Read(None)),
        _ => None,
    };
    match &operation.call {
        Call::CreateUser { name: mine } if mine == name => match (reply, code) {
            (Some(_), _) => id.map(Effect::Create),
            (_, Some("user_already_exists")) => Some(Effect::ReadSome),
            _ => open.then_some(Effect::MaybeCreate),
        },
        Call::GetUser { name: mine } if mine == name => {
            id.map(|id| Effect::Read(Some(id))).or(found)
        }
        Call::DeleteUser { name: mine } if mine == name => match (reply, code) {
            (Some(_), _) => Some(Effect::Remove(None)),
            (_, Some("last_owner")) => Some(Effect::ReadSome),
            _ if open => Some(Effect::MaybeRemove),
            _ => found,
        },
        Call::RenameUser { name: old, to } if old == name && to != name => match reply {
            Some(_) => Some(Effect::Remove(id)),
            None if open => Some(Effect::MaybeRemove),
            None => found,
        },
        Call::RenameUser { to, .. } if to == name => match (reply, code) {
            (Some(_), _) => id.map(Effect::Create),
            (_, Some("user_already_exists")) => Some(Effect::ReadSome),
            _ => open.then_some(Effect::MaybeCreate),
        },
        Call::ListUsers { reads: Reads::Linearizable } => match reply {
            Some(Reply::List(list)) => Some(Effect::Read(lookup(list, name))),
            _ => None,
        },
        Call::Import { body, intent: Intent::Restore } => replaced(operation, body, name),
        Call::GoBack { body, .. } => replaced(operation, body, name),
        _ => None,
    }
}

fn replaced(operation: &Operation, body: &[u8], name: &str) -> Option<Effect> {
    let users = crate::timeline::export::users(body);
    let id = lookup(&users, name);
    match operation.reply() {
        Some(_) => Some(Effect::Set(id)),
        None => operation.is_open().then_some(Effect::MaybeSet(id)),
    }
}

pub fn lookup(list: &[Named], name: &str) -> Option<Uuid> {
    list.iter().find(|user| user.name == name).map(|user| user.id)
}

#[cfg(test)]
mod tests;
