use drydock_api::configstore::errors::{
    linked_account_already_exists, linked_account_not_exist, remote_source_not_exist,
    user_not_exist,
};
use drydock_api::names::{Name, Ref};
use drydock_core::error::BoxError;
use drydock_core::store::StoreTx;
use drydock_http::api::precondition::IfMatch;
use uuid::Uuid;

use crate::model;
use crate::record::{LinkedAccount, Stored};
use crate::schema::LINKED_ACCOUNTS;

/// What a new account is to be.
#[derive(Debug, Clone)]
pub struct New {
    pub remote_source: Ref,
    pub remote_user_id: String,
    pub remote_user_name: String,
}

/// Answers the account, and the name of its remote source.
pub fn create(
    tx: &mut StoreTx<'_>,
    user: &Ref,
    new: &New,
) -> Result<(LinkedAccount, Name), BoxError> {
    let user = model::user::find(tx, user)?.ok_or_else(|| user_not_exist(user))?;
    let source = &new.remote_source;
    let found = model::remote_source::find(tx, source)?;
    let source = found.ok_or_else(|| remote_source_not_exist(source))?;
    if model::linked_account::of_user_at(tx, user.id, source.id)? {
        let message = "the user already has an account at this remote source";
        return Err(linked_account_already_exists(message).into());
    }
    if model::linked_account::is_taken(tx, source.id, &new.remote_user_id)? {
        let message = "the account at the remote source is already linked";
        return Err(linked_account_already_exists(message).into());
    }
    let now = tx.now();
    let account = LinkedAccount {
        id: tx.new_id(),
        user: user.id,
        remote_source: source.id,
        remote_user_id: new.remote_user_id.clone(),
        remote_user_name: new.remote_user_name.clone(),
        revision: 1,
        created_at: now,
        updated_at: now,
    };
    tx.put(LINKED_ACCOUNTS, account.id, &account)?;
    Ok((account, source.name))
}

pub fn delete(
    tx: &mut StoreTx<'_>,
    user: &Ref,
    account: Uuid,
    if_match: &IfMatch,
) -> Result<(), BoxError> {
    let user = model::user::find(tx, user)?.ok_or_else(|| user_not_exist(user))?;
    let found: Option<LinkedAccount> = tx.get(LINKED_ACCOUNTS, account)?;
    let found = found.filter(|account| account.user == user.id);
    let found = found.ok_or_else(|| linked_account_not_exist(account))?;
    if_match.check(Some(&found.etag()))?;
    tx.delete(LINKED_ACCOUNTS, found.id)
}
