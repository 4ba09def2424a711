use drydock_api::configstore::types::{Org, User};
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
        WHERE m.org = :scope AND u.deleted_at IS NULL";
    page::pairs(tx, select, ("u.name", "u.id"), org, request)
}

/// Whether another user than `user` owns the organization.
pub fn has_other_owner(tx: &Tx<'_>, org: Uuid, user: Uuid) -> Result<bool, DbError> {
    let sql = "SELECT 1 FROM members m JOIN users u ON u.id = m.user
        WHERE m.org = ?1 AND m.user <> ?2 AND m.role = 'owner' AND u.deleted_at IS NULL LIMIT 1";
    let found = tx.query_one(sql, [org.to_string(), user.to_string()], |_| Ok(()))?;
    Ok(found.is_some())
}

/// An organization that has no other owner than the user.
pub fn owned_alone(tx: &Tx<'_>, user: Uuid) -> Result<Option<Org>, DbError> {
    let sql = "SELECT o.data FROM members m JOIN orgs o ON o.id = m.org
        WHERE m.user = ?1 AND m.role = 'owner' AND o.deleted_at IS NULL
            AND NOT EXISTS (
                SELECT 1 FROM members other JOIN users u ON u.id = other.user
                    WHERE other.org = m.org AND other.user <> ?1 AND other.role = 'owner'
                        AND u.deleted_at IS NULL
            )
        ORDER BY m.org LIMIT 1";
    Ok(tx.query_objects(sql, [user.to_string()])?.into_iter().next())
}
