use std::time::Duration;

use axum::extract::State;
use drydock_api::configstore::types::{EnvironmentQuery, RunEnvironment};
use drydock_api::names::TreeRef;
use drydock_core::context::Context;
use drydock_core::error::Chain;
use drydock_http::api::page::ReadQuery;
use drydock_http::server::error::HttpError;
use drydock_http::server::extract::{Ctx, Path, Query};

use super::writer::sealer;
use crate::action::environment::{Outdated, resolve};
use crate::action::secret as action;
use crate::state::App;

/// How long an answer waits until outdated secrets are sealed anew.
const SEALING: Duration = Duration::from_secs(2);

pub async fn get(
    State(app): State<App>,
    Ctx(ctx): Ctx,
    Path(project): Path<TreeRef>,
    Query(query): Query<EnvironmentQuery>,
) -> Result<axum::Json<RunEnvironment>, HttpError> {
    let reads = ReadQuery { consistency: query.consistency }.reads();
    let keys = app.service.keys.clone();
    let read = app.service.store.read(&ctx, reads, move |tx| resolve(tx, &keys, &project, &query));
    let resolved = read.await?;
    if !resolved.outdated.is_empty() {
        seal_anew(&app, &ctx, resolved.outdated).await;
    }
    Ok(axum::Json(resolved.environment))
}

/// Brings secrets under the primary key. If that fails the next look at them tries again.
async fn seal_anew(app: &App, ctx: &Context, outdated: Vec<Outdated>) {
    let sealer = sealer(app);
    let again = outdated.into_iter().map(|Outdated { secret, sealed, plain }| {
        let anew = sealer.keys.seal(&sealer.env, action::bound(secret), &plain);
        (secret, sealed, anew)
    });
    let again: Vec<_> = again.collect();
    let ctx = ctx.timeout(SEALING);
    let sealed = app.service.store.transact(&ctx, move |tx| {
        again.iter().try_for_each(|(id, before, after)| action::seal_anew(tx, *id, before, after))
    });
    if let Err(error) = sealed.await {
        let error = Chain(error.as_ref()).to_string();
        tracing::warn!(error, "secrets stay sealed under an old key");
    }
}
