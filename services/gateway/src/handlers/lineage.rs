use drydock_api::admin::{Lineages, RestoreReport};
use drydock_http::server::error::HttpError;
use drydock_http::server::extract::Path;
use uuid::Uuid;

use crate::auth::Permit;
use crate::errors::for_operators;

pub async fn list(permit: Permit) -> Result<axum::Json<Lineages>, HttpError> {
    let listed = permit.configstore.admin().lineages(&permit.ctx).await;
    Ok(axum::Json(listed.map_err(for_operators)?))
}

pub async fn restore(
    permit: Permit,
    Path(lineage): Path<Uuid>,
) -> Result<axum::Json<RestoreReport>, HttpError> {
    let restored = permit.configstore.admin().restore(&permit.ctx, lineage).await;
    Ok(axum::Json(restored.map_err(for_operators)?))
}
