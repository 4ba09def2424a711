use serde::{Deserialize, Serialize};

/// What a client may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OpKind {
    CreateUser,
    GetUser,
    RenameUser,
    DeleteUser,
    ListUsers,
    CreateOrg,
    DeleteOrg,
    SetMember,
    RemoveMember,
    ListMembers,
    CreateGroup,
    MoveGroup,
    DeleteGroup,
    ListGroups,
    CreateProject,
    GetProject,
    DeleteProject,
    CreateSecret,
    ChangeSecret,
    CreateVariable,
    Environment,
    Export,
}
