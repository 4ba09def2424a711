//! Whether somebody may do what is asked, judged on the very state that is changed or shown: a
//! right that was withdrawn before the change is in the log stops it.
//!
//! Architecture invariant: nothing else knows who owns what. Other services name the rights that a
//! call takes, and learn from the refusal what was missing.

use drydock_api::configstore::refusals::{
    CallerForbidden, CallerNotExist, NotEntitled, OrgNotExist, ProjectGroupNotExist,
    ProjectNotExist, UserNotExist,
};
use drydock_api::configstore::types::{Behalf, Owned, Owner, Right, Role, User, Visibility};
use drydock_api::names::{OwnerKind, Ref};
use drydock_core::db::{DbError, Tx};
use drydock_core::error::ActionError;
use uuid::Uuid;

use crate::model;
use crate::model::tree::Placement;
use crate::record::Token;
use crate::schema::USERS;

/// On whose behalf something is done, with all rights that it takes.
#[derive(Debug, Clone)]
pub struct Caller {
    pub user: User,
    pub token: Token,
}

/// What somebody is to the owner of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    Owner,
    Member,
    Stranger,
}

/// What becomes of somebody who wants to do something with an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Allowed,
    Forbidden,
    /// Is answered as if there were no such object.
    Hidden,
}

impl Relation {
    /// For what takes an owner. `visibility` is the object's effective one.
    fn owns(self, visibility: Visibility) -> Verdict {
        match self.reads(visibility) {
            Verdict::Allowed if self != Relation::Owner => Verdict::Forbidden,
            verdict => verdict,
        }
    }

    fn reads(self, visibility: Visibility) -> Verdict {
        match (self, visibility) {
            (Relation::Owner | Relation::Member, _) | (_, Visibility::Public) => Verdict::Allowed,
            (Relation::Stranger, Visibility::Private) => Verdict::Hidden,
        }
    }
}

/// # Errors
/// `caller_not_exist` without the token or its user. Otherwise what a caller without the right is
/// told: `caller_forbidden`, or that the object does not exist where it is hidden.
pub fn judge(tx: &Tx<'_>, behalf: &Behalf) -> Result<Caller, ActionError<NotEntitled>> {
    let caller = find(tx, behalf)?;
    if !caller.user.admin {
        behalf.rights.iter().try_for_each(|right| has(tx, &caller.user, right))?;
    }
    Ok(caller)
}

/// Whose token it is.
fn find(tx: &Tx<'_>, behalf: &Behalf) -> Result<Caller, ActionError<NotEntitled>> {
    let token = model::token::by_digest(tx, &behalf.token)?.ok_or(CallerNotExist)?;
    let user: Option<User> = tx.get(USERS, token.user)?;
    Ok(Caller { user: user.ok_or(CallerNotExist)?, token })
}

impl Caller {
    /// Of whom only that is listed which they may see; `None`: everything is.
    pub fn sees_as(&self) -> Option<Uuid> {
        (!self.user.admin).then_some(self.user.id)
    }

    /// What is listed of that which is directly below something of this owner; `None`: everything.
    pub fn sees_below(&self, tx: &Tx<'_>, owner: &Owner) -> Result<Option<Visibility>, DbError> {
        let Some(user) = self.sees_as() else { return Ok(None) };
        Ok(match relation(tx, user, owner.kind, owner.id)? {
            Relation::Owner | Relation::Member => None,
            Relation::Stranger => Some(Visibility::Public),
        })
    }
}

fn has(tx: &Tx<'_>, user: &User, right: &Right) -> Result<(), ActionError<NotEntitled>> {
    let (object, judge): (_, fn(Relation, Visibility) -> Verdict) = match right {
        Right::Admin => return Err(CallerForbidden.into()),
        Right::Be(Ref::Id(id)) if *id == user.id => return Ok(()),
        Right::Be(Ref::Name(name)) if *name == user.name => return Ok(()),
        Right::Be(other) => return Err(UserNotExist(other.clone()).into()),
        Right::Read(object) => (object, Relation::reads),
        Right::Own(object) => (object, Relation::owns),
    };
    let verdict = match placement(tx, object)? {
        Some(Placement { owner, visibility, .. }) => {
            judge(relation(tx, user.id, owner.kind, owner.id)?, visibility)
        }
        None => {
            // What is absent takes the same look-up as what is hidden.
            relation(tx, user.id, OwnerKind::Org, Uuid::nil())?;
            Verdict::Hidden
        }
    };
    match verdict {
        Verdict::Allowed => Ok(()),
        Verdict::Forbidden => Err(CallerForbidden.into()),
        Verdict::Hidden => Err(absent(object).into()),
    }
}

/// Where the object stands: the owner at its root, and its effective visibility.
fn placement(tx: &Tx<'_>, object: &Owned) -> Result<Option<Placement>, DbError> {
    let (group, own) = match object {
        Owned::Org(org) => {
            let org = model::org::find(tx, org)?;
            return Ok(org.map(|org| Placement::of_org(&org)));
        }
        Owned::ProjectGroup(group) => match model::project_group::find(tx, group)? {
            Some(group) => (group.id, Visibility::Public),
            None => return Ok(None),
        },
        Owned::Project(project) => match model::project::find(tx, project)? {
            Some(project) => (project.parent, project.visibility),
            None => return Ok(None),
        },
    };
    let placement = model::tree::placement(tx, group)?;
    Ok(Some(Placement { visibility: placement.visibility.and(own), ..placement }))
}

fn relation(tx: &Tx<'_>, user: Uuid, kind: OwnerKind, owner: Uuid) -> Result<Relation, DbError> {
    let role = match kind {
        OwnerKind::User if owner == user => return Ok(Relation::Owner),
        // Takes as long as the other one.
        OwnerKind::User | OwnerKind::Org => model::member::find(tx, owner, user)?,
    };
    Ok(match role.map(|member| member.role) {
        Some(Role::Owner) => Relation::Owner,
        Some(Role::Member) => Relation::Member,
        None => Relation::Stranger,
    })
}

fn absent(object: &Owned) -> NotEntitled {
    match object {
        Owned::Org(org) => OrgNotExist(org.clone()).into(),
        Owned::ProjectGroup(group) => ProjectGroupNotExist(group.clone()).into(),
        Owned::Project(project) => ProjectNotExist(project.clone()).into(),
    }
}
