use drydock_api::configstore::types::Visibility;
use drydock_api::names::{Name, OwnerKind, TreePath, TreeRef};
use drydock_core::db::column::id;
use drydock_core::db::{DbError, Tx};
use drydock_http::api::page::PageRequest;
use uuid::Uuid;

use super::page;
use crate::record::ProjectGroup;
use crate::schema::PROJECT_GROUPS;

pub fn find(tx: &Tx<'_>, group: &TreeRef) -> Result<Option<ProjectGroup>, DbError> {
    match group {
        TreeRef::Id(id) => match is_deleted(tx, *id)? {
            true => Ok(None),
            false => tx.get(PROJECT_GROUPS, *id),
        },
        TreeRef::Path(TreePath { kind, owner, names }) => by_path(tx, *kind, owner, names),
    }
}

/// The group to which `names` lead from the root group of the owner.
pub fn by_path(
    tx: &Tx<'_>,
    kind: OwnerKind,
    owner: &Name,
    names: &[Name],
) -> Result<Option<ProjectGroup>, DbError> {
    let sql = match kind {
        OwnerKind::User => {
            "SELECT g.data FROM users o JOIN project_groups g ON g.user = o.id WHERE o.name = ?1"
        }
        OwnerKind::Org => {
            "SELECT g.data FROM orgs o JOIN project_groups g ON g.org = o.id WHERE o.name = ?1"
        }
    };
    let root: Vec<ProjectGroup> = tx.query_objects(sql, [owner.as_str()])?;
    let mut at = root.into_iter().next();
    for name in names {
        let Some(group) = at else { return Ok(None) };
        at = by_name(tx, group.id, name)?;
    }
    Ok(at)
}

pub fn by_name(tx: &Tx<'_>, parent: Uuid, name: &Name) -> Result<Option<ProjectGroup>, DbError> {
    let sql = "SELECT data FROM project_groups WHERE parent = ?1 AND name = ?2";
    let found = tx.query_objects(sql, [&parent.to_string(), name.as_str()])?;
    Ok(found.into_iter().next())
}

pub fn root_of(tx: &Tx<'_>, kind: OwnerKind, owner: Uuid) -> Result<Option<ProjectGroup>, DbError> {
    let sql = match kind {
        OwnerKind::User => "SELECT data FROM project_groups WHERE user = ?1",
        OwnerKind::Org => "SELECT data FROM project_groups WHERE org = ?1",
    };
    Ok(tx.query_objects(sql, [owner.to_string()])?.into_iter().next())
}

/// Whether the group is in a subtree that was deleted.
pub fn is_deleted(tx: &Tx<'_>, group: Uuid) -> Result<bool, DbError> {
    let sql = "WITH RECURSIVE up (id) AS (
            VALUES (?1)
            UNION
            SELECT g.parent FROM up JOIN project_groups g ON g.id = up.id
                WHERE g.parent IS NOT NULL
        )
        SELECT 1 FROM up JOIN project_groups g ON g.id = up.id WHERE g.deleted_at IS NOT NULL";
    Ok(tx.query_one(sql, [group.to_string()], |_| Ok(()))?.is_some())
}

pub fn list(
    tx: &Tx<'_>,
    parent: Uuid,
    visibility: Option<Visibility>,
    request: &PageRequest,
) -> Result<Vec<ProjectGroup>, DbError> {
    let select = "SELECT data FROM project_groups
        WHERE parent = :scope AND (:filter IS NULL OR data ->> '$.visibility' = :filter)";
    let filter = visibility.map(Visibility::as_str);
    page::objects_like(tx, select, ("name", "id"), parent, filter, request)
}

/// The group and all groups above it, nearest first.
pub fn up(tx: &Tx<'_>, group: Uuid) -> Result<Vec<ProjectGroup>, DbError> {
    let sql = "WITH RECURSIVE up (id, level) AS (
            VALUES (?1, 0)
            UNION ALL
            SELECT g.parent, up.level + 1 FROM up JOIN project_groups g ON g.id = up.id
                WHERE g.parent IS NOT NULL
        )
        SELECT g.data FROM up JOIN project_groups g ON g.id = up.id ORDER BY up.level";
    tx.query_objects(sql, [group.to_string()])
}

/// The group and all groups below it with their depth below it, deepest first.
pub fn down(tx: &Tx<'_>, group: Uuid) -> Result<Vec<(Uuid, u32)>, DbError> {
    let sql = "WITH RECURSIVE down (id, level) AS (
            VALUES (?1, 0)
            UNION ALL
            SELECT g.id, down.level + 1 FROM down JOIN project_groups g ON g.parent = down.id
        )
        SELECT id, level FROM down ORDER BY level DESC, id";
    tx.query(sql, [group.to_string()], |row| Ok((id(row, 0)?, row.get(1)?)))
}
