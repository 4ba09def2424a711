//! I5 of the tree: what stands where, read from a state with code that shares nothing with the
//! product's. Also what a path leads to, and what a run of a project gets.

use std::collections::{BTreeMap, BTreeSet};

use drydock_runtime::encryption::{Bound, Encrypted, KeyRing};
use serde_json::Value;
use uuid::Uuid;

use crate::timeline::State;

const GROUPS: &str = "project_groups";
const PROJECTS: &str = "projects";

/// What is wrong with the tree.
pub fn problem(state: &State) -> Option<String> {
    roots(state)
        .or_else(|| unique(state, GROUPS, "parent"))
        .or_else(|| unique(state, PROJECTS, "parent"))
        .or_else(|| dangling(state))
        .or_else(|| circle(state))
}

/// Every user and organization has one root group, and every root group one of them, unless it is
/// deleted.
fn roots(state: &State) -> Option<String> {
    let mut owned = BTreeSet::new();
    for (id, group) in all(state, GROUPS) {
        let [user, org, parent] = ["user", "org", "parent"].map(|field| id_in(group, field));
        let deleted = usize::from(group.get("deleted_at").is_some());
        if [user, org, parent].iter().flatten().count() + deleted != 1 {
            return Some(format!("group {id} does not stand in one place"));
        }
        for owner in [user, org].into_iter().flatten() {
            if !owned.insert(owner) {
                return Some(format!("`{owner}` has two root groups"));
            }
        }
    }
    let owners = all(state, "users").chain(all(state, "orgs"));
    let owners = owners.filter(|(_, owner)| owner.get("deleted_at").is_none());
    let mut without = owners.filter(|(id, _)| !owned.contains(id));
    without.next().map(|(id, _)| format!("`{id}` has no root group"))
}

fn unique(state: &State, kind: &str, scope: &str) -> Option<String> {
    let mut seen = BTreeSet::new();
    all(state, kind).find_map(|(id, object)| {
        let parent = id_in(object, scope)?;
        let name = object.get("name")?.as_str()?;
        (!seen.insert((parent, name))).then(|| format!("{kind}: {id} is a second `{name}`"))
    })
}

fn dangling(state: &State) -> Option<String> {
    let references = [
        (GROUPS, "user", "users"),
        (GROUPS, "org", "orgs"),
        (GROUPS, "parent", GROUPS),
        (PROJECTS, "parent", GROUPS),
        ("secrets", "project_group", GROUPS),
        ("secrets", "project", PROJECTS),
        ("variables", "project_group", GROUPS),
        ("variables", "project", PROJECTS),
    ];
    references.into_iter().find_map(|(kind, field, target)| {
        all(state, kind).find_map(|(id, object)| {
            let to = id_in(object, field)?;
            let gone = !state.contains_key(&(target.to_owned(), to));
            gone.then(|| format!("{kind}: {id} refers to {field} `{to}`, which is gone"))
        })
    })
}

fn circle(state: &State) -> Option<String> {
    all(state, GROUPS).find_map(|(id, _)| {
        let above = up(state, id);
        let last = state.get(&(GROUPS.to_owned(), *above.last()?))?;
        let ends = id_in(last, "parent").is_none();
        (!ends).then(|| format!("group {id} stands below itself"))
    })
}

/// The group and those above it, nearest first; ends where it would begin anew.
pub(super) fn up(state: &State, group: Uuid) -> Vec<Uuid> {
    let mut above = vec![group];
    while let Some(last) = above.last()
        && let Some(object) = state.get(&(GROUPS.to_owned(), *last))
        && let Some(parent) = id_in(object, "parent")
        && !above.contains(&parent)
    {
        above.push(parent);
    }
    above
}

