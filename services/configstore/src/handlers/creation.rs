//! What all creations share.

use axum::response::{IntoResponse, Response};
use drydock_core::error::BoxError;
use drydock_core::store::StoreTx;
use drydock_http::api::creation::Created;
use drydock_http::api::creation::Repeatable;
use drydock_http::server::error::HttpError;

use super::writer::Writer;
use crate::action::once::once;

/// Runs `work` and answers 201, or what this very request was answered before.
pub async fn answer_creation(
    writer: Writer,
    repeatable: Option<Repeatable>,
    mut work: impl FnMut(&mut StoreTx<'_>) -> Result<Created, BoxError> + Send + 'static,
) -> Result<Response, HttpError> {
    let sealer = writer.sealer();
    let work = move |tx: &mut StoreTx<'_>| once(tx, &sealer, repeatable.as_ref(), |tx| work(tx));
    Ok(writer.transact_short(work).await?.into_response())
}
