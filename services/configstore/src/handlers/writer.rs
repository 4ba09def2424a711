//! The only way from a handler to a change of the store.

use axum::extract::FromRequestParts;
use drydock_api::configstore::types::{Behalf, ON_BEHALF_OF};
use drydock_core::context::Context;
use drydock_core::error::{ApiError, BoxError, Code};
use drydock_core::store::StoreTx;
use drydock_http::server::error::HttpError;
use drydock_http::server::extract::Ctx;
use http::request::Parts;

use crate::action::delegation::judge;
use crate::action::once::Sealer;
use crate::state::App;

/// Makes the changes of one request, for those on whose behalf it says to be made.
pub struct Writer {
    app: App,
    ctx: Context,
    /// Nobody's in particular: the internal token is enough.
    behalf: Option<Behalf>,
}

impl Writer {
    /// Runs `work` in a transaction, if whoever it is made for has the right to it there.
    pub async fn transact<T: Send + 'static>(
        self,
        work: impl FnMut(&mut StoreTx<'_>) -> Result<T, BoxError> + Send + 'static,
    ) -> Result<T, BoxError> {
        let Writer { app, ctx, behalf } = self;
        app.service.store.transact(&ctx, judged(behalf, work)).await
    }

    /// The same for `work` of a few statements, however much there is.
    pub async fn transact_short<T: Send + 'static>(
        self,
        work: impl FnMut(&mut StoreTx<'_>) -> Result<T, BoxError> + Send + 'static,
    ) -> Result<T, BoxError> {
        let Writer { app, ctx, behalf } = self;
        app.service.store.transact_short(&ctx, judged(behalf, work)).await
    }

    pub fn sealer(&self) -> Sealer {
        sealer(&self.app)
    }
}

fn judged<T>(
    behalf: Option<Behalf>,
    mut work: impl FnMut(&mut StoreTx<'_>) -> Result<T, BoxError>,
) -> impl FnMut(&mut StoreTx<'_>) -> Result<T, BoxError> {
    move |tx| {
        behalf.iter().try_for_each(|behalf| judge(tx, behalf))?;
        work(tx)
    }
}

pub fn sealer(app: &App) -> Sealer {
    Sealer { env: app.shell.env.clone(), keys: app.service.keys.clone() }
}

impl FromRequestParts<App> for Writer {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Writer, HttpError> {
        let Ctx(ctx) = Ctx::from_request_parts(parts, app).await?;
        let given = parts.headers.get(ON_BEHALF_OF);
        let behalf = given.map(|value| serde_json::from_slice(value.as_bytes())).transpose();
        let behalf = behalf.map_err(|error| {
            let message = "`Drydock-On-Behalf-Of` must be JSON with a token and rights";
            let error = ApiError::new(Code::InvalidHeader.kind()).with_source(error);
            error.with_code(Code::InvalidHeader).with_message(message)
        })?;
        Ok(Writer { app: app.clone(), ctx, behalf })
    }
}
