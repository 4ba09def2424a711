use drydock_api::configstore::errors::{user_already_exists, user_not_exist};
use drydock_api::configstore::types::{NewUser, User, UserChange, UserOrg};
use drydock_api::configstore::validate;
use drydock_api::names::Ref;
use drydock_core::error::{ApiError, Code};
use drydock_http::api::page::{Consistency, ListQuery, Page};
use drydock_http::client::Answer;

use crate::auth::caller::Caller;
use crate::auth::require::{Admin, AnyUser, SelfOf};
use crate::auth::{Look, Permit};
use crate::errors;
use crate::errors::{forbidden, own};

pub fn me(permit: &Permit<AnyUser>) -> Result<&Answer<User>, ApiError> {
    match &permit.caller {
        Caller::User(user) => Ok(user),
        Caller::AdminToken => Err(forbidden().with_message("the admin token belongs to no user")),
    }
}

pub async fn list(look: &Look<Admin>, query: &ListQuery) -> Result<Page<User>, ApiError> {
    let listed = look.configstore.users(&look.ctx, query).await;
    listed.map_err(|error| errors::of(error, []))
}

pub async fn create(
    permit: &Permit<Admin>,
    new: &NewUser,
    key: Option<&str>,
) -> Result<Answer<User>, ApiError> {
    let name = validate::name(&new.name)?;
    let created = permit.configstore().create_user(&permit.ctx, new, key).await;
    created.map_err(|error| errors::of(error, [user_already_exists(&name)]))
}

pub async fn get(look: &Look<SelfOf>) -> Result<Answer<User>, ApiError> {
    let given = &look.given;
    let asked = look.configstore.user(&look.ctx, given, Consistency::Linearizable).await;
    asked.map_err(|error| errors::of(error, [user_not_exist(given)]))
}

/// Users may change themselves, but not what they are allowed.
pub async fn update(
    permit: &mut Permit<SelfOf>,
    change: &UserChange,
    if_match: Option<&str>,
) -> Result<Answer<User>, ApiError> {
    if change.admin.is_some() {
        permit.administrator("only administrators change `admin`")?;
    }
    let name = validate::optional_name(change.name.as_deref())?;
    let given = &permit.given;
    let updated = permit.configstore().update_user(&permit.ctx, given, change, if_match).await;
    updated.map_err(|error| {
        let taken = name.iter().map(user_already_exists);
        errors::of(error, taken.chain([user_not_exist(given)]))
    })
}

pub async fn delete(
    permit: &Permit<Admin>,
    user: &Ref,
    if_match: Option<&str>,
) -> Result<(), ApiError> {
    let deleted = permit.configstore().delete_user(&permit.ctx, user, if_match).await;
    deleted.map_err(|error| {
        let message = format!("user `{user}` is the last owner of an organization");
        errors::of(error, [user_not_exist(user), own(Code::LastOwner, &message)])
    })
}

pub async fn orgs(look: &Look<SelfOf>, query: &ListQuery) -> Result<Page<UserOrg>, ApiError> {
    let given = &look.given;
    let listed = look.configstore.user_orgs(&look.ctx, given, query).await;
    listed.map_err(|error| errors::of(error, [user_not_exist(given)]))
}
