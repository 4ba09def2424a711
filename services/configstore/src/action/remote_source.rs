use drydock_api::configstore::errors::{
    remote_source_already_exists, remote_source_in_use, remote_source_not_exist,
};
use drydock_api::configstore::types::{AuthKind, RemoteSource, RemoteSourceKind};
use drydock_api::names::{Name, Ref};
use drydock_core::error::BoxError;
use drydock_core::store::StoreTx;
use drydock_http::api::precondition::IfMatch;

use crate::model;
use crate::record::Stored;
use crate::schema::REMOTE_SOURCES;

/// What a new remote source is to be.
#[derive(Debug, Clone)]
pub struct New {
    pub name: Name,
    pub api_url: String,
    pub kind: RemoteSourceKind,
    pub auth_kind: AuthKind,
}

/// What a remote source is to be; `None`: as it was.
pub struct Change {
    pub name: Option<Name>,
    pub api_url: Option<String>,
    pub kind: Option<RemoteSourceKind>,
    pub auth_kind: Option<AuthKind>,
}

pub fn create(tx: &mut StoreTx<'_>, new: &New) -> Result<RemoteSource, BoxError> {
    let New { name, api_url, kind, auth_kind } = new;
    if model::remote_source::by_name(tx, name)?.is_some() {
        return Err(remote_source_already_exists(name).into());
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
) -> Result<RemoteSource, BoxError> {
    let old = find(tx, source)?;
    if_match.check(Some(&old.etag()))?;
    let mut new = old.clone();
    if let Some(name) = change.name.as_ref().filter(|name| **name != old.name) {
        if model::remote_source::by_name(tx, name)?.is_some() {
            return Err(remote_source_already_exists(name).into());
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

/// Deletes the remote source, unless a project or a linked account is of it.
pub fn delete(tx: &mut StoreTx<'_>, source: &Ref, if_match: &IfMatch) -> Result<(), BoxError> {
    let source = find(tx, source)?;
    if_match.check(Some(&source.etag()))?;
    if model::remote_source::has_projects(tx, source.id)? {
        return Err(remote_source_in_use(&source.name, "projects").into());
    }
    if model::remote_source::has_accounts(tx, source.id)? {
        return Err(remote_source_in_use(&source.name, "linked accounts").into());
    }
    tx.delete(REMOTE_SOURCES, source.id)
}

fn find(tx: &StoreTx<'_>, source: &Ref) -> Result<RemoteSource, BoxError> {
    let found = model::remote_source::find(tx, source)?;
    Ok(found.ok_or_else(|| remote_source_not_exist(source))?)
}
