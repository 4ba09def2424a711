use std::time::Duration;

use axum::extract::State;
use drydock_api::configstore::endpoints::project as failures;
use drydock_api::configstore::types::{EnvironmentQuery, RunEnvironment};
use drydock_api::names::TreeRef;
use drydock_core::context::Context;
use drydock_core::error::Chain;
use drydock_http::api::page::ReadQuery;
use drydock_http::server::error::OperationError;
use drydock_http::server::extract::{Ctx, Path, Query};

use super::reader::Reader;
use super::writer::encryptor;
use crate::action::environment::{Outdated, resolve};
use crate::action::secret as action;
use crate::state::App;

/// How long an answer waits until outdated secrets are encrypted again.
const SEALING: Duration = Duration::from_secs(2);

pub async fn get(
    State(app): State<App>,
    Ctx(ctx): Ctx,
    reader: Reader<failures::ResolveEnvironment>,
    Path(project): Path<TreeRef>,
    Query(query): Query<EnvironmentQuery>,
) -> Result<axum::Json<RunEnvironment>, OperationError<failures::ResolveEnvironment>> {
    let reads = ReadQuery { consistency: query.consistency }.reads();
    let keys = app.service.keys.clone();
    let read = reader.read(reads, move |tx| resolve(tx, &keys, &project, &query));
    let resolved = read.await?;
    if !resolved.outdated.is_empty() {
        reencrypt(&app, &ctx, resolved.outdated).await;
    }
    Ok(axum::Json(resolved.environment))
}

/// Brings secrets under the primary key. If that fails the next look at them tries again.
async fn reencrypt(app: &App, ctx: &Context, outdated: Vec<Outdated>) {
    let encryptor = encryptor(app);
    let again = outdated.into_iter().map(|Outdated { secret, sealed, plain }| {
        let anew = encryptor.encrypt(action::bound(secret), &plain);
        (secret, sealed, anew)
    });
    let again: Vec<_> = again.collect();
    let ctx = ctx.timeout(SEALING);
    let sealed = app.service.store.transact(&ctx, move |tx| {
        again
            .iter()
            .try_for_each(|(id, before, after)| action::reencrypt(tx, *id, before, after))?;
        Ok(())
    });
    if let Err(error) = sealed.await {
        let error = Chain(error.as_ref()).to_string();
        tracing::warn!(error, "secrets stay encrypted under an old key");
    }
}
