//! What all creations share.

use axum::response::{IntoResponse, Response};
use drydock_core::context::Context;
use drydock_core::error::BoxError;
use drydock_core::store::StoreTx;

use crate::configstore::action::once::{Sealer, once};
use crate::configstore::state::App;
use crate::http::error::HttpError;
use crate::http::idempotency::Repeatable;
use crate::http::reply::Created;

/// Runs `work` and answers 201, or what this very request was answered before.
pub async fn answer_creation(
    app: &App,
    ctx: &Context,
    repeatable: Option<Repeatable>,
    mut work: impl FnMut(&mut StoreTx<'_>) -> Result<Created, BoxError> + Send + 'static,
) -> Result<Response, HttpError> {
    let sealer = sealer(app);
    let create = app
        .service
        .store
        .transact(ctx, move |tx| once(tx, &sealer, repeatable.as_ref(), |tx| work(tx)));
    Ok(create.await?.into_response())
}

pub fn sealer(app: &App) -> Sealer {
    Sealer { env: app.shell.env.clone(), keys: app.service.keys.clone() }
}
