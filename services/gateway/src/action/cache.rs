//! The entries of a project's cache, for whoever may run there.

use drydock_api::gateway::endpoints::run::{DeleteCache, ListCaches};
use drydock_api::runservice::refusals::CacheNotExist;
use drydock_api::runservice::types::{CacheId, CacheView};
use drydock_core::error::ActionError;
use drydock_http::api::page::{ListQuery, Page};

use crate::auth::require::Runs;
use crate::auth::{Look, Permit};
use crate::errors;

pub async fn list(
    look: &Look<Runs>,
    query: &ListQuery,
) -> Result<Page<CacheView>, ActionError<ListCaches>> {
    let runs = look.runs::<ListCaches>().await?;
    let listed = runs.runservice.caches(&runs.ctx, runs.id(), query).await;
    listed.map_err(|error| errors::refused_by_runservice(error, []))
}

pub async fn delete(permit: &Permit<Runs>, entry: CacheId) -> Result<(), ActionError<DeleteCache>> {
    let runs = permit.runs::<DeleteCache>().await?;
    let deleted = runs.runservice.delete_cache(&runs.ctx, runs.id(), entry).await;
    let none = || [CacheNotExist(entry).into()];
    deleted.map_err(|error| errors::refused_by_runservice(error, none()))
}
