//! The refusals of configstore. Each has the code of the same name, and a text for the client.

use drydock_core::{failures, refusals};
use uuid::Uuid;

use crate::names::{Name, Ref, TreeRef};

pub use crate::refusals::{
    EncryptionKeyMissing, IdempotencyKeyReused, InvalidField, NotRepeatable, TooManyKeys,
};

refusals! {
    /// The token on whose behalf something is asked, or its user, is gone.
    CallerNotExist = "the token on whose behalf this was asked does not exist";
    CallerForbidden = "the user on whose behalf this was asked may not do it";

    UserNotExist(user: Ref) = "user `{user}` does not exist";
    OrgNotExist(org: Ref) = "organization `{org}` does not exist";
    MemberNotExist(user: Ref, org: Ref) = "user `{user}` is not a member of organization `{org}`";
    TokenNotExist = "the token does not exist";
    LinkedAccountNotExist(id: Uuid) = "linked account `{id}` does not exist";
    RemoteSourceNotExist(source: Ref) = "remote source `{source}` does not exist";
    ProjectGroupNotExist(group: TreeRef) = "project group `{group}` does not exist";
    ProjectNotExist(project: TreeRef) = "project `{project}` does not exist";
    SecretNotExist(secret: Ref) = "secret `{secret}` does not exist here";
    VariableNotExist(variable: Ref) = "variable `{variable}` does not exist here";

    UserAlreadyExists(name: Name) = "a user with the name `{name}` already exists";
    OrgAlreadyExists(name: Name) = "an organization with the name `{name}` already exists";
    TokenAlreadyExists(name: Name) = "the user already has a token with the name `{name}`";
    /// One user has one account at a remote source, and one account one user.
    LinkedAccountAlreadyExists(text: &'static str) = "{text}";
    RemoteSourceAlreadyExists(name: Name) = "a remote source with the name `{name}` already exists";
    ProjectGroupAlreadyExists(name: Name) =
        "the group already has a subgroup with the name `{name}`";
    ProjectAlreadyExists(name: Name) = "the group already has a project with the name `{name}`";
    SecretAlreadyExists(name: Name) = "a secret with the name `{name}` already exists here";
    VariableAlreadyExists(name: Name) = "a variable with the name `{name}` already exists here";

    LastOwner(user: Ref, of: String) = "user `{user}` is the last owner of {of}";
    RemoteSourceInUse(source: Ref, by: &'static str) = "remote source `{source}` is in use by {by}";
    RootProjectGroup = "a root project group cannot be renamed, moved or deleted";
    ProjectGroupCycle = "a project group cannot be moved below itself";
    ProjectGroupTooDeep(limit: usize) = "project groups are nested at most `{limit}` deep";

    /// A reference in a body, where the path's own error would not say which.
    InvalidRef(field: &'static str) = "`{field}` is neither an id nor a name";
    /// As [`InvalidRef`], for project groups.
    InvalidTreeRef(field: &'static str) as InvalidRef =
        "`{field}` is neither an id nor a path such as `org/acme/web`";
}

failures! {
    /// The refusals of a request whose delegation has not the rights that it names. An object that
    /// the user may not see is answered as if it did not exist.
    NotEntitled {
        CallerForbidden, CallerNotExist, OrgNotExist, ProjectGroupNotExist, ProjectNotExist,
        UserNotExist,
    }
}
