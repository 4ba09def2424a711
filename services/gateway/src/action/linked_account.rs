use drydock_api::configstore::errors::{
    linked_account_already_exists, linked_account_not_exist, remote_source_not_exist,
    user_not_exist,
};
use drydock_api::configstore::types::{LinkedAccountView, NewLinkedAccount};
use drydock_api::configstore::validate;
use drydock_core::error::ApiError;
use drydock_http::api::page::{ListQuery, Page};
use drydock_http::client::Answer;
use uuid::Uuid;

use crate::auth::Permit;
use crate::auth::permit::At;
use crate::errors;

pub async fn list(permit: &Permit, query: &ListQuery) -> Result<Page<LinkedAccountView>, ApiError> {
    let At { given, found } = permit.user();
    let listed = permit.configstore.linked_accounts(&permit.ctx, found, query).await;
    listed.map_err(|error| errors::of(error, [user_not_exist(given)]))
}

pub async fn create(
    permit: &Permit,
    new: NewLinkedAccount,
    key: Option<&str>,
) -> Result<Answer<LinkedAccountView>, ApiError> {
    let source = validate::reference("remote_source", &new.remote_source)?;
    let new = NewLinkedAccount {
        remote_source: new.remote_source,
        remote_user_id: validate::text("remote_user_id", new.remote_user_id)?,
        remote_user_name: validate::text("remote_user_name", new.remote_user_name)?,
    };
    let At { given, found } = permit.user();
    let created = permit.configstore.create_linked_account(&permit.ctx, found, &new, key).await;
    created.map_err(|error| {
        let taken = "the user has an account at this remote source, or the account is linked";
        let taken = linked_account_already_exists(taken);
        errors::of(error, [taken, remote_source_not_exist(&source), user_not_exist(given)])
    })
}

pub async fn delete(
    permit: &Permit,
    account: Uuid,
    if_match: Option<&str>,
) -> Result<(), ApiError> {
    let At { given, found } = permit.user();
    let deleted =
        permit.configstore.delete_linked_account(&permit.ctx, found, account, if_match).await;
    deleted.map_err(|error| {
        errors::of(error, [linked_account_not_exist(account), user_not_exist(given)])
    })
}
