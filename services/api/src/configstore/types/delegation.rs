use http::HeaderName;
use serde::{Deserialize, Serialize};

use super::TokenDigest;
use crate::names::{Ref, TreeRef};

/// The header that carries a [`Delegation`] as JSON.
pub const ON_BEHALF_OF: HeaderName = HeaderName::from_static("drydock-on-behalf-of");

/// The user on whose behalf a request is made, and the rights that the request requires. They are
/// checked in the same state that the request changes or reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delegation {
    /// The digest of the token that the user presented.
    pub token: TokenDigest,
    /// All of these are required, and checked in this order; administrators have every right.
    pub rights: Vec<Right>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Right {
    /// To be an administrator.
    Admin,
    /// To be this user.
    Be(Ref),
    /// To see the object: it is public, or belongs to the user, or to an organization of which the
    /// user is a member.
    Read(Owned),
    /// To own the object: to be the user, or an owner of the organization, at its root.
    Own(Owned),
    /// To start and stop runs of the project: to own it, or to be a member of its organization if
    /// the project lets members do that.
    Run(TreeRef),
}

/// An object that has an owner, as the caller refers to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owned {
    Org(Ref),
    ProjectGroup(TreeRef),
    Project(TreeRef),
}
