use drydock_api::configstore::endpoints::token as failures;
use drydock_api::configstore::refusals::{TokenAlreadyExists, TokenNotExist, UserNotExist};
use drydock_api::configstore::types::{NewToken, NewTokenView, TokenView};
use drydock_api::configstore::validate;
use drydock_api::names::Ref;
use drydock_core::error::ActionError;
use drydock_http::api::page::{ListQuery, Page};
use drydock_http::client::Answer;

use crate::auth::require::SelfOf;
use crate::auth::{Look, Permit};
use crate::errors;

pub async fn list(
    look: &Look<SelfOf>,
    query: &ListQuery,
) -> Result<Page<TokenView>, ActionError<failures::List>> {
    let given = &look.given;
    let listed = look.configstore.tokens(&look.ctx, given, query).await;
    listed.map_err(|error| errors::refused(error, [UserNotExist(given.clone()).into()]))
}

pub async fn create(
    permit: &Permit<SelfOf>,
    new: &NewToken,
    key: Option<&str>,
) -> Result<Answer<NewTokenView>, ActionError<failures::Create>> {
    let name = validate::name(&new.name)?;
    let given = &permit.given;
    let created = permit.configstore().create_token(&permit.ctx, given, new, key).await;
    created.map_err(|error| {
        errors::refused(
            error,
            [TokenAlreadyExists(name.clone()).into(), UserNotExist(given.clone()).into()],
        )
    })
}

pub async fn delete(
    permit: &Permit<SelfOf>,
    token: &Ref,
    if_match: Option<&str>,
) -> Result<(), ActionError<failures::Delete>> {
    let given = &permit.given;
    let deleted = permit.configstore().delete_token(&permit.ctx, given, token, if_match).await;
    deleted.map_err(|error| {
        errors::refused(error, [TokenNotExist.into(), UserNotExist(given.clone()).into()])
    })
}
