use drydock_api::configstore::endpoints::linked_account::{Create, Delete};
use drydock_api::configstore::refusals::{LinkedAccountAlreadyExists, LinkedAccountNotExist};
use drydock_api::names::{Name, Ref};
use drydock_core::error::ActionError;
use drydock_core::store::StoreTx;
use drydock_http::api::precondition::IfMatch;
use uuid::Uuid;

use super::{remote_source, user};
use crate::model;
use crate::model::linked_account::Link;
use crate::record::{LinkedAccount, Stored};
use crate::schema::LINKED_ACCOUNTS;

/// The fields of a new account.
#[derive(Debug, Clone)]
pub struct New {
    pub remote_source: Ref,
    pub remote_user_id: String,
    pub remote_user_name: String,
}

/// Creates an account, and returns it with the name of its remote source.
pub fn create(
    tx: &mut StoreTx<'_>,
    user: &Ref,
    new: &New,
) -> Result<(LinkedAccount, Name), ActionError<Create>> {
    let user = user::find(tx, user)?;
    let source = remote_source::find(tx, &new.remote_source)?;
    if model::linked_account::of_user_at(tx, user.id, source.id)? {
        let message = "the user already has an account at this remote source";
        return Err(LinkedAccountAlreadyExists(message).into());
    }
    match model::linked_account::link(tx, source.id, &new.remote_user_id)? {
        Some(Link::Taken) => {
            let message = "the account at the remote source is already linked";
            return Err(LinkedAccountAlreadyExists(message).into());
        }
        Some(Link::Left(account)) => tx.delete(LINKED_ACCOUNTS, account)?,
        None => {}
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
) -> Result<(), ActionError<Delete>> {
    let user = user::find(tx, user)?;
    let found: Option<LinkedAccount> = tx.get(LINKED_ACCOUNTS, account)?;
    let found = found.filter(|account| account.user == user.id);
    let found = found.ok_or(LinkedAccountNotExist(account))?;
    if_match.check(Some(&found.etag()))?;
    Ok(tx.delete(LINKED_ACCOUNTS, found.id)?)
}
