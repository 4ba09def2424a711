//! What configstore refuses, in one place.

use std::fmt::Display;

use drydock_core::error::{ApiError, Code, Kind};

use crate::names::{Name, Ref};

#[track_caller]
fn refused(kind: Kind, code: Code, message: String) -> ApiError {
    ApiError::new(kind).with_code(code).with_message(message)
}

pub fn user_not_exist(user: impl Display) -> ApiError {
    let message = format!("user `{user}` does not exist");
    refused(Kind::NotExist, Code::UserNotExist, message)
}

pub fn org_not_exist(org: &Ref) -> ApiError {
    let message = format!("organization `{org}` does not exist");
    refused(Kind::NotExist, Code::OrgNotExist, message)
}

pub fn member_not_exist(org: &Name, user: &Name) -> ApiError {
    let message = format!("user `{user}` is not a member of organization `{org}`");
    refused(Kind::NotExist, Code::MemberNotExist, message)
}

pub fn user_already_exists(name: &Name) -> ApiError {
    let message = format!("a user with the name `{name}` already exists");
    refused(Kind::Conflict, Code::UserAlreadyExists, message)
}

pub fn org_already_exists(name: &Name) -> ApiError {
    let message = format!("an organization with the name `{name}` already exists");
    refused(Kind::Conflict, Code::OrgAlreadyExists, message)
}

pub fn last_owner(org: &Name, user: &Name) -> ApiError {
    let message = format!("user `{user}` is the last owner of organization `{org}`");
    refused(Kind::Conflict, Code::LastOwner, message)
}

/// A reference in a body, where the path's own error would not say which.
pub fn invalid_ref(field: &str) -> ApiError {
    let message = format!("`{field}` is neither an id nor a name");
    refused(Kind::BadRequest, Code::InvalidRef, message)
}
