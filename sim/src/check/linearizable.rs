//! I4: reads are linearizable, checked with the algorithm of Wing, Gong and Lowe.
//!
//! A history is checked one user name at a time: linearizability is local, so a history is
//! linearizable if each of its objects is. A rename counts as a removal under the old name and a
//! creation under the new one; a list as a read of every name.
//!
//! The search is bounded by steps, not by time, so that its verdict is deterministic too; a history
//! on which it gives up is *not decided*, and reported as such.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::jumps::jumps;
use super::{Checks, Evidence, Violation};
use crate::history::{Answer, Call, Intent, Named, Operation, Reads, Reply};
use crate::recorder::Seq;

pub const ORACLE: &str = "I4 linearizable";

/// How many steps the search of one name may take.
const MAX_STEPS: u64 = 300_000;

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
    MaybeCreate(usize),
    MaybeRemove,
    MaybeSet(Option<Uuid>),
}

/// What a name has. A user whose id nobody was told is known by the operation that may have made
/// it, until the first read tells the id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Has {
    Nothing,
    User(Uuid),
    Untold(usize),
}

impl From<Option<Uuid>> for Has {
    fn from(id: Option<Uuid>) -> Has {
        id.map_or(Has::Nothing, Has::User)
    }
}

/// One operation on one name, between two events.
#[derive(Debug, Clone)]
pub struct Interval {
    pub from: Seq,
    /// [`Seq::MAX`]: never answered.
    pub to: Seq,
    pub effect: Effect,
    /// The operation's place in the history.
    pub operation: usize,
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
            Effect::MaybeCreate(by) => Some(if some { has } else { Has::Untold(by) }),
            Effect::MaybeRemove => Some(Has::Nothing),
        }
    }
}

fn same(has: Has, id: Uuid) -> bool {
    match has {
        Has::Nothing => false,
        Has::User(known) => known == id,
        Has::Untold(_) => true,
    }
}

#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    Linearizable,
    /// No order explains it. The longest explained prefix stops at this operation.
    Broken {
        stuck: usize,
    },
    /// The search was too long.
    NotDecided,
}

/// Checks every name of a history.
pub fn check(evidence: &Evidence<'_>, checks: &mut Checks) {
    let operations = evidence.exact;
    let jumps = jumps(evidence);
    for (name, mut intervals) in by_name(operations) {
        intervals.extend(jumps.iter().map(|jump| jump.interval(&name)));
        checks.done(ORACLE, intervals.len() as u64);
        match search(&intervals, MAX_STEPS) {
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
            let Some(effect) = effect(index, operation, name) else {
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
fn effect(index: usize, operation: &Operation, name: &str) -> Option<Effect> {
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
            _ => open.then_some(Effect::MaybeCreate(index)),
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
            _ => open.then_some(Effect::MaybeCreate(index)),
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

/// Looks for an order of the intervals that their effects allow.
pub fn search(intervals: &[Interval], max_steps: u64) -> Verdict {
    let mut entries = Entries::new(intervals);
    let mut has = Has::Nothing;
    let mut done = Done::new(intervals.len());
    let mut tried = BTreeSet::new();
    let mut path: Vec<(usize, Has)> = Vec::new();
    let mut entry = entries.first();
    let (mut steps, mut deepest, mut stuck) = (0, 0, 0);
    while let Some(at) = entry {
        steps += 1;
        if steps > max_steps {
            return Verdict::NotDecided;
        }
        match entries.call(at) {
            Some(interval) => {
                let next = intervals[interval].effect.step(has);
                let fresh = next.filter(|next| {
                    done.insert(interval);
                    let fresh = tried.insert((done.0.clone(), *next));
                    done.remove(interval);
                    fresh
                });
                match fresh {
                    Some(next) => {
                        path.push((interval, has));
                        has = next;
                        done.insert(interval);
                        entries.lift(interval);
                        entry = entries.first();
                    }
                    None => entry = entries.after(at),
                }
            }
            // A return whose call is not explained yet: something before it was chosen wrongly.
            None => {
                if path.len() >= deepest {
                    (deepest, stuck) = (path.len(), intervals[entries.returned(at)].operation);
                }
                let Some((interval, before)) = path.pop() else {
                    return Verdict::Broken { stuck };
                };
                has = before;
                done.remove(interval);
                entries.unlift(interval);
                entry = entries.after(entries.call_of(interval));
            }
        }
    }
    Verdict::Linearizable
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Done(Vec<u64>);

impl Done {
    fn new(count: usize) -> Done {
        Done(vec![0; count.div_ceil(64)])
    }

    fn insert(&mut self, at: usize) {
        self.0[at / 64] |= 1 << (at % 64);
    }

    fn remove(&mut self, at: usize) {
        self.0[at / 64] &= !(1 << (at % 64));
    }
}

/// Calls and returns in order, as a doubly linked list from which they are lifted in pairs. Entry 0
/// is the head.
struct Entries {
    next: Vec<usize>,
    previous: Vec<usize>,
    /// Of each entry: its interval, and whether it is the call.
    what: Vec<(usize, bool)>,
    /// Of each interval: the entries of its call and its return.
    places: Vec<(usize, usize)>,
}

impl Entries {
    fn new(intervals: &[Interval]) -> Entries {
        let ends = intervals.iter().enumerate().flat_map(|(index, interval)| {
            // Calls come before returns where both are unanswered: those may take place at any
            // time.
            [(interval.from, 0, index, true), (interval.to, 1, index, false)]
        });
        let mut ends: Vec<_> = ends.collect();
        ends.sort_unstable();
        let count = ends.len() + 1;
        let mut entries = Entries {
            next: (1..=count).map(|next| next % count).collect(),
            previous: (0..count).map(|at| (at + count - 1) % count).collect(),
            what: vec![(usize::MAX, false)],
            places: vec![(0, 0); intervals.len()],
        };
        for (_, _, index, is_call) in ends {
            let at = entries.what.len();
            entries.what.push((index, is_call));
            match is_call {
                true => entries.places[index].0 = at,
                false => entries.places[index].1 = at,
            }
        }
        entries
    }

    fn first(&self) -> Option<usize> {
        self.after(0)
    }

    fn after(&self, at: usize) -> Option<usize> {
        Some(self.next[at]).filter(|next| *next != 0)
    }

    /// The interval, if the entry is a call.
    fn call(&self, at: usize) -> Option<usize> {
        let (interval, is_call) = self.what[at];
        is_call.then_some(interval)
    }

    fn returned(&self, at: usize) -> usize {
        self.what[at].0
    }

    fn call_of(&self, interval: usize) -> usize {
        self.places[interval].0
    }

    fn lift(&mut self, interval: usize) {
        let (call, ret) = self.places[interval];
        for at in [call, ret] {
            let (previous, next) = (self.previous[at], self.next[at]);
            self.next[previous] = next;
            self.previous[next] = previous;
        }
    }

    fn unlift(&mut self, interval: usize) {
        let (call, ret) = self.places[interval];
        for at in [ret, call] {
            let (previous, next) = (self.previous[at], self.next[at]);
            self.next[previous] = at;
            self.previous[next] = at;
        }
    }
}

#[cfg(test)]
mod tests;
