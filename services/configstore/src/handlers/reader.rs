//! The only way from a handler to what the store shows.

use axum::extract::FromRequestParts;
use drydock_core::context::Context;
use drydock_core::db::Tx;
use drydock_core::error::BoxError;
use drydock_core::store::Reads;
use drydock_http::server::error::HttpError;
use drydock_http::server::extract::Ctx;
use http::request::Parts;

use super::behalf::{OnBehalf, Used};
use crate::action::delegation::Caller;
use crate::state::App;

/// Reads for one request, for those on whose behalf it says to be made.
pub struct Reader {
    app: App,
    ctx: Context,
    behalf: OnBehalf,
}

impl Reader {
    /// Runs `work` on one state, if whoever it is made for has the right to it there.
    pub async fn read<T: Send + 'static>(
        self,
        reads: Reads,
        work: impl FnOnce(&Tx<'_>) -> Result<T, BoxError> + Send + 'static,
    ) -> Result<T, BoxError> {
        self.read_as(reads, move |tx, _| work(tx)).await
    }

    /// The same for `work` that shows more to some than to others.
    pub async fn read_as<T: Send + 'static>(
        self,
        reads: Reads,
        work: impl FnOnce(&Tx<'_>, Option<&Caller>) -> Result<T, BoxError> + Send + 'static,
    ) -> Result<T, BoxError> {
        let Reader { app, ctx, behalf } = self;
        // A right that was withdrawn is seen at once, however old the rest may be.
        let reads = if behalf.is_somebody() { Reads::Linearizable } else { reads };
        let used = behalf.used.clone();
        let read = app.service.store.read(&ctx, reads, move |tx| {
            let caller = behalf.judge(tx)?;
            work(tx, caller.as_ref())
        });
        let read = read.await;
        used.note(&app, &ctx).await;
        read
    }

    /// Takes the token that the request is found to be made with.
    pub fn used(&self) -> Used {
        self.behalf.used.clone()
    }
}

impl FromRequestParts<App> for Reader {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Reader, HttpError> {
        let Ctx(ctx) = Ctx::from_request_parts(parts, app).await?;
        Ok(Reader { app: app.clone(), ctx, behalf: OnBehalf::of(&parts.headers)? })
    }
}
