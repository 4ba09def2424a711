//! Secrets and variables: `R` is the kind of object, `S` says below which kind of scope.

use axum::response::Response;
use drydock_api::configstore::scoped::{ScopePath, Scoped, ScopedKind};
use drydock_api::configstore::types::TreeQuery;
use drydock_api::configstore::validate;
use drydock_api::names::{Ref, TreeRef};
use drydock_core::store::StoreTx;
use drydock_http::api::creation::Created;
use drydock_http::api::page::{Page, ReadQuery};
use drydock_http::api::precondition::IfMatch;
use drydock_http::server::creation::Creation;
use drydock_http::server::error::OperationError;
use drydock_http::server::extract::{Json, Path, Query};
use drydock_http::server::reply;

use super::reader::Reader;
use super::writer::Writer;
use crate::action::scoped as action;
use crate::action::scoped::{Editable, Findable};
use crate::model;

pub async fn list<S, R>(
    reader: Reader<S::List>,
    Path(scope): Path<TreeRef>,
    Query(query): Query<TreeQuery>,
) -> Result<axum::Json<Page<<S::Kind as ScopedKind>::View>>, OperationError<S::List>>
where
    S: Scoped<Kind = R::Kind, Scope: Findable>,
    R: Editable,
{
    let (query, tree) = query.split();
    let page = query.page_of(&format!("{} in {scope}, tree: {tree}", R::TABLE))?;
    let read = reader.read(query.reads(), move |tx| {
        let mut scopes = S::Scope::scopes(tx, &scope)?;
        scopes.truncate(if tree { usize::MAX } else { 1 });
        let found: Vec<R> = model::scoped::list(tx, &scopes, &page)?;
        let placed = found
            .iter()
            .filter_map(|object| Some((model::tree::scope(&scopes, object.scope())?, object)));
        let cut = page.cut(placed.collect(), |((level, _), object)| {
            model::tree::cursor(*level, object.name(), object.id())
        });
        Ok(cut.map(|((_, scope), object)| object.view(scope.clone())))
    });
    Ok(axum::Json(read.await?))
}

pub async fn create<S, R>(
    writer: Writer<S::Create>,
    Path(scope): Path<TreeRef>,
    creation: Creation<<S::Kind as ScopedKind>::New>,
) -> Result<Response, OperationError<S::Create>>
where
    S: Scoped<Kind = R::Kind, Scope: Findable>,
    R: Editable,
{
    let (name, content) = S::Kind::new_parts(&creation.new);
    let (name, content) = (validate::name(name)?, content.clone());
    S::Kind::validate(&content)?;
    let encryptor = writer.encryptor();
    let work = move |tx: &mut StoreTx<'_>| {
        let scope = action::scope::<S::Scope, _>(tx, &scope)?;
        let object: R = action::create(tx, &encryptor, &scope, &name, &content)?;
        let (scopes, objects) = (S::Scope::LIST, S::Kind::LIST);
        let location = format!("/api/v1/{scopes}/{}/{objects}/{}", scope.id, object.name());
        Ok(Created::new(location, object.etag(), &object.view(scope))?)
    };
    writer.create(creation.repeatable, work).await
}

pub async fn get<S, R>(
    reader: Reader<S::Get>,
    Path((scope, object)): Path<(TreeRef, Ref)>,
    Query(query): Query<ReadQuery>,
) -> Result<Response, OperationError<S::Get>>
where
    S: Scoped<Kind = R::Kind, Scope: Findable>,
    R: Editable,
{
    let read = reader.read(query.reads(), move |tx| {
        let scope = action::scope::<S::Scope, _>(tx, &scope)?;
        let object: R = action::find(tx, &scope, &object)?;
        Ok((object.etag(), object.view(scope)))
    });
    let (etag, view) = read.await?;
    Ok(reply::ok(&etag, &view))
}

pub async fn update<S, R>(
    writer: Writer<S::Update>,
    Path((scope, object)): Path<(TreeRef, Ref)>,
    if_match: IfMatch,
    Json(change): Json<<S::Kind as ScopedKind>::Change>,
) -> Result<Response, OperationError<S::Update>>
where
    S: Scoped<Kind = R::Kind, Scope: Findable>,
    R: Editable,
{
    let (name, content) = S::Kind::change_parts(&change);
    let (name, content) = (validate::optional_name(name)?, content.cloned());
    content.as_ref().map_or(Ok(()), S::Kind::validate)?;
    let change = action::Change { name, content };
    let encryptor = writer.encryptor();
    let update = writer.transact(move |tx| {
        let scope = action::scope::<S::Scope, _>(tx, &scope)?;
        let object: R =
            action::update::<S, R>(tx, &encryptor, &scope, &object, &change, &if_match)?;
        Ok((object.etag(), object.view(scope)))
    });
    let (etag, view) = update.await?;
    Ok(reply::ok(&etag, &view))
}

pub async fn delete<S, R>(
    writer: Writer<S::Delete>,
    Path((scope, object)): Path<(TreeRef, Ref)>,
    if_match: IfMatch,
) -> Result<Response, OperationError<S::Delete>>
where
    S: Scoped<Kind = R::Kind, Scope: Findable>,
    R: Editable,
{
    let delete = writer.transact(move |tx| {
        let scope = action::scope::<S::Scope, _>(tx, &scope)?;
        action::delete::<S, R>(tx, &scope, &object, &if_match)
    });
    delete.await?;
    Ok(reply::no_content())
}
