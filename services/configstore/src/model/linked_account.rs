use drydock_api::configstore::types::RemoteSource;
use drydock_core::db::column::id;
use drydock_core::db::{DbError, Tx};
use drydock_http::api::page::PageRequest;
use uuid::Uuid;

use super::page;
use crate::record::LinkedAccount;

/// The accounts of a user, each with its remote source, by the remote source's name.
pub fn list(
    tx: &Tx<'_>,
    user: Uuid,
    request: &PageRequest,
) -> Result<Vec<(LinkedAccount, RemoteSource)>, DbError> {
    let select = "SELECT a.data, r.data
        FROM linked_accounts a JOIN remote_sources r ON r.id = a.remote_source
        WHERE a.user = :scope";
    page::pairs(tx, select, ("r.name", "a.id"), user, request)
}

/// Whether the user has an account at the remote source.
pub fn of_user_at(tx: &Tx<'_>, user: Uuid, source: Uuid) -> Result<bool, DbError> {
    let sql = "SELECT 1 FROM linked_accounts WHERE user = ?1 AND remote_source = ?2";
    let found = tx.query_one(sql, [user.to_string(), source.to_string()], |_| Ok(()))?;
    Ok(found.is_some())
}

/// The link of this account at the remote source to a user.
pub enum Link {
    Taken,
    /// To a user that is deleted, who has no use for it.
    Left(Uuid),
}

pub fn link(tx: &Tx<'_>, source: Uuid, remote_user_id: &str) -> Result<Option<Link>, DbError> {
    let sql = "SELECT a.id, u.deleted_at IS NULL FROM linked_accounts a
        JOIN users u ON u.id = a.user WHERE a.remote_source = ?1 AND a.remote_user_id = ?2";
    tx.query_one(sql, [&source.to_string(), remote_user_id], |row| match row.get(1)? {
        true => Ok(Link::Taken),
        false => Ok(Link::Left(id(row, 0)?)),
    })
}