/// The groups right below the one that the path leads to; `None` if it leads nowhere.
pub fn subgroups(state: &State, path: &str) -> Option<BTreeSet<(String, Uuid)>> {
    let group = group_at(state, path)?;
    let below = all(state, GROUPS).filter(|(_, object)| id_in(object, "parent") == Some(group));
    let named = below.filter_map(|(id, object)| Some((object.get("name")?.as_str()?.into(), id)));
    Some(named.collect())
}

/// The project at a path, or the one with that id.
pub fn project_at(state: &State, path: &str) -> Option<Uuid> {
    if let Ok(id) = path.parse() {
        return state.contains_key(&(PROJECTS.to_owned(), id)).then_some(id);
    }
    let (group, name) = path.rsplit_once('/')?;
    child(state, PROJECTS, group_at(state, group)?, name)
}

/// The group at a path, or the one with that id.
pub(super) fn group_at(state: &State, path: &str) -> Option<Uuid> {
    if let Ok(id) = path.parse() {
        return state.contains_key(&(GROUPS.to_owned(), id)).then_some(id);
    }
    let mut parts = path.split('/');
    let (field, kind) = match parts.next()? {
        "user" => ("user", "users"),
        _ => ("org", "orgs"),
    };
    let owner = parts.next()?;
    let owner = all(state, kind).find(|(_, object)| object["name"] == owner)?.0;
    let root = all(state, GROUPS).find(|(_, object)| id_in(object, field) == Some(owner))?.0;
    parts.try_fold(root, |group, name| child(state, GROUPS, group, name))
}

fn child(state: &State, kind: &str, parent: Uuid, name: &str) -> Option<Uuid> {
    let fits = |object: &Value| id_in(object, "parent") == Some(parent) && object["name"] == name;
    all(state, kind).find(|(_, object)| fits(object)).map(|(id, _)| id)
}

/// The values of variables that a run of the project gets; `None` if there is no such project.
pub fn environment(
    state: &State,
    project: &str,
    keys: &KeyRing,
) -> Option<BTreeMap<String, String>> {
    let project = project_at(state, project)?;
    let group = id_in(state.get(&(PROJECTS.to_owned(), project))?, "parent")?;
    let places = up(state, group);
    let mut values: BTreeMap<String, Option<String>> = BTreeMap::new();
    for (level, place) in places.iter().enumerate() {
        for (_, variable) in defined_at(state, "variables", *place) {
            let name = variable["name"].as_str()?.to_owned();
            let secret = variable["values"][0]["secret_name"].as_str()?;
            values.entry(name).or_insert_with(|| value(state, &places[level..], secret, keys));
        }
    }
    Some(values.into_iter().filter_map(|(name, value)| Some((name, value?))).collect())
}

/// The text of the nearest secret with that name.
fn value(state: &State, places: &[Uuid], name: &str, keys: &KeyRing) -> Option<String> {
    let mut nearest = places.iter().flat_map(|place| defined_at(state, "secrets", *place));
    let (id, secret) = nearest.find(|(_, secret)| secret["name"] == name)?;
    let sealed: Encrypted = serde_json::from_value(secret["data"].clone()).ok()?;
    let plain = keys.decrypt(Bound { kind: "secrets", id }, &sealed).ok()?;
    let data: BTreeMap<String, String> = serde_json::from_slice(&plain).ok()?;
    data.into_values().next()
}

fn defined_at<'a>(
    state: &'a State,
    kind: &'a str,
    place: Uuid,
) -> impl Iterator<Item = (Uuid, &'a Value)> {
    all(state, kind).filter(move |(_, object)| id_in(object, "project_group") == Some(place))
}

pub(super) fn all<'a>(state: &'a State, kind: &'a str) -> impl Iterator<Item = (Uuid, &'a Value)> {
    let first = (kind.to_owned(), Uuid::nil());
    let of_kind = state.range(first..).take_while(move |((found, _), _)| found == kind);
    of_kind.map(|((_, id), object)| (*id, object))
}

pub(super) fn id_in(object: &Value, field: &str) -> Option<Uuid> {
    object.get(field)?.as_str()?.parse().ok()
}
