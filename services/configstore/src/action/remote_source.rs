use drydock_api::configstore::endpoints::remote_source::{Create, Delete, Update};
use drydock_api::configstore::refusals::{
    RemoteSourceAlreadyExists, RemoteSourceInUse, RemoteSourceNotExist,
};
use drydock_api::configstore::types::{AuthKind, RemoteSource, RemoteSourceKind};
use drydock_api::names::{Name, Ref};
use drydock_core::db::Tx;
use drydock_core::error::ActionError;
use drydock_core::store::StoreTx;
use drydock_http::api::precondition::IfMatch;

use crate::model;
use crate::record::Stored;
use crate::schema::REMOTE_SOURCES;

/// The fields of a new remote source.
#[derive(Debug, Clone)]
pub struct New {
    pub name: Name,
    pub api_url: String,
    pub kind: RemoteSourceKind,
    pub auth_kind: AuthKind,
}

/// The fields of a remote source that change; `None` leaves a field as it is.
pub struct Change {
    pub name: Option<Name>,
    pub api_url: Option<String>,
    pub kind: Option<RemoteSourceKind>,
    pub auth_kind: Option<AuthKind>,
}

pub fn create(tx: &mut StoreTx<'_>, new: &New) -> Result<RemoteSource, ActionError<Create>> {
    let New { name, api_url, kind, auth_kind } = new;
    if model::remote_source::by_name(tx, name)?.is_some() {
        return Err(RemoteSourceAlreadyExists(name.clone()).into());
    }
    let now = tx.now();
    let source = RemoteSource {
        id: tx.new_id(),
        name: name.clone(),
        api_url: api_url.clone(),
        kind: *kind,
        auth_kind: *auth_kind,
        revision: 1,
        created_at: now,
        updated_at: now,
    };
    tx.put(REMOTE_SOURCES, source.id, &source)?;
    Ok(source)
}

pub fn update(
    tx: &mut StoreTx<'_>,
    source: &Ref,
    change: &Change,
    if_match: &IfMatch,
) -> Result<RemoteSource, ActionError<Update>> {
    let old = find(tx, source)?;
    if_match.check(Some(&old.etag()))?;
    let mut new = old.clone();
    if let Some(name) = change.name.as_ref().filter(|name| **name != old.name) {
        if model::remote_source::by_name(tx, name)?.is_some() {
            return Err(RemoteSourceAlreadyExists(name.clone()).into());
        }
        new.name = name.clone();
    }
    if let Some(api_url) = &change.api_url {
        new.api_url.clone_from(api_url);
    }
    new.kind = change.kind.unwrap_or(old.kind);
    new.auth_kind = change.auth_kind.unwrap_or(old.auth_kind);
    if new != old {
        new.touch(tx.now());
        tx.put(REMOTE_SOURCES, new.id, &new)?;
    }
    Ok(new)
}

/// Deletes the remote source, unless a project or a linked account refers to it.
pub fn delete(
    tx: &mut StoreTx<'_>,
    source: &Ref,
    if_match: &IfMatch,
) -> Result<(), ActionError<Delete>> {
    let source = find(tx, source)?;
    if_match.check(Some(&source.etag()))?;
    if model::remote_source::has_projects(tx, source.id)? {
        return Err(RemoteSourceInUse(source.name.into(), "projects").into());
    }
    if model::remote_source::has_accounts(tx, source.id)? {
        return Err(RemoteSourceInUse(source.name.into(), "linked accounts").into());
    }
    Ok(tx.delete(REMOTE_SOURCES, source.id)?)
}

pub fn find<F: From<RemoteSourceNotExist>>(
    tx: &Tx<'_>,
    source: &Ref,
) -> Result<RemoteSource, ActionError<F>> {
    let found = model::remote_source::find(tx, source)?;
    Ok(found.ok_or_else(|| RemoteSourceNotExist(source.clone()))?)
}
