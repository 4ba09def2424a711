use http::HeaderName;
use serde::{Deserialize, Serialize};

use super::TokenDigest;
use crate::names::{Ref, TreeRef};

/// Carries a [`Behalf`] as JSON.
pub const ON_BEHALF_OF: HeaderName = HeaderName::from_static("drydock-on-behalf-of");

/// On whose behalf something is asked, and what that takes: judged on the very state that is
/// changed or shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Behalf {
    /// Of the token that was presented.
    pub token: TokenDigest,
    /// All of these, judged in this order; administrators have every right.
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
}

/// What somebody owns, as the caller refers to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owned {
    Org(Ref),
    ProjectGroup(TreeRef),
    Project(TreeRef),
}
