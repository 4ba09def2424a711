//! Whether somebody may make a change, judged in the transaction that makes it: a right that was
//! withdrawn before the change is in the log stops it.

use drydock_api::configstore::errors::{
    caller_forbidden, caller_not_exist, org_not_exist, project_group_not_exist, project_not_exist,
    user_not_exist,
};
use drydock_api::configstore::types::{
    Behalf, Org, Owned, Owner, Relation, Right, Role, User, Verdict, Visibility,
};
use drydock_api::names::{OwnerKind, Ref, TreeRef};
use drydock_core::db::Tx;
use drydock_core::error::{ApiError, BoxError};
use uuid::Uuid;

use super::project_group;
use crate::model;
use crate::record::{Project, ProjectGroup, Token};
use crate::schema::{ORGS, PROJECT_GROUPS, PROJECTS, TOKENS, USERS};

/// # Errors
/// `caller_not_exist` without the token or its user. Otherwise what a caller without the right is
/// told: `caller_forbidden`, or that the object does not exist where it is hidden.
pub fn judge(tx: &Tx<'_>, behalf: &Behalf) -> Result<(), BoxError> {
    let token: Option<Token> = tx.get(TOKENS, behalf.token)?;
    let user: Option<User> = token.map(|token| tx.get(USERS, token.user)).transpose()?.flatten();
    let user = user.ok_or_else(caller_not_exist)?;
    match user.admin {
        true => Ok(()),
        false => behalf.rights.iter().try_for_each(|right| has(tx, &user, right)),
    }
}

fn has(tx: &Tx<'_>, user: &User, right: &Right) -> Result<(), BoxError> {
    match right {
        Right::Admin => Err(caller_forbidden().into()),
        Right::Be(Ref::Id(id)) if *id == user.id => Ok(()),
        Right::Be(Ref::Name(name)) if *name == user.name => Ok(()),
        Right::Be(other) => Err(user_not_exist(other).into()),
        Right::Own(object) => {
            let (owner, visibility) = standing(tx, *object)?.ok_or_else(|| absent(*object))?;
            match relation(tx, user.id, &owner)?.owns(visibility) {
                Verdict::Allowed => Ok(()),
                Verdict::Forbidden => Err(caller_forbidden().into()),
                Verdict::Hidden => Err(absent(*object).into()),
            }
        }
    }
}

/// The owner at the object's root, and the object's effective visibility.
fn standing(tx: &Tx<'_>, object: Owned) -> Result<Option<(Owner, Visibility)>, BoxError> {
    let (group, own) = match object {
        Owned::Org(id) => {
            let org: Option<Org> = tx.get(ORGS, id)?;
            let owner = |org: Org| Owner { kind: OwnerKind::Org, id: org.id, name: org.name };
            return Ok(org.map(|org| (owner(org.clone()), org.visibility)));
        }
        Owned::ProjectGroup(id) => {
            let group: Option<ProjectGroup> = tx.get(PROJECT_GROUPS, id)?;
            match group {
                Some(group) => (group.id, Visibility::Public),
                None => return Ok(None),
            }
        }
        Owned::Project(id) => {
            let project: Option<Project> = tx.get(PROJECTS, id)?;
            match project {
                Some(project) => (project.parent, project.visibility),
                None => return Ok(None),
            }
        }
    };
    let standing = project_group::standing(tx, group)?;
    Ok(Some((standing.owner, standing.visibility.and(own))))
}

fn relation(tx: &Tx<'_>, user: Uuid, owner: &Owner) -> Result<Relation, BoxError> {
    let role = match owner.kind {
        OwnerKind::User if owner.id == user => return Ok(Relation::Owner),
        OwnerKind::User => None,
        OwnerKind::Org => model::member::find(tx, owner.id, user)?.map(|member| member.role),
    };
    Ok(match role {
        Some(Role::Owner) => Relation::Owner,
        Some(Role::Member) => Relation::Member,
        None => Relation::Stranger,
    })
}

fn absent(object: Owned) -> ApiError {
    match object {
        Owned::Org(id) => org_not_exist(&Ref::Id(id)),
        Owned::ProjectGroup(id) => project_group_not_exist(&TreeRef::Id(id)),
        Owned::Project(id) => project_not_exist(&TreeRef::Id(id)),
    }
}
