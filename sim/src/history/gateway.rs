//! Calls of people at gateways. Places are named by their paths, what was made by its id, which may
//! stand where a path does.

use std::fmt;

use uuid::Uuid;

use super::{Role, Text};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayCall {
    pub by: By,
    pub act: Act,
    /// The idempotency key of a creation: the same number, the same key.
    pub key: Option<u64>,
}

/// Whose token a call presents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    Admin,
    User(Token),
}

/// A token, which shows only its id.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    pub id: Uuid,
    pub value: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    CreateUser {
        name: String,
    },
    RenameUser {
        user: String,
        to: String,
    },
    SetAdmin {
        user: String,
        admin: bool,
    },
    DeleteUser {
        user: String,
    },
    MakeToken {
        user: String,
        name: String,
    },
    DropToken {
        user: String,
        token: Uuid,
    },
    CreateOrg {
        name: String,
    },
    RenameOrg {
        org: String,
        to: String,
    },
    DeleteOrg {
        org: Uuid,
    },
    SetRole {
        org: String,
        user: String,
        role: Role,
    },
    RemoveMember {
        org: String,
        user: String,
    },
    CreateGroup {
        parent: String,
        name: String,
        public: bool,
    },
    RenameGroup {
        group: String,
        to: String,
    },
    MoveGroup {
        group: String,
        parent: String,
    },
    DeleteGroup {
        group: Uuid,
    },
    CreateProject {
        parent: String,
        name: String,
        public: bool,
    },
    RenameProject {
        project: String,
        to: String,
    },
    /// Sets the branch, and moves the project if there is a parent.
    ChangeProject {
        project: String,
        branch: String,
        parent: Option<String>,
    },
    DeleteProject {
        project: Uuid,
    },
    GetProject {
        project: String,
    },
    ListProjects {
        group: String,
    },
    CreateSecret {
        group: String,
        name: String,
        text: Text,
    },
    ListSecrets {
        group: String,
    },
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "token {}", self.id)
    }
}

impl fmt::Display for GatewayCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.act)?;
        if let Some(key) = self.key {
            write!(f, " under key {key}")?;
        }
        match &self.by {
            By::Admin => f.write_str(" by the admin token"),
            By::User(token) => write!(f, " by {token:?}"),
        }
    }
}
