//! The only way from a handler to a change of the store.

use axum::extract::FromRequestParts;
use drydock_core::context::Context;
use drydock_core::error::BoxError;
use drydock_core::store::StoreTx;
use drydock_http::server::error::HttpError;
use drydock_http::server::extract::Ctx;
use http::request::Parts;

use super::behalf::OnBehalf;
use crate::action::once::Encryptor;
use crate::state::App;

/// Makes the changes of one request, for those on whose behalf it says to be made.
pub struct Writer {
    app: App,
    ctx: Context,
    behalf: OnBehalf,
}

impl Writer {
    /// Runs `work` in a transaction, if whoever it is made for has the right to it there.
    pub async fn transact<T: Send + 'static>(
        self,
        work: impl FnMut(&mut StoreTx<'_>) -> Result<T, BoxError> + Send + 'static,
    ) -> Result<T, BoxError> {
        let Writer { app, ctx, behalf } = self;
        let used = behalf.used.clone();
        let done = app.service.store.transact(&ctx, judged(behalf, work)).await;
        used.note(&app, &ctx).await;
        done
    }

    /// The same for `work` of a few statements, however much there is.
    pub async fn transact_short<T: Send + 'static>(
        self,
        work: impl FnMut(&mut StoreTx<'_>) -> Result<T, BoxError> + Send + 'static,
    ) -> Result<T, BoxError> {
        let Writer { app, ctx, behalf } = self;
        let used = behalf.used.clone();
        let done = app.service.store.transact_short(&ctx, judged(behalf, work)).await;
        used.note(&app, &ctx).await;
        done
    }

    pub fn encryptor(&self) -> Encryptor {
        encryptor(&self.app)
    }
}

fn judged<T>(
    behalf: OnBehalf,
    mut work: impl FnMut(&mut StoreTx<'_>) -> Result<T, BoxError>,
) -> impl FnMut(&mut StoreTx<'_>) -> Result<T, BoxError> {
    move |tx| {
        behalf.judge(tx)?;
        work(tx)
    }
}

pub fn encryptor(app: &App) -> Encryptor {
    Encryptor { env: app.context.env.clone(), keys: app.service.keys.clone() }
}

impl FromRequestParts<App> for Writer {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Writer, HttpError> {
        let Ctx(ctx) = Ctx::from_request_parts(parts, app).await?;
        Ok(Writer { app: app.clone(), ctx, behalf: OnBehalf::of(&parts.headers)? })
    }
}
