//! What of a state users see: not what is below a root with a time of deletion, or of an owner with
//! one, which a background task has yet to delete.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::Value;
use uuid::Uuid;

use super::{Place, State, Step, Timeline};

const GROUPS: &str = "project_groups";

impl Timeline {
    /// The same as [`Timeline::replay_steps`], of the states as users see them.
    pub fn replay_visible(&self, mut each: impl FnMut(Place, &State, Step)) {
        self.replay_steps(|place, state, step| each(place, &visible(state), step));
    }
}

/// The number of deleted subtrees and owners of which a state still has something.
pub fn leftovers(state: &State) -> usize {
    [GROUPS, "users", "orgs"].iter().map(|kind| deleted(state, kind).count()).sum()
}

/// The part of a state that users see.
pub fn visible(state: &State) -> Cow<'_, State> {
    let mut hidden: BTreeSet<Uuid> = deleted(state, GROUPS).collect();
    let owners: BTreeSet<Uuid> = deleted(state, "users").chain(deleted(state, "orgs")).collect();
    if hidden.is_empty() && owners.is_empty() {
        return Cow::Borrowed(state);
    }
    loop {
        let before = hidden.len();
        let below = all(state, GROUPS).filter(|(_, group)| is_in(group, "parent", &hidden));
        let below: Vec<_> = below.map(|(id, _)| id).collect();
        hidden.extend(below);
        if hidden.len() == before {
            break;
        }
    }
    let projects = state
        .iter()
        .filter(|((kind, _), value)| kind == "projects" && is_in(value, "parent", &hidden));
    let projects: BTreeSet<Uuid> = projects.map(|((_, id), _)| *id).collect();
    let is_seen = |kind: &str, id: &Uuid, value: &Value| match kind {
        "users" | "orgs" => !owners.contains(id),
        "members" => !is_in(value, "org", &owners) && !is_in(value, "user", &owners),
        "tokens" | "linked_accounts" => !is_in(value, "user", &owners),
        GROUPS => !hidden.contains(id),
        "projects" => !projects.contains(id),
        "secrets" | "variables" => {
            !is_in(value, "project_group", &hidden) && !is_in(value, "project", &projects)
        }
        _ => true,
    };
    let seen = state.iter().filter(|((kind, id), value)| is_seen(kind, id, value));
    Cow::Owned(seen.map(|(key, value)| (key.clone(), value.clone())).collect())
}

fn all<'a>(state: &'a State, wanted: &'a str) -> impl Iterator<Item = (Uuid, &'a Value)> {
    let objects = state.range((wanted.to_owned(), Uuid::nil())..);
    let objects = objects.take_while(move |((kind, _), _)| kind == wanted);
    objects.map(|((_, id), value)| (*id, value))
}

fn deleted<'a>(state: &'a State, kind: &'a str) -> impl Iterator<Item = Uuid> + 'a {
    let deleted = all(state, kind).filter(|(_, object)| object.get("deleted_at").is_some());
    deleted.map(|(id, _)| id)
}

fn is_in(object: &Value, field: &str, ids: &BTreeSet<Uuid>) -> bool {
    let id = object.get(field).and_then(Value::as_str).and_then(|id| id.parse().ok());
    id.is_some_and(|id| ids.contains(&id))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_below_a_deleted_root_is_seen() {
        let [root, below, project, secret, other] = [1, 2, 3, 4, 5].map(Uuid::from_u128);
        let at = |kind: &str, id: Uuid, value| ((kind.to_owned(), id), value);
        let mut state = State::from([
            at(GROUPS, root, json!({ "org": "acme" })),
            at(GROUPS, below, json!({ "parent": root })),
            at("projects", project, json!({ "parent": below })),
            at("secrets", secret, json!({ "project": project })),
            at("users", other, json!({ "name": "ada" })),
        ]);
        assert_eq!(*visible(&state), state);
        state.insert((GROUPS.to_owned(), root), json!({ "deleted_at": "2026-11-30T00:00:00Z" }));
        assert_eq!(leftovers(&state), 1);
        let seen: Vec<_> = visible(&state).keys().map(|(_, id)| *id).collect();
        assert_eq!(seen, [other]);
    }

    #[test]
    fn nothing_of_a_deleted_owner_is_seen() {
        let [ada, ben, acme, token, first, second] = [1, 2, 3, 4, 5, 6].map(Uuid::from_u128);
        let at = |kind: &str, id: Uuid, value| ((kind.to_owned(), id), value);
        let mut state = State::from([
            at("users", ada, json!({ "name": "ada" })),
            at("users", ben, json!({ "name": "ben" })),
            at("orgs", acme, json!({ "name": "acme" })),
            at("tokens", token, json!({ "user": ada })),
            at("members", first, json!({ "org": acme, "user": ada })),
            at("members", second, json!({ "org": acme, "user": ben })),
        ]);
        assert_eq!(*visible(&state), state);
        let deleted = json!({ "deleted_at": "2026-11-30T00:00:00Z" });
        state.insert(("users".to_owned(), ada), deleted.clone());
        let seen =
            |state: &State| -> Vec<Uuid> { visible(state).keys().map(|(_, id)| *id).collect() };
        assert_eq!(seen(&state), [second, acme, ben]);
        state.insert(("orgs".to_owned(), acme), deleted);
        assert_eq!(seen(&state), [ben]);
    }
}
