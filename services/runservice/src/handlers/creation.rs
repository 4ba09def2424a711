//! The part that all creations share.

use axum::response::{IntoResponse, Response};
use drydock_api::runservice::refusals::NotRepeatable;
use drydock_core::error::{ActionError, Failure};
use drydock_core::store::StoreTx;
use drydock_http::api::creation::{Created, Repeatable};
use drydock_http::server::error::OperationError;
use drydock_runtime::once::once;

use super::access::Writer;

/// Runs `work` and answers 201, or repeats the answer that the same request got before.
pub async fn answer_creation<F: Failure + From<NotRepeatable>>(
    writer: Writer<F>,
    repeatable: Option<Repeatable>,
    mut work: impl FnMut(&mut StoreTx<'_>) -> Result<Created, ActionError<F>> + Send + 'static,
) -> Result<Response, OperationError<F>> {
    let encryptor = writer.encryptor();
    let work =
        move |tx: &mut StoreTx<'_>| once(tx, &encryptor, None, repeatable.as_ref(), |tx| work(tx));
    Ok(writer.transact(work).await?.into_response())
}
