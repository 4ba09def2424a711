use http::HeaderName;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Visibility;
use crate::names::Ref;

/// Carries a [`Behalf`] as JSON.
pub const ON_BEHALF_OF: HeaderName = HeaderName::from_static("drydock-on-behalf-of");

/// On whose behalf a change is made, and what that takes: judged with the change, in one
/// transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Behalf {
    /// The token that was presented, by its id.
    pub token: Uuid,
    /// All of these; administrators have every right.
    pub rights: Vec<Right>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Right {
    /// To be an administrator.
    Admin,
    /// To be this user.
    Be(Ref),
    /// To own the object: to be the user, or an owner of the organization, at its root.
    Own(Owned),
}

/// What somebody owns, by its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owned {
    Org(Uuid),
    ProjectGroup(Uuid),
    Project(Uuid),
}

/// What somebody is to the owner of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    Owner,
    Member,
    Stranger,
}

/// What becomes of somebody who wants to do what an owner may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Allowed,
    Forbidden,
    /// Is answered as if there were no such object.
    Hidden,
}

impl Relation {
    /// `visibility` is the object's effective one.
    pub fn owns(self, visibility: Visibility) -> Verdict {
        match (self, visibility) {
            (Relation::Owner, _) => Verdict::Allowed,
            (Relation::Member, _) | (Relation::Stranger, Visibility::Public) => Verdict::Forbidden,
            (Relation::Stranger, Visibility::Private) => Verdict::Hidden,
        }
    }
}
