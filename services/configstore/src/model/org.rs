use drydock_api::configstore::types::Org;
use drydock_api::names::{Name, Ref};
use drydock_core::db::{DbError, Tx};
use drydock_http::api::page::PageRequest;
use uuid::Uuid;

use super::page;
use crate::record::Member;

pub fn find(tx: &Tx<'_>, org: &Ref) -> Result<Option<Org>, DbError> {
    match org {
        Ref::Id(id) => by_id(tx, *id),
        Ref::Name(name) => by_name(tx, name),
    }
}

/// The organization, unless it is deleted.
pub fn by_id(tx: &Tx<'_>, id: Uuid) -> Result<Option<Org>, DbError> {
    let sql = "SELECT data FROM orgs WHERE id = ?1 AND deleted_at IS NULL";
    Ok(tx.query_objects(sql, [id.to_string()])?.into_iter().next())
}

pub fn by_name(tx: &Tx<'_>, name: &Name) -> Result<Option<Org>, DbError> {
    let found = tx.query_objects("SELECT data FROM orgs WHERE name = ?1", [name.as_str()])?;
    Ok(found.into_iter().next())
}

/// All organizations, or the ones that `viewer` may see.
pub fn list(tx: &Tx<'_>, viewer: Option<Uuid>, request: &PageRequest) -> Result<Vec<Org>, DbError> {
    let Some(user) = viewer else {
        let select = "SELECT data FROM orgs WHERE deleted_at IS NULL";
        return page::objects(tx, select, ("name", "id"), request);
    };
    let select =
        "SELECT data FROM orgs WHERE deleted_at IS NULL AND (data ->> '$.visibility' = 'public'
        OR EXISTS (SELECT 1 FROM members m WHERE m.org = orgs.id AND m.user = :scope))";
    page::objects_in(tx, select, ("name", "id"), user, request)
}

/// The organizations of a user, each with the membership.
pub fn of_user(
    tx: &Tx<'_>,
    user: Uuid,
    request: &PageRequest,
) -> Result<Vec<(Org, Member)>, DbError> {
    let select = "SELECT o.data, m.data FROM members m JOIN orgs o ON o.id = m.org
        WHERE m.user = :scope AND o.deleted_at IS NULL";
    page::pairs(tx, select, ("o.name", "o.id"), user, request)
}
