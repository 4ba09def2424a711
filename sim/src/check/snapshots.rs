//! I4, of whole answers: what a linearizable read says is the state at one position between its
//! call and its answer, and an acknowledged membership is there at one of them.
//!
//! Sees what the search name by name cannot: lists that mix two states, and organizations.

use std::collections::BTreeSet;

use drydock_runtime::encryption::KeyRing;
use serde_json::Value;
use uuid::Uuid;

use super::{Checks, Evidence, Violation, tree};
use crate::history::{Call, Named, Operation, Reads, Reply, Role, TreeCall};
use crate::timeline::export::{name_of, named};
use crate::timeline::{State, Step};

pub const ORACLE: &str = "I4 snapshot";

struct Window<'a> {
    operation: &'a Operation,
    /// The states in force, by number, see [`crate::timeline::Place`].
    first: usize,
    last: usize,
}

pub fn check(evidence: &Evidence<'_>, checks: &mut Checks) {
    let timeline = evidence.timeline;
    let asked = evidence.operations.iter().filter(|operation| {
        operation.reply().is_some_and(|reply| {
            fits(&operation.call, reply, &State::new(), evidence.keys).is_some()
        })
    });
    let mut waiting: Vec<Window<'_>> = asked
        .map(|operation| Window {
            operation,
            first: timeline.nth_at(operation.called),
            last: timeline.nth_at(operation.end_seq()),
        })
        .collect();
    checks.done(ORACLE, waiting.len() as u64);
    waiting.sort_by_key(|window| std::cmp::Reverse(window.first));
    let mut open: Vec<Window<'_>> = Vec::new();
    timeline.replay_visible(|place, state, step| {
        if step == Step::Before {
            return;
        }
        let nth = place.nth;
        while let Some(window) = waiting.pop_if(|window| window.first <= nth) {
            open.push(window);
        }
        open.retain(|window| {
            let operation = window.operation;
            let reply = operation.reply().expect("only answered operations are open");
            let visible = step == Step::Whole || is_write(&operation.call);
            let fits =
                visible && fits(&operation.call, reply, state, evidence.keys).unwrap_or(true);
            let over = step == Step::Whole && nth >= window.last;
            if !fits && over {
                checks.violated(violation(window));
            }
            !fits && !over
        });
    });
}

/// Whether the call saw, and made, a state that another one in the same commit may have changed.
fn is_write(call: &Call) -> bool {
    matches!(call, Call::SetMember { .. } | Call::RemoveMember { .. })
}

fn violation(window: &Window<'_>) -> Violation {
    let (first, last) = (window.first, window.last);
    Violation::new(
        ORACLE,
        "an answer is not the state at any position between its call and its answer",
        window.operation.to_string(),
        format!("none of the states from the {first}th to the {last}th is like that"),
    )
}

/// Whether an answer may come from `state`; `None` for calls of which that cannot be said.
fn fits(call: &Call, reply: &Reply, state: &State, keys: &KeyRing) -> Option<bool> {
    match (call, reply) {
        (Call::GetUser { .. }, Reply::Named { id, name }) => {
            Some(find(state, "users", name) == Some(*id))
        }
        (Call::ListUsers { reads: Reads::Linearizable }, Reply::List(list)) => {
            Some(set(list) == set(&named(state, "users")))
        }
        (Call::ListMembers { org }, Reply::List(list)) => Some(set(list) == members(state, org)),
        (Call::SetMember { org, user, role }, _) => {
            Some(role_of(state, org, user) == Some(role_name(*role)))
        }
        (Call::RemoveMember { org, user }, _) => Some(role_of(state, org, user).is_none()),
        (Call::Tree(call), reply) => fits_tree(call, reply, state, keys),
        _ => None,
    }
}

fn fits_tree(call: &TreeCall, reply: &Reply, state: &State, keys: &KeyRing) -> Option<bool> {
    match (call, reply) {
        (TreeCall::ListGroups { group }, Reply::List(list)) => {
            Some(tree::subgroups(state, group) == Some(set(list)))
        }
        (TreeCall::GetProject { project }, Reply::Named { id, .. }) => {
            Some(tree::project_at(state, project) == Some(*id))
        }
        (TreeCall::Environment { project }, Reply::Environment(values)) => {
            Some(tree::environment(state, project, keys).as_ref() == Some(values))
        }
        _ => None,
    }
}

fn set(list: &[Named]) -> BTreeSet<(String, Uuid)> {
    list.iter().map(|named| (named.name.clone(), named.id)).collect()
}

fn find(state: &State, kind: &str, name: &str) -> Option<Uuid> {
    named(state, kind).iter().find(|found| found.name == name).map(|found| found.id)
}

fn id_in(value: &Value, field: &str) -> Option<Uuid> {
    value.get(field)?.as_str()?.parse().ok()
}

fn memberships(state: &State) -> impl Iterator<Item = &Value> {
    state.iter().filter(|((kind, _), _)| kind == "members").map(|(_, value)| value)
}

fn members(state: &State, org: &str) -> BTreeSet<(String, Uuid)> {
    let org = find(state, "orgs", org);
    let of_org = memberships(state).filter(|member| org.is_some() && id_in(member, "org") == org);
    let users = of_org.filter_map(|member| {
        let user = id_in(member, "user")?;
        let name = state.get(&("users".to_owned(), user)).and_then(name_of)?;
        Some((name.to_owned(), user))
    });
    users.collect()
}

fn role_of<'a>(state: &'a State, org: &str, user: &str) -> Option<&'a str> {
    let (org, user) = (find(state, "orgs", org)?, find(state, "users", user)?);
    let mut found = memberships(state)
        .filter(|member| id_in(member, "org") == Some(org) && id_in(member, "user") == Some(user));
    found.next()?.get("role")?.as_str()
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Owner => "owner",
        Role::Member => "member",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::identity::keys;

    fn state() -> State {
        let [user, org, member] = [1, 2, 3].map(Uuid::from_u128);
        let value = |text: String| serde_json::from_str(&text).unwrap();
        let membership = format!(r#"{{"org": "{org}", "user": "{user}", "role": "owner"}}"#);
        State::from([
            (("users".to_owned(), user), value(r#"{"name": "ada"}"#.to_owned())),
            (("orgs".to_owned(), org), value(r#"{"name": "acme"}"#.to_owned())),
            (("members".to_owned(), member), value(membership)),
        ])
    }

    #[test]
    fn an_answer_fits_the_state_it_describes_and_no_other() {
        let ada = Named { id: Uuid::from_u128(1), name: "ada".to_owned() };
        let list = Reply::List(vec![ada]);
        let calls = [
            Call::ListUsers { reads: Reads::Linearizable },
            Call::ListMembers { org: "acme".to_owned() },
        ];
        for call in calls {
            assert_eq!(fits(&call, &list, &state(), &keys()), Some(true), "{call}");
            assert_eq!(fits(&call, &list, &State::new(), &keys()), Some(false), "{call}");
            assert_eq!(
                fits(&call, &Reply::List(Vec::new()), &state(), &keys()),
                Some(false),
                "{call}"
            );
        }
        let set = |role| Call::SetMember { org: "acme".into(), user: "ada".into(), role };
        assert_eq!(fits(&set(Role::Owner), &Reply::Done, &state(), &keys()), Some(true));
        assert_eq!(fits(&set(Role::Member), &Reply::Done, &state(), &keys()), Some(false));
    }
}
