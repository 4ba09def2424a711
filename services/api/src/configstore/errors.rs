//! What configstore refuses, in one place.

use std::fmt::Display;

use drydock_core::error::{ApiError, Code};

use crate::names::{Name, Ref, TreeRef};

#[track_caller]
fn refused(code: Code, message: String) -> ApiError {
    ApiError::new(code.kind()).with_code(code).with_message(message)
}

/// Whoever a change was to be made for is gone.
pub fn caller_not_exist() -> ApiError {
    let message = "the token on whose behalf the change was asked for does not exist";
    refused(Code::CallerNotExist, message.to_owned())
}

pub fn caller_forbidden() -> ApiError {
    let message = "the user on whose behalf the change was asked for may not make it";
    refused(Code::CallerForbidden, message.to_owned())
}

pub fn user_not_exist(user: impl Display) -> ApiError {
    refused(Code::UserNotExist, format!("user `{user}` does not exist"))
}

pub fn org_not_exist(org: &Ref) -> ApiError {
    refused(Code::OrgNotExist, format!("organization `{org}` does not exist"))
}

pub fn member_not_exist(org: &Name, user: &Name) -> ApiError {
    let message = format!("user `{user}` is not a member of organization `{org}`");
    refused(Code::MemberNotExist, message)
}

pub fn token_not_exist() -> ApiError {
    refused(Code::TokenNotExist, "the token does not exist".to_owned())
}

pub fn linked_account_not_exist(id: impl Display) -> ApiError {
    let message = format!("linked account `{id}` does not exist");
    refused(Code::LinkedAccountNotExist, message)
}

pub fn remote_source_not_exist(source: &Ref) -> ApiError {
    let message = format!("remote source `{source}` does not exist");
    refused(Code::RemoteSourceNotExist, message)
}

pub fn project_group_not_exist(group: &TreeRef) -> ApiError {
    let message = format!("project group `{group}` does not exist");
    refused(Code::ProjectGroupNotExist, message)
}

pub fn project_not_exist(project: &TreeRef) -> ApiError {
    refused(Code::ProjectNotExist, format!("project `{project}` does not exist"))
}

pub fn secret_not_exist(secret: &Ref) -> ApiError {
    refused(Code::SecretNotExist, format!("secret `{secret}` does not exist here"))
}

pub fn variable_not_exist(variable: &Ref) -> ApiError {
    refused(Code::VariableNotExist, format!("variable `{variable}` does not exist here"))
}

pub fn user_already_exists(name: &Name) -> ApiError {
    let message = format!("a user with the name `{name}` already exists");
    refused(Code::UserAlreadyExists, message)
}

pub fn org_already_exists(name: &Name) -> ApiError {
    let message = format!("an organization with the name `{name}` already exists");
    refused(Code::OrgAlreadyExists, message)
}

pub fn token_already_exists(name: &Name) -> ApiError {
    let message = format!("the user already has a token with the name `{name}`");
    refused(Code::TokenAlreadyExists, message)
}

/// One user has one account at a remote source, and one account one user.
pub fn linked_account_already_exists(message: &str) -> ApiError {
    refused(Code::LinkedAccountAlreadyExists, message.to_owned())
}

pub fn remote_source_already_exists(name: &Name) -> ApiError {
    let message = format!("a remote source with the name `{name}` already exists");
    refused(Code::RemoteSourceAlreadyExists, message)
}

pub fn project_group_already_exists(name: &Name) -> ApiError {
    let message = format!("the group already has a subgroup with the name `{name}`");
    refused(Code::ProjectGroupAlreadyExists, message)
}

pub fn project_already_exists(name: &Name) -> ApiError {
    let message = format!("the group already has a project with the name `{name}`");
    refused(Code::ProjectAlreadyExists, message)
}

pub fn secret_already_exists(name: &Name) -> ApiError {
    let message = format!("a secret with the name `{name}` already exists here");
    refused(Code::SecretAlreadyExists, message)
}

pub fn variable_already_exists(name: &Name) -> ApiError {
    let message = format!("a variable with the name `{name}` already exists here");
    refused(Code::VariableAlreadyExists, message)
}

pub fn last_owner(org: &Name, user: &Name) -> ApiError {
    let message = format!("user `{user}` is the last owner of organization `{org}`");
    refused(Code::LastOwner, message)
}

pub fn remote_source_in_use(name: &Name, by: &str) -> ApiError {
    refused(Code::RemoteSourceInUse, format!("remote source `{name}` is in use by {by}"))
}

pub fn root_project_group() -> ApiError {
    let message = "a root project group cannot be renamed, moved or deleted";
    refused(Code::RootProjectGroup, message.to_owned())
}

pub fn project_group_cycle() -> ApiError {
    let message = "a project group cannot be moved below itself";
    refused(Code::ProjectGroupCycle, message.to_owned())
}

pub fn project_group_too_deep(limit: usize) -> ApiError {
    let message = format!("project groups are nested at most `{limit}` deep");
    refused(Code::ProjectGroupTooDeep, message)
}

pub fn idempotency_key_reused() -> ApiError {
    let message = "the idempotency key was used for another request";
    refused(Code::IdempotencyKeyReused, message.to_owned())
}

pub fn too_many_idempotency_keys() -> ApiError {
    let message = "too many idempotency keys are kept; try again without, or later";
    refused(Code::TooManyRequests, message.to_owned())
}

/// A reference in a body, where the path's own error would not say which.
pub fn invalid_ref(field: &str) -> ApiError {
    let message = format!("`{field}` is neither an id nor a name");
    refused(Code::InvalidRef, message)
}

/// As [`invalid_ref`], for project groups.
pub fn invalid_tree_ref(field: &str) -> ApiError {
    let message = format!("`{field}` is neither an id nor a path such as `org/acme/web`");
    refused(Code::InvalidRef, message)
}

pub fn invalid_field(field: &str, why: impl Display) -> ApiError {
    refused(Code::InvalidBody, format!("`{field}` {why}"))
}
