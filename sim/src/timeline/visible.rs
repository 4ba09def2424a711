//! What of a state users see: not what is below a root with a time of deletion, which a background
//! task has yet to delete.

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

/// The number of deleted subtrees of which a state still has something.
pub fn leftovers(state: &State) -> usize {
    deleted_roots(state).count()
}

/// The part of a state that users see.
pub fn visible(state: &State) -> Cow<'_, State> {
    let mut hidden: BTreeSet<Uuid> = deleted_roots(state).collect();
    if hidden.is_empty() {
        return Cow::Borrowed(state);
    }
    loop {
        let before = hidden.len();
        let below = groups(state).filter(|(_, group)| is_in(group, "parent", &hidden));
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

fn groups(state: &State) -> impl Iterator<Item = (Uuid, &Value)> {
    let groups = state.range((GROUPS.to_owned(), Uuid::nil())..);
    let groups = groups.take_while(|((kind, _), _)| kind == GROUPS);
    groups.map(|((_, id), value)| (*id, value))
}

fn deleted_roots(state: &State) -> impl Iterator<Item = Uuid> {
    groups(state).filter(|(_, group)| group.get("deleted_at").is_some()).map(|(id, _)| id)
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
}
