use drydock_api::configstore::endpoints::token::{Create, Delete, Resolve};
use drydock_api::configstore::refusals::{TokenAlreadyExists, TokenNotExist};
use drydock_api::configstore::types::{TokenDigest, User};
use drydock_api::names::{Name, Ref};
use drydock_core::db::Tx;
use drydock_core::error::ActionError;
use drydock_core::read_model::StoreError;
use drydock_core::store::StoreTx;
use drydock_http::api::precondition::IfMatch;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::user;
use crate::model;
use crate::record::{Stored, Token};
use crate::schema::TOKENS;

/// How late a token's time of last use may be: not every use is worth a commit.
const USE_NOTED_EVERY: SignedDuration = SignedDuration::from_hours(1);

/// Makes a token with this value, of which the hash is kept.
pub fn create(
    tx: &mut StoreTx<'_>,
    user: &Ref,
    name: &Name,
    value: &str,
) -> Result<Token, ActionError<Create>> {
    let user = user::find(tx, user)?;
    if model::token::by_name(tx, user.id, name)?.is_some() {
        return Err(TokenAlreadyExists(name.clone()).into());
    }
    let now = tx.now();
    let token = Token {
        id: tx.new_id(),
        user: user.id,
        name: name.clone(),
        hash: TokenDigest::of(value).as_str().to_owned(),
        last_used_at: None,
        revision: 1,
        created_at: now,
        updated_at: now,
    };
    tx.put(TOKENS, token.id, &token)?;
    Ok(token)
}

pub fn delete(
    tx: &mut StoreTx<'_>,
    user: &Ref,
    token: &Ref,
    if_match: &IfMatch,
) -> Result<(), ActionError<Delete>> {
    let user = user::find(tx, user)?;
    let token = model::token::find(tx, user.id, token)?.ok_or(TokenNotExist)?;
    if_match.check(Some(&token.etag()))?;
    Ok(tx.delete(TOKENS, token.id)?)
}

/// Whose token has this value.
pub fn resolve(tx: &Tx<'_>, value: &str) -> Result<(User, Token), ActionError<Resolve>> {
    let token = model::token::by_digest(tx, &TokenDigest::of(value))?.ok_or(TokenNotExist)?;
    let user = model::user::by_id(tx, token.user)?;
    Ok((user.ok_or(TokenNotExist)?, token))
}

/// Whether a use at this moment is to be noted.
pub fn is_to_be_noted(token: &Token, now: Timestamp) -> bool {
    token.last_used_at.is_none_or(|last| now.duration_since(last) >= USE_NOTED_EVERY)
}

/// Notes a use. No change that counts as a revision.
pub fn note_use(tx: &mut StoreTx<'_>, token: Uuid, now: Timestamp) -> Result<(), StoreError> {
    let token: Option<Token> = tx.get(TOKENS, token)?;
    match token.filter(|token| is_to_be_noted(token, now)) {
        Some(token) => tx.put(TOKENS, token.id, &Token { last_used_at: Some(now), ..token }),
        None => Ok(()),
    }
}
