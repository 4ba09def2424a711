//! Secrets and variables: `S` is the kind of object and the kind of scope.

use drydock_api::configstore::scoped::{ScopePath, Scoped, ScopedKind};
use drydock_api::configstore::types::TreeQuery;
use drydock_api::configstore::validate;
use drydock_api::names::{Ref, TreeRef};
use drydock_core::error::ActionError;
use drydock_http::api::page::{Consistency, Page};
use drydock_http::client::Answer;

use crate::auth::require::{Owns, Reads, Subject};
use crate::auth::{Look, Permit};
use crate::errors;

type View<S> = <<S as Scoped>::Kind as ScopedKind>::View;
type New<S> = <<S as Scoped>::Kind as ScopedKind>::New;
type Change<S> = <<S as Scoped>::Kind as ScopedKind>::Change;

pub async fn list<S>(
    look: &Look<Reads<S::Scope>>,
    query: &TreeQuery,
) -> Result<Page<View<S>>, ActionError<S::List>>
where
    S: Scoped<Scope: Subject<Ref = TreeRef>>,
{
    let Look { ctx, given, configstore, .. } = look;
    let listed = configstore.list_in::<S::Kind>(ctx, &S::Scope::reference(given), query).await;
    listed.map_err(|error| errors::refused(error, [S::Scope::not_exist(given).into()]))
}

pub async fn create<S>(
    permit: &Permit<Owns<S::Scope>>,
    new: &New<S>,
    key: Option<&str>,
) -> Result<Answer<View<S>>, ActionError<S::Create>>
where
    S: Scoped<Scope: Subject<Ref = TreeRef>>,
{
    let (name, content) = S::Kind::new_parts(new);
    let name = validate::name(name)?;
    S::Kind::validate(content)?;
    let (given, scope) = (&permit.given, S::Scope::reference(&permit.given));
    let created = permit.configstore().create_in::<S::Kind>(&permit.ctx, &scope, new, key).await;
    created.map_err(|error| {
        let taken = S::Kind::already_exists(&name);
        errors::refused(error, [S::Scope::not_exist(given).into(), taken.into()])
    })
}

pub async fn get<S>(
    look: &Look<Reads<S::Scope>>,
    object: &Ref,
) -> Result<Answer<View<S>>, ActionError<S::Get>>
where
    S: Scoped<Scope: Subject<Ref = TreeRef>>,
{
    let Look { ctx, given, configstore, .. } = look;
    let (scope, consistency) = (S::Scope::reference(given), Consistency::Linearizable);
    let found = configstore.get_in::<S::Kind>(ctx, &scope, object, consistency).await;
    found.map_err(|error| {
        let absent = S::Kind::not_exist(object);
        errors::refused(error, [S::Scope::not_exist(given).into(), absent.into()])
    })
}

pub async fn update<S>(
    permit: &Permit<Owns<S::Scope>>,
    object: &Ref,
    change: &Change<S>,
    if_match: Option<&str>,
) -> Result<Answer<View<S>>, ActionError<S::Update>>
where
    S: Scoped<Scope: Subject<Ref = TreeRef>>,
{
    let (name, content) = S::Kind::change_parts(change);
    let name = validate::optional_name(name)?;
    content.map_or(Ok(()), S::Kind::validate)?;
    let (given, scope) = (&permit.given, S::Scope::reference(&permit.given));
    let client = permit.configstore();
    let updated = client.update_in::<S::Kind>(&permit.ctx, &scope, object, change, if_match).await;
    updated.map_err(|error| {
        let taken = name.iter().map(|name| S::Kind::already_exists(name).into());
        let absent = [S::Scope::not_exist(given).into(), S::Kind::not_exist(object).into()];
        errors::refused(error, taken.chain(absent))
    })
}

pub async fn delete<S>(
    permit: &Permit<Owns<S::Scope>>,
    object: &Ref,
    if_match: Option<&str>,
) -> Result<(), ActionError<S::Delete>>
where
    S: Scoped<Scope: Subject<Ref = TreeRef>>,
{
    let (given, scope) = (&permit.given, S::Scope::reference(&permit.given));
    let client = permit.configstore();
    let deleted = client.delete_in::<S::Kind>(&permit.ctx, &scope, object, if_match).await;
    deleted.map_err(|error| {
        let absent = S::Kind::not_exist(object);
        errors::refused(error, [S::Scope::not_exist(given).into(), absent.into()])
    })
}
