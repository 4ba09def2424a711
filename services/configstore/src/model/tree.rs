//! The placement of groups and projects: paths, owners, visibility, and the scopes in which their
//! secrets and variables are looked for.

use drydock_api::configstore::types::{
    Org, Owner, ProjectGroupView, ProjectView, RemoteSource, Scope, ScopeKind, Visibility,
};
use drydock_api::names::{Name, OwnerKind};
use drydock_core::db::{DbError, Tx};
use drydock_http::api::page::Cursor;
use uuid::Uuid;

use super::{org, project_group, user};
use crate::record::{Project, ProjectGroup};
use crate::schema::REMOTE_SOURCES;

/// The placement of a project group, or of an organization.
#[derive(Debug, Clone)]
pub struct Placement {
    pub path: String,
    pub owner: Owner,
    /// Private if the group or anything above is.
    pub visibility: Visibility,
}

impl Placement {
    pub fn of_org(org: &Org) -> Placement {
        let owner = Owner { kind: OwnerKind::Org, id: org.id, name: org.name.clone() };
        let path = format!("{}/{}", owner.kind.as_str(), owner.name);
        Placement { path, owner, visibility: org.visibility }
    }

    /// The placement of an object in this group.
    fn below(&self, name: &Name, visibility: Visibility) -> Placement {
        Placement {
            path: format!("{}/{name}", self.path),
            owner: self.owner.clone(),
            visibility: self.visibility.and(visibility),
        }
    }
}

/// The placement of a group that exists.
pub fn placement(tx: &Tx<'_>, group: Uuid) -> Result<Placement, DbError> {
    let nearest = placements(tx, group)?.pop();
    let (_, placement) = nearest.expect("the schema makes every group lead up to its owner");
    Ok(placement)
}

/// The group and all groups above it, each with its placement; the root first.
fn placements(tx: &Tx<'_>, group: Uuid) -> Result<Vec<(Uuid, Placement)>, DbError> {
    let mut found: Vec<(Uuid, Placement)> = Vec::new();
    for group in project_group::up(tx, group)?.into_iter().rev() {
        let above = found.last().map(|(_, placement)| placement);
        let placement = match (above, &group.name) {
            (Some(above), Some(name)) => above.below(name, group.visibility),
            _ => match root(tx, &group)? {
                Some(root) => root,
                None => return Ok(Vec::new()),
            },
        };
        found.push((group.id, placement));
    }
    Ok(found)
}

fn root(tx: &Tx<'_>, group: &ProjectGroup) -> Result<Option<Placement>, DbError> {
    let user = group.user.map(|id| user::by_id(tx, id)).transpose()?.flatten();
    let org = group.org.map(|id| org::by_id(tx, id)).transpose()?.flatten();
    let (kind, id, name, visibility) = match (user, org) {
        (Some(user), _) => (OwnerKind::User, user.id, user.name, Visibility::Public),
        (None, Some(org)) => (OwnerKind::Org, org.id, org.name, org.visibility),
        (None, None) => return Ok(None),
    };
    let path = format!("{}/{name}", kind.as_str());
    let visibility = visibility.and(group.visibility);
    Ok(Some(Placement { path, owner: Owner { kind, id, name }, visibility }))
}

/// The group as answered.
pub fn group_view(group: &ProjectGroup, placement: Placement) -> ProjectGroupView {
    ProjectGroupView {
        id: group.id,
        name: group.name.as_ref().map(Name::to_string).unwrap_or_default(),
        parent: group.parent,
        path: placement.path,
        owner: placement.owner,
        visibility: group.visibility,
        effective_visibility: placement.visibility,
        revision: group.revision,
        created_at: group.created_at,
        updated_at: group.updated_at,
    }
}

/// A group below `parent` as answered.
pub fn subgroup_view(group: &ProjectGroup, parent: &Placement) -> ProjectGroupView {
    let placement = match &group.name {
        Some(name) => parent.below(name, group.visibility),
        None => parent.clone(),
    };
    group_view(group, placement)
}

/// A project in `parent` as answered.
pub fn project_view(
    tx: &Tx<'_>,
    project: &Project,
    parent: &Placement,
) -> Result<ProjectView, DbError> {
    let Placement { path, owner, visibility } = parent.below(&project.name, project.visibility);
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

/// The group's scope and the scopes above it, nearest first.
pub fn scopes_of_group(tx: &Tx<'_>, group: Uuid) -> Result<Vec<Scope>, DbError> {
    let placements = placements(tx, group)?.into_iter().rev();
    let scope = |(id, placement): (Uuid, Placement)| Scope {
        kind: ScopeKind::ProjectGroup,
        id,
        path: placement.path,
    };
    Ok(placements.map(scope).collect())
}

/// The project's scope and the scopes above it, nearest first.
pub fn scopes_of_project(tx: &Tx<'_>, project: &Project) -> Result<Vec<Scope>, DbError> {
    let mut scopes = scopes_of_group(tx, project.parent)?;
    if let Some(parent) = scopes.first() {
        let path = format!("{}/{}", parent.path, project.name);
        scopes.insert(0, Scope { kind: ScopeKind::Project, id: project.id, path });
    }
    Ok(scopes)
}

/// The ids of scopes, as a JSON list.
pub fn ids(scopes: &[Scope]) -> String {
    let ids: Vec<_> = scopes.iter().map(|scope| scope.id).collect();
    serde_json::to_string(&ids).expect("ids are JSON")
}

/// The scope with this id, and its distance from the first one.
pub fn scope(scopes: &[Scope], id: Option<Uuid>) -> Option<(usize, &Scope)> {
    scopes.iter().enumerate().find(|(_, scope)| Some(scope.id) == id)
}

/// The cursor of an object in a list of several scopes.
pub fn cursor(level: usize, name: &Name, id: Uuid) -> Cursor {
    Cursor { name: format!("{level:03}/{name}"), id }
}
