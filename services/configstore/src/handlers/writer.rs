//! The only way from a handler to a change of the store.

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use drydock_core::context::Context;
use drydock_core::error::{ActionError, BoxError, Failure};
use drydock_core::store::StoreTx;
use drydock_http::server::error::{HttpError, OperationError};
use drydock_http::server::extract::Ctx;
use http::request::Parts;

use super::behalf::OnBehalf;
use crate::action::encryption::Encryptor;
use crate::state::App;

/// Makes the changes of one request, after the rights of its delegation are checked.
pub struct Writer<F> {
    app: App,
    ctx: Context,
    behalf: OnBehalf,
    failures: PhantomData<fn() -> F>,
}

impl<F: Failure> Writer<F> {
    /// Runs `work` in a transaction, if the delegation has its rights in that state.
    pub async fn transact<T: Send + 'static>(
        self,
        work: impl FnMut(&mut StoreTx<'_>) -> Result<T, ActionError<F>> + Send + 'static,
    ) -> Result<T, OperationError<F>> {
        let Writer { app, ctx, behalf, .. } = self;
        let used = behalf.used.clone();
        let done = app.service.store.transact(&ctx, judged(behalf, work)).await;
        used.note(&app, &ctx).await;
        done.map_err(OperationError::at_boundary)
    }

    /// The same for `work` of a few statements, whatever the size of the store.
    pub async fn transact_short<T: Send + 'static>(
        self,
        work: impl FnMut(&mut StoreTx<'_>) -> Result<T, ActionError<F>> + Send + 'static,
    ) -> Result<T, OperationError<F>> {
        let Writer { app, ctx, behalf, .. } = self;
        let used = behalf.used.clone();
        let done = app.service.store.transact_short(&ctx, judged(behalf, work)).await;
        used.note(&app, &ctx).await;
        done.map_err(OperationError::at_boundary)
    }

    pub fn encryptor(&self) -> Encryptor {
        encryptor(&self.app)
    }
}

fn judged<T, F: Failure>(
    behalf: OnBehalf,
    mut work: impl FnMut(&mut StoreTx<'_>) -> Result<T, ActionError<F>>,
) -> impl FnMut(&mut StoreTx<'_>) -> Result<T, BoxError> {
    move |tx| {
        behalf.judge(tx).map_err(ActionError::boxed)?;
        work(tx).map_err(ActionError::boxed)
    }
}

pub fn encryptor(app: &App) -> Encryptor {
    Encryptor { env: app.context.env.clone(), keys: app.service.keys.clone() }
}

impl<F> FromRequestParts<App> for Writer<F> {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Writer<F>, HttpError> {
        let Ctx(ctx) = Ctx::from_request_parts(parts, app).await?;
        let behalf = OnBehalf::of(&parts.headers)?;
        Ok(Writer { app: app.clone(), ctx, behalf, failures: PhantomData })
    }
}
