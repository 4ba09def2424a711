//! The permission table once more, decided on a state with code that shares nothing with the
//! product's.

use uuid::Uuid;

use super::tree::{all, group_at, id_in, project_at, up};
use crate::history::{Act, By, GatewayCall};
use crate::timeline::State;

/// What somebody must be, or be to something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    Administrator,
    Be(Uuid),
    Own(Thing),
    Read(Thing),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thing {
    Org(Uuid),
    Group(Uuid),
    Project(Uuid),
}

/// Whether whoever calls has all that is needed.
pub fn allows(state: &State, by: &By, needs: &[Need]) -> bool {
    let By::User(token) = by else { return true };
    let Some(user) = user_of(state, token.id) else { return false };
    if state[&("users".to_owned(), user)]["admin"] == true {
        return true;
    }
    needs.iter().all(|need| match need {
        Need::Administrator => false,
        Need::Be(other) => *other == user,
        Need::Own(thing) => is_owner(state, user, *thing),
        Need::Read(thing) => is_public(state, *thing) || is_near(state, user, *thing),
    })
}

/// Whose token it is, if both are there.
fn user_of(state: &State, token: Uuid) -> Option<Uuid> {
    let user = id_in(state.get(&("tokens".to_owned(), token))?, "user")?;
    state.contains_key(&("users".to_owned(), user)).then_some(user)
}

/// The group that the thing stands in, or is.
fn group_of(state: &State, thing: Thing) -> Option<Uuid> {
    match thing {
        Thing::Org(_) => None,
        Thing::Group(group) => Some(group),
        Thing::Project(project) => id_in(state.get(&("projects".to_owned(), project))?, "parent"),
    }
}

/// The organization or the user at the thing's root.
fn root(state: &State, thing: Thing) -> Option<(&'static str, Uuid)> {
    if let Thing::Org(org) = thing {
        return Some(("org", org));
    }
    let root = *up(state, group_of(state, thing)?).last()?;
    let root = state.get(&("project_groups".to_owned(), root))?;
    let of = |kind| Some((kind, id_in(root, kind)?));
    of("user").or_else(|| of("org"))
}

fn role(state: &State, user: Uuid, thing: Thing) -> Option<&str> {
    let (kind, id) = root(state, thing)?;
    if kind == "user" {
        return (id == user).then_some("owner");
    }
    let is = |member: &serde_json::Value| {
        id_in(member, "org") == Some(id) && id_in(member, "user") == Some(user)
    };
    all(state, "members").find(|(_, member)| is(member))?.1.get("role")?.as_str()
}

fn is_owner(state: &State, user: Uuid, thing: Thing) -> bool {
    role(state, user, thing) == Some("owner")
}

fn is_near(state: &State, user: Uuid, thing: Thing) -> bool {
    role(state, user, thing).is_some()
}

/// Whether nothing from the thing to its root is private.
fn is_public(state: &State, thing: Thing) -> bool {
    let open = |kind: &str, id: Uuid| {
        state.get(&(kind.to_owned(), id)).is_some_and(|it| it["visibility"] == "public")
    };
    let own = match thing {
        Thing::Org(org) => return open("orgs", org),
        Thing::Group(_) => true,
        Thing::Project(project) => open("projects", project),
    };
    let Some(group) = group_of(state, thing) else { return false };
    let groups = up(state, group).into_iter().all(|group| open("project_groups", group));
    let org = match root(state, thing) {
        Some(("org", org)) => open("orgs", org),
        other => other.is_some(),
    };
    own && groups && org
}

/// What a call takes in this state, and what it leads to exists; `None` if that does not.
pub fn needs(state: &State, call: &GatewayCall) -> Option<Vec<Need>> {
    let named = |kind: &str, name: &str| {
        all(state, kind).find(|(_, object)| object["name"] == name).map(|(id, _)| id)
    };
    let is = |kind: &str, id: Uuid| state.contains_key(&(kind.to_owned(), id)).then_some(id);
    let own_group = |path: &str| Some(Need::Own(Thing::Group(group_at(state, path)?)));
    Some(match &call.act {
        Act::CreateUser { .. } => vec![Need::Administrator],
        Act::SetAdmin { user, .. } | Act::DeleteUser { user } => {
            named("users", user)?;
            vec![Need::Administrator]
        }
        Act::RenameUser { user, .. }
        | Act::MakeToken { user, .. }
        | Act::DropToken { user, .. } => vec![Need::Be(named("users", user)?)],
        Act::CreateOrg { .. } => Vec::new(),
        Act::DeleteOrg { org } => vec![Need::Own(Thing::Org(is("orgs", *org)?))],
        Act::RenameOrg { org, .. } | Act::SetRole { org, .. } | Act::RemoveMember { org, .. } => {
            vec![Need::Own(Thing::Org(named("orgs", org)?))]
        }
        Act::CreateGroup { parent, .. } | Act::CreateProject { parent, .. } => {
            vec![own_group(parent)?]
        }
        Act::RenameGroup { group, .. } => vec![own_group(group)?],
        Act::MoveGroup { group, parent } => vec![own_group(group)?, own_group(parent)?],
        Act::DeleteGroup { group } => {
            vec![Need::Own(Thing::Group(is("project_groups", *group)?))]
        }
        Act::RenameProject { project, .. } => {
            vec![Need::Own(Thing::Project(project_at(state, project)?))]
        }
        Act::ChangeProject { project, parent, .. } => {
            let mut needs = vec![Need::Own(Thing::Project(project_at(state, project)?))];
            if let Some(parent) = parent {
                needs.push(own_group(parent)?);
            }
            needs
        }
        Act::DeleteProject { project } => {
            vec![Need::Own(Thing::Project(is("projects", *project)?))]
        }
        Act::GetProject { project } => {
            vec![Need::Read(Thing::Project(project_at(state, project)?))]
        }
        Act::CreateSecret { group, .. } => vec![own_group(group)?],
        Act::ListProjects { group } | Act::ListSecrets { group } => {
            vec![Need::Read(Thing::Group(group_at(state, group)?))]
        }
    })
}

/// Those of the group's projects that strangers see, and all of them.
pub fn projects_in(state: &State, group: Uuid) -> [Vec<Uuid>; 2] {
    let children = all(state, "projects").filter(|(_, it)| id_in(it, "parent") == Some(group));
    let children: Vec<_> = children.collect();
    let open = children.iter().filter(|(_, project)| project["visibility"] == "public");
    [open.map(|(id, _)| *id).collect(), children.iter().map(|(id, _)| *id).collect()]
}

/// The secrets that are defined at the group.
pub fn secrets_of(state: &State, group: Uuid) -> Vec<Uuid> {
    let at = all(state, "secrets").filter(|(_, it)| id_in(it, "project_group") == Some(group));
    at.map(|(id, _)| id).collect()
}
