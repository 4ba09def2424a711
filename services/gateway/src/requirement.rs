//! The requirement of a route to its callers, as data. Each row of the route table names one of
//! these by the type of the same name in `auth::require`; no other place decides who may call.
//!
//! Administrators (the admin token, and users with `admin`) pass everything but
//! [`AdminToken`](Requirement::AdminToken).

use drydock_core::error::Code;

/// The kind of object to which a path leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Object {
    Org,
    ProjectGroup,
    Project,
}

impl Object {
    /// The code of its absence.
    fn not_exist(self) -> Code {
        match self {
            Object::Org => Code::OrgNotExist,
            Object::ProjectGroup => Code::ProjectGroupNotExist,
            Object::Project => Code::ProjectNotExist,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requirement {
    /// A valid token.
    AnyUser,
    /// To be an administrator.
    Admin,
    /// The admin token itself, which needs no service to be known.
    AdminToken,
    /// To be the user that the path names. For other callers the user does not exist.
    SelfOf,
    /// That the path's object is public, or belongs to the caller or to an organization of which
    /// the caller is a member. For other callers the object does not exist.
    Reads(Object),
    /// To own the path's object: to be the user, or an owner of the organization, at its root. The
    /// refusal is `forbidden` for callers who may read it; for others it does not exist.
    Owns(Object),
    /// To own the path's project, or to be a member of its organization if the project lets members
    /// run. The refusals are those of `Owns`.
    Runs,
    /// To own the group that the body names as `parent`.
    OwnsParent,
    /// To own the path's object, and the group that the body names as `parent` if it names one.
    OwnsWithTarget(Object),
}

impl Requirement {
    /// The codes of its refusals.
    pub fn codes(self) -> Vec<Code> {
        match self {
            Requirement::AnyUser => Vec::new(),
            Requirement::Admin | Requirement::AdminToken => vec![Code::Forbidden],
            Requirement::SelfOf => vec![Code::UserNotExist],
            Requirement::Reads(object) => vec![object.not_exist()],
            Requirement::Owns(object) => vec![Code::Forbidden, object.not_exist()],
            Requirement::Runs => vec![Code::Forbidden, Code::ProjectNotExist],
            Requirement::OwnsParent => vec![Code::Forbidden, Code::ProjectGroupNotExist],
            Requirement::OwnsWithTarget(object) => {
                vec![Code::Forbidden, Code::ProjectGroupNotExist, object.not_exist()]
            }
        }
    }
}
