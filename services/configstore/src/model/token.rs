use drydock_api::configstore::types::TokenDigest;
use drydock_api::names::{Name, Ref};
use drydock_core::db::{DbError, Tx};
use drydock_http::api::page::PageRequest;
use uuid::Uuid;

use super::page;
use crate::record::Token;
use crate::schema::TOKENS;

pub fn find(tx: &Tx<'_>, user: Uuid, token: &Ref) -> Result<Option<Token>, DbError> {
    match token {
        Ref::Id(id) => {
            let found: Option<Token> = tx.get(TOKENS, *id)?;
            Ok(found.filter(|token| token.user == user))
        }
        Ref::Name(name) => by_name(tx, user, name),
    }
}

pub fn by_name(tx: &Tx<'_>, user: Uuid, name: &Name) -> Result<Option<Token>, DbError> {
    let sql = "SELECT data FROM tokens WHERE user = ?1 AND name = ?2";
    let found = tx.query_objects(sql, [&user.to_string(), name.as_str()])?;
    Ok(found.into_iter().next())
}

pub fn by_digest(tx: &Tx<'_>, digest: &TokenDigest) -> Result<Option<Token>, DbError> {
    let sql = "SELECT data FROM tokens WHERE hash = ?1";
    let found = tx.query_objects(sql, [digest.as_str()])?;
    Ok(found.into_iter().next())
}

pub fn list(tx: &Tx<'_>, user: Uuid, request: &PageRequest) -> Result<Vec<Token>, DbError> {
    let select = "SELECT data FROM tokens WHERE user = :scope";
    page::objects_in(tx, select, ("name", "id"), user, request)
}
