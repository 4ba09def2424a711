//! The check of a delegation's rights, in the same state that the request changes or reads: a right
//! that was withdrawn before the change is in the log prevents the change.
//!
//! Architecture invariant: no other code knows which user owns which object. Other services name
//! the rights that a call requires, and learn from the refusal which one was missing.

use drydock_api::configstore::refusals::{
    CallerForbidden, CallerNotExist, NotEntitled, OrgNotExist, ProjectGroupNotExist,
    ProjectNotExist, UserNotExist,
};
use drydock_api::configstore::types::{Delegation, Owned, Owner, Right, Role, User, Visibility};
use drydock_api::names::{OwnerKind, Ref};
use drydock_core::db::{DbError, Tx};
use drydock_core::error::ActionError;
use uuid::Uuid;

use crate::model;
use crate::model::tree::Placement;
use crate::record::Token;

/// The user of a delegation, who has all of its rights.
#[derive(Debug, Clone)]
pub struct Caller {
    pub user: User,
    pub token: Token,
}

/// The relation of a user to the owner of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    Owner,
    Member,
    Stranger,
}

/// The decision on one right to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Allowed,
    Forbidden,
    /// The answer is the same as for an object that does not exist.
    Hidden,
}

impl Relation {
    /// Decides on the right to own an object with this effective visibility.
    fn owns(self, visibility: Visibility) -> Verdict {
        match self.reads(visibility) {
            Verdict::Allowed if self != Relation::Owner => Verdict::Forbidden,
            verdict => verdict,
        }
    }

    /// Decides on the right to start and stop runs of a project with this effective visibility.
    fn runs(self, visibility: Visibility) -> Verdict {
        match self.reads(visibility) {
            Verdict::Allowed if self == Relation::Stranger => Verdict::Forbidden,
            verdict => verdict,
        }
    }

    /// Decides on the right to read an object with this effective visibility.
    fn reads(self, visibility: Visibility) -> Verdict {
        match (self, visibility) {
            (Relation::Owner | Relation::Member, _) | (_, Visibility::Public) => Verdict::Allowed,
            (Relation::Stranger, Visibility::Private) => Verdict::Hidden,
        }
    }
}

/// Checks that the token's user has all rights of the delegation; administrators have every right.
///
/// # Errors
/// `caller_not_exist` if the token or its user does not exist. For a missing right
/// `caller_forbidden`, or the object's own `…_not_exist` if the user may not see it.
pub fn authorize(tx: &Tx<'_>, delegation: &Delegation) -> Result<Caller, ActionError<NotEntitled>> {
    let caller = find(tx, delegation)?;
    if !caller.user.admin {
        delegation.rights.iter().try_for_each(|right| has(tx, &caller.user, right))?;
    }
    Ok(caller)
}

fn find(tx: &Tx<'_>, delegation: &Delegation) -> Result<Caller, ActionError<NotEntitled>> {
    let token = model::token::by_digest(tx, &delegation.token)?.ok_or(CallerNotExist)?;
    let user = model::user::by_id(tx, token.user)?;
    Ok(Caller { user: user.ok_or(CallerNotExist)?, token })
}

impl Caller {
    /// The user to whose view lists are limited; `None` for an administrator, who sees all.
    pub fn sees_as(&self) -> Option<Uuid> {
        (!self.user.admin).then_some(self.user.id)
    }

    /// The visibility to which lists of an owner's groups and projects are limited; `None` if the
    /// user sees all of them.
    pub fn sees_below(&self, tx: &Tx<'_>, owner: &Owner) -> Result<Option<Visibility>, DbError> {
        let Some(user) = self.sees_as() else { return Ok(None) };
        Ok(match relation(tx, user, owner.kind, owner.id)? {
            Relation::Owner | Relation::Member => None,
            Relation::Stranger => Some(Visibility::Public),
        })
    }
}

fn has(tx: &Tx<'_>, user: &User, right: &Right) -> Result<(), ActionError<NotEntitled>> {
    let (object, decide): (_, fn(Relation, Visibility) -> Verdict) = match right {
        Right::Admin => return Err(CallerForbidden.into()),
        Right::Be(Ref::Id(id)) if *id == user.id => return Ok(()),
        Right::Be(Ref::Name(name)) if *name == user.name => return Ok(()),
        Right::Be(other) => return Err(UserNotExist(other.clone()).into()),
        Right::Read(object) => (object, Relation::reads),
        Right::Own(object) => (object, Relation::owns),
        Right::Run(project) => {
            let found = model::project::find(tx, project)?;
            let members = found.is_some_and(|project| project.members_can_run);
            let decide = if members { Relation::runs } else { Relation::owns };
            (&Owned::Project(project.clone()), decide)
        }
    };
    let verdict = match placement(tx, object)? {
        Some(Placement { owner, visibility, .. }) => {
            decide(relation(tx, user.id, owner.kind, owner.id)?, visibility)
        }
        None => {
            // An absent object takes the same look-up as a hidden one.
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

/// The placement of an object: the owner at its root, and its effective visibility.
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
        // The look-up takes the same time for both kinds.
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
