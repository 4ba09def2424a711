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

/// What a person may do at a gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GatewayOp {
    /// Makes a token, uses it from then on, and keeps the old one.
    MakeToken,
    /// Deletes a token, and uses it all the same.
    DropToken,
    RenameUser,
    SetAdmin,
    DeleteUser,
    CreateOrg,
    RenameOrg,
    DeleteOrg,
    SetRole,
    RemoveMember,
    CreateGroup,
    RenameGroup,
    MoveGroup,
    DeleteGroup,
    CreateProject,
    RenameProject,
    ChangeProject,
    DeleteProject,
    GetProject,
    ListProjects,
    CreateSecret,
    ListSecrets,
}
