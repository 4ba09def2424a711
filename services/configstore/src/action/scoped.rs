//! Secrets and variables, which are defined in a scope: a project or a project group.

use drydock_api::configstore::refusals::{ProjectGroupNotExist, ProjectNotExist};
use drydock_api::configstore::scoped::{Project, ProjectGroup, ScopePath, Scoped, ScopedKind};
use drydock_api::configstore::types::{Scope, ScopeKind};
use drydock_api::names::{Name, Ref, TreeRef};
use drydock_core::db::Tx;
use drydock_core::error::ActionError;
use drydock_core::store::StoreTx;
use drydock_http::api::precondition::IfMatch;
use drydock_runtime::encryptor::Encryptor;
use uuid::Uuid;

use super::secret::bound;
use super::{project, project_group};
use crate::model;
use crate::record::{Identity, ScopedRecord, Secret, Variable};

/// The fields of a kind of object besides the name, as clients send them.
pub type Content<R> = <<R as ScopedRecord>::Kind as ScopedKind>::Content;

/// A record whose fields are made of what clients send.
pub trait Editable: ScopedRecord {
    fn stored(
        encryptor: &Encryptor,
        id: Uuid,
        content: &Content<Self>,
    ) -> Result<Self::Content, serde_json::Error>;
}

impl Editable for Secret {
    fn stored(
        encryptor: &Encryptor,
        id: Uuid,
        data: &Content<Secret>,
    ) -> Result<Self::Content, serde_json::Error> {
        let plain = zeroize::Zeroizing::new(serde_json::to_vec(data)?);
        Ok(encryptor.encrypt(bound(id), &plain))
    }
}

impl Editable for Variable {
    fn stored(
        _: &Encryptor,
        _: Uuid,
        values: &Content<Variable>,
    ) -> Result<Self::Content, serde_json::Error> {
        Ok(values.clone())
    }
}

/// A kind of scope, which can be found.
pub trait Findable: ScopePath {
    /// Finds the scope and the scopes above it: the nearest first, at least one.
    fn scopes<F>(tx: &Tx<'_>, scope: &TreeRef) -> Result<Vec<Scope>, ActionError<F>>
    where
        F: From<Self::NotExist>;
}

impl Findable for Project {
    fn scopes<F>(tx: &Tx<'_>, scope: &TreeRef) -> Result<Vec<Scope>, ActionError<F>>
    where
        F: From<ProjectNotExist>,
    {
        let project = project::find(tx, scope)?;
        Ok(model::tree::scopes_of_project(tx, &project)?)
    }
}

impl Findable for ProjectGroup {
    fn scopes<F>(tx: &Tx<'_>, scope: &TreeRef) -> Result<Vec<Scope>, ActionError<F>>
    where
        F: From<ProjectGroupNotExist>,
    {
        let group = project_group::find(tx, scope)?;
        Ok(model::tree::scopes_of_group(tx, group.id)?)
    }
}

/// The fields of an object that change; `None` leaves a field as it is.
pub struct Change<C> {
    pub name: Option<Name>,
    pub content: Option<C>,
}

/// The scope itself.
pub fn scope<P, F>(tx: &Tx<'_>, scope: &TreeRef) -> Result<Scope, ActionError<F>>
where
    P: Findable,
    F: From<P::NotExist>,
{
    let nearest = P::scopes(tx, scope)?.into_iter().next();
    Ok(nearest.expect("every tree has a root"))
}

pub fn find<R, F>(tx: &Tx<'_>, scope: &Scope, object: &Ref) -> Result<R, ActionError<F>>
where
    R: ScopedRecord,
    F: From<<R::Kind as ScopedKind>::NotExist>,
{
    let found = model::scoped::find(tx, scope.id, object)?;
    Ok(found.ok_or_else(|| R::Kind::not_exist(object))?)
}

pub fn create<R, F>(
    tx: &mut StoreTx<'_>,
    encryptor: &Encryptor,
    scope: &Scope,
    name: &Name,
    content: &Content<R>,
) -> Result<R, ActionError<F>>
where
    R: Editable,
    F: From<<R::Kind as ScopedKind>::AlreadyExists>,
{
    name_is_free::<R, F>(tx, scope, name)?;
    let (created_at, id) = (tx.now(), tx.new_id());
    let (project, project_group) = match scope.kind {
        ScopeKind::Project => (Some(scope.id), None),
        ScopeKind::ProjectGroup => (None, Some(scope.id)),
    };
    let identity = Identity { id, name: name.clone(), project, project_group, created_at };
    let object = R::new(identity, R::stored(encryptor, id, content)?);
    tx.put(R::TABLE, id, &object)?;
    Ok(object)
}

pub fn update<S, R>(
    tx: &mut StoreTx<'_>,
    encryptor: &Encryptor,
    scope: &Scope,
    object: &Ref,
    change: &Change<Content<R>>,
    if_match: &IfMatch,
) -> Result<R, ActionError<S::Update>>
where
    S: Scoped<Kind = R::Kind>,
    R: Editable,
{
    let old: R = find(tx, scope, object)?;
    if_match.check(Some(&old.etag()))?;
    let mut new = old.clone();
    if let Some(name) = change.name.as_ref().filter(|name| *name != old.name()) {
        name_is_free::<R, S::Update>(tx, scope, name)?;
        new.rename(name);
    }
    if let Some(content) = &change.content {
        new.set_content(R::stored(encryptor, old.id(), content)?);
    }
    if new != old {
        new.touch(tx.now());
        tx.put(R::TABLE, new.id(), &new)?;
    }
    Ok(new)
}

pub fn delete<S, R>(
    tx: &mut StoreTx<'_>,
    scope: &Scope,
    object: &Ref,
    if_match: &IfMatch,
) -> Result<(), ActionError<S::Delete>>
where
    S: Scoped<Kind = R::Kind>,
    R: ScopedRecord,
{
    let object: R = find(tx, scope, object)?;
    if_match.check(Some(&object.etag()))?;
    Ok(tx.delete(R::TABLE, object.id())?)
}

fn name_is_free<R, F>(tx: &Tx<'_>, scope: &Scope, name: &Name) -> Result<(), ActionError<F>>
where
    R: ScopedRecord,
    F: From<<R::Kind as ScopedKind>::AlreadyExists>,
{
    match model::scoped::by_name::<R>(tx, scope.id, name)? {
        Some(_) => Err(R::Kind::already_exists(name).into()),
        None => Ok(()),
    }
}
