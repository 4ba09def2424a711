use std::fmt;

use bytes::Bytes;
use uuid::Uuid;

use super::answer::Digest;
use super::{GatewayCall, RunsCall, TreeCall};
use crate::plan::hosts::gateway_name;
use crate::plan::{InstanceId, Service};

/// Who is asked. Gateways count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Server {
    Instance(InstanceId),
    Gateway(usize),
}

impl Server {
    /// The service whose store the server's answers come from.
    pub fn service(self) -> Service {
        match self {
            Server::Instance(id) => id.service,
            Server::Gateway(_) => Service::Configstore,
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&match self {
            Server::Instance(id) => id.host(),
            Server::Gateway(number) => gateway_name(*number),
        })
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    CreateUser {
        name: String,
    },
    GetUser {
        name: String,
    },
    RenameUser {
        name: String,
        to: String,
    },
    DeleteUser {
        name: String,
    },
    ListUsers {
        reads: Reads,
    },
    CreateOrg {
        name: String,
        owner: String,
    },
    DeleteOrg {
        name: String,
    },
    SetMember {
        org: String,
        user: String,
        role: Role,
    },
    RemoveMember {
        org: String,
        user: String,
    },
    ListMembers {
        org: String,
    },
    Tree(TreeCall),
    /// Of a person, to a gateway. Those of operators go to gateways and instances, all others to
    /// instances.
    Gateway(GatewayCall),
    /// At runservice.
    Runs(RunsCall),
    Status,
    Maintenance,
    Resume,
    Export,
    Import {
        body: Bytes,
        intent: Intent,
    },
    Lineages,
    /// Back to the last state of a lineage, which is that of the export `body`.
    GoBack {
        lineage: Uuid,
        body: Bytes,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    Linearizable,
    /// Whatever the instance has.
    Local,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    Owner,
    Member,
}

/// What an import should come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intent {
    /// The stream is whole.
    Restore,
    /// The stream is whole, and must only be looked at.
    DryRun,
    /// The stream is damaged and must be refused.
    Damaged,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Call::CreateUser { name } => write!(f, "create user {name}"),
            Call::GetUser { name } => write!(f, "get user {name}"),
            Call::RenameUser { name, to } => write!(f, "rename user {name} to {to}"),
            Call::DeleteUser { name } => write!(f, "delete user {name}"),
            Call::ListUsers { reads } => write!(f, "list users, {reads:?}"),
            Call::CreateOrg { name, owner } => write!(f, "create org {name} of {owner}"),
            Call::DeleteOrg { name } => write!(f, "delete org {name}"),
            Call::SetMember { org, user, role } => write!(f, "make {user} {role:?} of {org}"),
            Call::RemoveMember { org, user } => write!(f, "remove {user} from {org}"),
            Call::ListMembers { org } => write!(f, "list members of {org}"),
            Call::Tree(call) => call.fmt(f),
            Call::Gateway(call) => call.fmt(f),
            Call::Runs(call) => call.fmt(f),
            Call::Status => f.write_str("maintenance status"),
            Call::Maintenance => f.write_str("maintenance on"),
            Call::Resume => f.write_str("maintenance off"),
            Call::Export => f.write_str("export"),
            Call::Import { body, intent } => {
                write!(f, "import {} ({intent:?})", Digest(body))
            }
            Call::Lineages => f.write_str("lineages"),
            Call::GoBack { lineage, .. } => write!(f, "go back to lineage {lineage}"),
        }
    }
}
