use drydock_api::configstore::types::Visibility;
use drydock_api::names::{Name, TreeRef};
use drydock_core::db::{DbError, Tx};
use drydock_http::api::page::PageRequest;
use uuid::Uuid;

use super::{page, project_group};
use crate::record::Project;
use crate::schema::PROJECTS;

pub fn find(tx: &Tx<'_>, project: &TreeRef) -> Result<Option<Project>, DbError> {
    let path = match project {
        TreeRef::Id(id) => {
            let Some(found) = tx.get::<Project>(PROJECTS, *id)? else { return Ok(None) };
            let deleted = project_group::is_deleted(tx, found.parent)?;
            return Ok((!deleted).then_some(found));
        }
        TreeRef::Path(path) => path,
    };
    // A path without names below the owner is a root group.
    let Some((name, groups)) = path.names.split_last() else { return Ok(None) };
    match project_group::by_path(tx, path.kind, &path.owner, groups)? {
        Some(group) => by_name(tx, group.id, name),
        None => Ok(None),
    }
}

pub fn by_name(tx: &Tx<'_>, parent: Uuid, name: &Name) -> Result<Option<Project>, DbError> {
    let sql = "SELECT data FROM projects WHERE parent = ?1 AND name = ?2";
    let found = tx.query_objects(sql, [&parent.to_string(), name.as_str()])?;
    Ok(found.into_iter().next())
}

pub fn list(
    tx: &Tx<'_>,
    parent: Uuid,
    visibility: Option<Visibility>,
    request: &PageRequest,
) -> Result<Vec<Project>, DbError> {
    let select = "SELECT data FROM projects
        WHERE parent = :scope AND (:filter IS NULL OR data ->> '$.visibility' = :filter)";
    let filter = visibility.map(Visibility::as_str);
    page::objects_like(tx, select, ("name", "id"), parent, filter, request)
}
