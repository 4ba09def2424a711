use drydock_api::configstore::errors::{user_already_exists, user_not_exist};
use drydock_api::configstore::types::{NewUser, User, UserChange, UserOrg};
use drydock_api::configstore::validate;
use drydock_api::names::Ref;
use drydock_core::error::{ApiError, Code};
use drydock_http::api::page::{Consistency, ListQuery, Page};
use drydock_http::client::Answer;

use crate::auth::Permit;
use crate::auth::permit::At;
use crate::errors;
use crate::errors::{forbidden, own};

pub async fn me(permit: &Permit) -> Result<Answer<User>, ApiError> {
    let Some(user) = permit.caller.user() else {
        return Err(forbidden().with_message("the admin token belongs to no user"));
    };
    let id = Ref::Id(user.id);
    let found = permit.configstore.user(&permit.ctx, &id, Consistency::Linearizable).await;
    found.map_err(|error| errors::of(error, [user_not_exist(&user.name)]))
}

pub async fn list(permit: &Permit, query: &ListQuery) -> Result<Page<User>, ApiError> {
    let listed = permit.configstore.users(&permit.ctx, query).await;
    listed.map_err(|error| errors::of(error, []))
}

pub async fn create(
    permit: &Permit,
    new: &NewUser,
    key: Option<&str>,
) -> Result<Answer<User>, ApiError> {
    let name = validate::name(&new.name)?;
    let created = permit.configstore.create_user(&permit.ctx, new, key).await;
    created.map_err(|error| errors::of(error, [user_already_exists(&name)]))
}

pub async fn get(permit: &Permit) -> Result<Answer<User>, ApiError> {
    let At { given, found } = permit.user();
    let asked = permit.configstore.user(&permit.ctx, found, Consistency::Linearizable).await;
    asked.map_err(|error| errors::of(error, [user_not_exist(given)]))
}

/// Users may change themselves, but not what they are allowed.
pub async fn update(
    permit: &mut Permit,
    change: &UserChange,
    if_match: Option<&str>,
) -> Result<Answer<User>, ApiError> {
    if change.admin.is_some() {
        permit.administrator("only administrators change `admin`")?;
    }
    let name = validate::optional_name(change.name.as_deref())?;
    let At { given, found } = permit.user();
    let updated = permit.configstore.update_user(&permit.ctx, found, change, if_match).await;
    updated.map_err(|error| {
        let taken = name.iter().map(user_already_exists);
        errors::of(error, taken.chain([user_not_exist(given)]))
    })
}

pub async fn delete(permit: &Permit, user: &Ref, if_match: Option<&str>) -> Result<(), ApiError> {
    let deleted = permit.configstore.delete_user(&permit.ctx, user, if_match).await;
    deleted.map_err(|error| {
        let message = format!("user `{user}` is the last owner of an organization");
        errors::of(error, [user_not_exist(user), own(Code::LastOwner, &message)])
    })
}

pub async fn orgs(permit: &Permit, query: &ListQuery) -> Result<Page<UserOrg>, ApiError> {
    let At { given, found } = permit.user();
    let listed = permit.configstore.user_orgs(&permit.ctx, found, query).await;
    listed.map_err(|error| errors::of(error, [user_not_exist(given)]))
}
