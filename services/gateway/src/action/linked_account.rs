use drydock_api::configstore::endpoints::linked_account as failures;
use drydock_api::configstore::refusals::{
    LinkedAccountAlreadyExists, LinkedAccountNotExist, RemoteSourceNotExist, UserNotExist,
};
use drydock_api::configstore::types::{LinkedAccountView, NewLinkedAccount};
use drydock_api::configstore::validate;
use drydock_core::error::ActionError;
use drydock_http::api::page::{ListQuery, Page};
use drydock_http::client::Answer;
use uuid::Uuid;

use crate::auth::require::SelfOf;
use crate::auth::{Look, Permit};
use crate::errors;

pub async fn list(
    look: &Look<SelfOf>,
    query: &ListQuery,
) -> Result<Page<LinkedAccountView>, ActionError<failures::List>> {
    let given = &look.given;
    let listed = look.configstore.linked_accounts(&look.ctx, given, query).await;
    listed.map_err(|error| errors::refused(error, [UserNotExist(given.clone()).into()]))
}

pub async fn create(
    permit: &Permit<SelfOf>,
    new: NewLinkedAccount,
    key: Option<&str>,
) -> Result<Answer<LinkedAccountView>, ActionError<failures::Create>> {
    let source = validate::reference("remote_source", &new.remote_source)?;
    let new = NewLinkedAccount {
        remote_source: new.remote_source,
        remote_user_id: validate::text("remote_user_id", new.remote_user_id)?,
        remote_user_name: validate::text("remote_user_name", new.remote_user_name)?,
    };
    let given = &permit.given;
    let created = permit.configstore().create_linked_account(&permit.ctx, given, &new, key).await;
    created.map_err(|error| {
        let taken = "the user has an account at this remote source, or the account is linked";
        let taken = LinkedAccountAlreadyExists(taken).into();
        errors::refused(
            error,
            [
                taken,
                RemoteSourceNotExist(source.clone()).into(),
                UserNotExist(given.clone()).into(),
            ],
        )
    })
}

pub async fn delete(
    permit: &Permit<SelfOf>,
    account: Uuid,
    if_match: Option<&str>,
) -> Result<(), ActionError<failures::Delete>> {
    let given = &permit.given;
    let deleted =
        permit.configstore().delete_linked_account(&permit.ctx, given, account, if_match).await;
    deleted.map_err(|error| {
        errors::refused(
            error,
            [LinkedAccountNotExist(account).into(), UserNotExist(given.clone()).into()],
        )
    })
}
