//! Where things stand: paths, owners, visibility, and the places at which secrets and variables of
//! something are looked for.

use drydock_api::configstore::types::{
    Org, Owner, ProjectGroupView, ProjectView, RemoteSource, Scope, ScopeKind, User, Visibility,
};
use drydock_api::names::{Name, OwnerKind};
use drydock_core::db::{DbError, Tx};
use drydock_http::api::page::Cursor;
use uuid::Uuid;

use super::project_group;
use crate::record::{Project, ProjectGroup};
use crate::schema::{ORGS, REMOTE_SOURCES, USERS};

/// Where a project group stands.
#[derive(Debug, Clone)]
pub struct Standing {
    pub path: String,
    pub owner: Owner,
    /// Private if the group or anything above is.
    pub visibility: Visibility,
}

impl Standing {
    /// Of something in this group.
    fn below(&self, name: &Name, visibility: Visibility) -> Standing {
        Standing {
            path: format!("{}/{name}", self.path),
            owner: self.owner.clone(),
            visibility: self.visibility.and(visibility),
        }
    }
}

/// Where the group stands; `None` if the tree above it is not whole, which the schema rules out.
pub fn standing(tx: &Tx<'_>, group: Uuid) -> Result<Option<Standing>, DbError> {
    Ok(standings(tx, group)?.pop().map(|(_, standing)| standing))
}

/// The group and everything above it, each with where it stands; the root first.
fn standings(tx: &Tx<'_>, group: Uuid) -> Result<Vec<(Uuid, Standing)>, DbError> {
    let mut found: Vec<(Uuid, Standing)> = Vec::new();
    for group in project_group::up(tx, group)?.into_iter().rev() {
        let above = found.last().map(|(_, standing)| standing);
        let standing = match (above, &group.name) {
            (Some(above), Some(name)) => above.below(name, group.visibility),
            _ => match root(tx, &group)? {
                Some(root) => root,
                None => return Ok(Vec::new()),
            },
        };
        found.push((group.id, standing));
    }
    Ok(found)
}

fn root(tx: &Tx<'_>, group: &ProjectGroup) -> Result<Option<Standing>, DbError> {
    let user: Option<User> = group.user.map(|id| tx.get(USERS, id)).transpose()?.flatten();
    let org: Option<Org> = group.org.map(|id| tx.get(ORGS, id)).transpose()?.flatten();
    let (kind, id, name, visibility) = match (user, org) {
        (Some(user), _) => (OwnerKind::User, user.id, user.name, Visibility::Public),
        (None, Some(org)) => (OwnerKind::Org, org.id, org.name, org.visibility),
        (None, None) => return Ok(None),
    };
    let path = format!("{}/{name}", kind.as_str());
    let visibility = visibility.and(group.visibility);
    Ok(Some(Standing { path, owner: Owner { kind, id, name }, visibility }))
}

/// The group as answered.
pub fn group_view(group: &ProjectGroup, standing: Standing) -> ProjectGroupView {
    ProjectGroupView {
        id: group.id,
        name: group.name.as_ref().map(Name::to_string).unwrap_or_default(),
        parent: group.parent,
        path: standing.path,
        owner: standing.owner,
        visibility: group.visibility,
        effective_visibility: standing.visibility,
        revision: group.revision,
        created_at: group.created_at,
        updated_at: group.updated_at,
    }
}

/// A group below `parent` as answered.
pub fn subgroup_view(group: &ProjectGroup, parent: &Standing) -> ProjectGroupView {
    let standing = match &group.name {
        Some(name) => parent.below(name, group.visibility),
        None => parent.clone(),
    };
    group_view(group, standing)
}

/// A project in `parent` as answered.
pub fn project_view(
    tx: &Tx<'_>,
    project: &Project,
    parent: &Standing,
) -> Result<ProjectView, DbError> {
    let Standing { path, owner, visibility } = parent.below(&project.name, project.visibility);
    let source: Option<RemoteSource> =
        project.remote_source.map(|id| tx.get(REMOTE_SOURCES, id)).transpose()?.flatten();
    Ok(ProjectView {
        id: project.id,
        name: project.name.clone(),
        parent: project.parent,
        path,
        owner,
        visibility: project.visibility,
        effective_visibility: visibility,
        remote_source: source.map(|source| source.name),
        repository_path: project.repository_path.clone(),
        members_can_run: project.members_can_run,
        pass_variables_to_forks: project.pass_variables_to_forks,
        default_branch: project.default_branch.clone(),
        revision: project.revision,
        created_at: project.created_at,
        updated_at: project.updated_at,
    })
}

/// The group's place and those above it, nearest first.
pub fn scopes_of_group(tx: &Tx<'_>, group: Uuid) -> Result<Vec<Scope>, DbError> {
    let standings = standings(tx, group)?.into_iter().rev();
    let scope = |(id, standing): (Uuid, Standing)| Scope {
        kind: ScopeKind::ProjectGroup,
        id,
        path: standing.path,
    };
    Ok(standings.map(scope).collect())
}

/// The project's place and those above it, nearest first.
pub fn scopes_of_project(tx: &Tx<'_>, project: &Project) -> Result<Vec<Scope>, DbError> {
    let mut scopes = scopes_of_group(tx, project.parent)?;
    if let Some(parent) = scopes.first() {
        let path = format!("{}/{}", parent.path, project.name);
        scopes.insert(0, Scope { kind: ScopeKind::Project, id: project.id, path });
    }
    Ok(scopes)
}

/// The ids of places, as a JSON list.
pub fn ids(places: &[Scope]) -> String {
    let ids: Vec<_> = places.iter().map(|place| place.id).collect();
    serde_json::to_string(&ids).expect("ids are JSON")
}

/// The place at which something is defined, and how far away that is; `None` if it is none of them.
pub fn place(places: &[Scope], id: Option<Uuid>) -> Option<(usize, &Scope)> {
    places.iter().enumerate().find(|(_, place)| Some(place.id) == id)
}

/// Where a list of several places goes on.
pub fn cursor(level: usize, name: &Name, id: Uuid) -> Cursor {
    Cursor { name: format!("{level:03}/{name}"), id }
}
