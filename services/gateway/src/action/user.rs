use drydock_api::configstore::endpoints::user as failures;
use drydock_api::configstore::refusals::{LastOwner, UserAlreadyExists, UserNotExist};
use drydock_api::configstore::types::{NewUser, User, UserChange, UserOrg};
use drydock_api::configstore::validate;
use drydock_api::gateway::endpoints::{Forbidden, Me, UpdateUser};
use drydock_api::names::Ref;
use drydock_core::error::ActionError;
use drydock_http::api::page::{Consistency, ListQuery, Page};
use drydock_http::client::Answer;

use crate::auth::caller::Caller;
use crate::auth::require::{Admin, AnyUser, SelfOf};
use crate::auth::{Look, Permit};
use crate::errors;

pub fn me(permit: &Permit<AnyUser>) -> Result<&Answer<User>, ActionError<Me>> {
    match &permit.caller {
        Caller::User(user) => Ok(user),
        Caller::AdminToken => Err(Forbidden("the admin token belongs to no user").into()),
    }
}

pub async fn list(
    look: &Look<Admin>,
    query: &ListQuery,
) -> Result<Page<User>, ActionError<failures::List>> {
    let listed = look.configstore.users(&look.ctx, query).await;
    listed.map_err(|error| errors::refused(error, []))
}

pub async fn create(
    permit: &Permit<Admin>,
    new: &NewUser,
    key: Option<&str>,
) -> Result<Answer<User>, ActionError<failures::Create>> {
    let name = validate::name(&new.name)?;
    let created = permit.configstore().create_user(&permit.ctx, new, key).await;
    created.map_err(|error| errors::refused(error, [UserAlreadyExists(name.clone()).into()]))
}

pub async fn get(look: &Look<SelfOf>) -> Result<Answer<User>, ActionError<failures::Get>> {
    let given = &look.given;
    let asked = look.configstore.user(&look.ctx, given, Consistency::Linearizable).await;
    asked.map_err(|error| errors::refused(error, [UserNotExist(given.clone()).into()]))
}

/// Users may change themselves, but not what they are allowed.
pub async fn update(
    permit: &mut Permit<SelfOf>,
    change: &UserChange,
    if_match: Option<&str>,
) -> Result<Answer<User>, ActionError<UpdateUser>> {
    if change.admin.is_some() {
        permit.administrator("only administrators change `admin`")?;
    }
    let name = validate::optional_name(change.name.as_deref())?;
    let given = &permit.given;
    let updated = permit.configstore().update_user(&permit.ctx, given, change, if_match).await;
    updated.map_err(|error| {
        let taken = name.iter().map(|it| UserAlreadyExists(it.clone()).into());
        errors::refused(error, taken.chain([UserNotExist(given.clone()).into()]))
    })
}

pub async fn delete(
    permit: &Permit<Admin>,
    user: &Ref,
    if_match: Option<&str>,
) -> Result<(), ActionError<failures::Delete>> {
    let deleted = permit.configstore().delete_user(&permit.ctx, user, if_match).await;
    deleted.map_err(|error| {
        let last = LastOwner(user.clone(), "an organization".to_owned());
        errors::refused(error, [UserNotExist(user.clone()).into(), last.into()])
    })
}

pub async fn orgs(
    look: &Look<SelfOf>,
    query: &ListQuery,
) -> Result<Page<UserOrg>, ActionError<failures::Orgs>> {
    let given = &look.given;
    let listed = look.configstore.user_orgs(&look.ctx, given, query).await;
    listed.map_err(|error| errors::refused(error, [UserNotExist(given.clone()).into()]))
}
