//! What a route requires of its caller. Each row of the route table names one of these; nothing
//! else decides who may call.
//!
//! Administrators (the admin token, and users with `admin`) pass everything but
//! [`AdminToken`](Requirement::AdminToken).

use drydock_core::error::Code;

/// What a path may lead to.
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
    /// To be the user that the path names. Everybody else is answered as if there were none.
    SelfOf,
    /// That the path's object is public, or belongs to the caller or to an organization of which
    /// the caller is a member. Everybody else is answered as if there were none.
    Reads(Object),
    /// To own the path's object: to be the user, or an owner of the organization, at its root. Who
    /// may read it is told that this is not enough; everybody else as for `Reads`.
    Owns(Object),
    /// To own the group that the body names as `parent`.
    OwnsParent,
    /// To own the path's object, and the group that the body names as `parent` if it names one.
    OwnsWithTarget(Object),
}

impl Requirement {
    /// What those are answered who do not meet it.
    pub fn codes(self) -> Vec<Code> {
        match self {
            Requirement::AnyUser => Vec::new(),
            Requirement::Admin | Requirement::AdminToken => vec![Code::Forbidden],
            Requirement::SelfOf => vec![Code::UserNotExist],
            Requirement::Reads(object) => vec![object.not_exist()],
            Requirement::Owns(object) => vec![Code::Forbidden, object.not_exist()],
            Requirement::OwnsParent => vec![Code::Forbidden, Code::ProjectGroupNotExist],
            Requirement::OwnsWithTarget(object) => {
                vec![Code::Forbidden, Code::ProjectGroupNotExist, object.not_exist()]
            }
        }
    }
}
