use drydock_api::configstore::types::User;
use drydock_core::db::{DbError, Tx};
use drydock_http::api::page::PageRequest;
use uuid::Uuid;

use super::page;
use crate::record::Member;

pub fn find(tx: &Tx<'_>, org: Uuid, user: Uuid) -> Result<Option<Member>, DbError> {
    let sql = "SELECT data FROM members WHERE org = ?1 AND user = ?2";
    let found = tx.query_objects(sql, [org.to_string(), user.to_string()])?;
    Ok(found.into_iter().next())
}

/// The members of an organization, each with its user, by the user's name.
pub fn list(tx: &Tx<'_>, org: Uuid, request: &PageRequest) -> Result<Vec<(Member, User)>, DbError> {
    let select = "SELECT m.data, u.data FROM members m JOIN users u ON u.id = m.user
        WHERE m.org = :scope";
    page::pairs(tx, select, ("u.name", "u.id"), org, request)
}

pub fn of_org(tx: &Tx<'_>, org: Uuid) -> Result<Vec<Member>, DbError> {
    let sql = "SELECT data FROM members WHERE org = ?1 ORDER BY id";
    tx.query_objects(sql, [org.to_string()])
}

pub fn of_user(tx: &Tx<'_>, user: Uuid) -> Result<Vec<Member>, DbError> {
    let sql = "SELECT data FROM members WHERE user = ?1 ORDER BY id";
    tx.query_objects(sql, [user.to_string()])
}

/// Whether somebody other than `user` owns the organization.
pub fn has_other_owner(tx: &Tx<'_>, org: Uuid, user: Uuid) -> Result<bool, DbError> {
    let sql = "SELECT 1 FROM members WHERE org = ?1 AND user <> ?2 AND role = 'owner' LIMIT 1";
    let found = tx.query_one(sql, [org.to_string(), user.to_string()], |_| Ok(()))?;
    Ok(found.is_some())
}
