//! The only way from a handler to a change of the store.

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use drydock_api::configstore::refusals::NotRepeatable;
use drydock_core::context::Context;
use drydock_core::error::{ActionError, BoxError, Failure};
use drydock_core::store::StoreTx;
use drydock_http::api::creation::{Created, Repeatable};
use drydock_http::server::error::{HttpError, OperationError};
use drydock_http::server::extract::Ctx;
use drydock_runtime::encryptor::Encryptor;
use drydock_runtime::once::once;
use http::request::Parts;

use super::delegated::Delegated;
use crate::state::App;

/// Makes the changes of one request, after the rights of its delegation are checked.
pub struct Writer<F> {
    app: App,
    ctx: Context,
    delegated: Delegated,
    failures: PhantomData<fn() -> F>,
}

impl<F: Failure> Writer<F> {
    /// Runs `work` in a transaction, if the delegation has its rights in that state.
    pub async fn transact<T: Send + 'static>(
        self,
        work: impl FnMut(&mut StoreTx<'_>) -> Result<T, ActionError<F>> + Send + 'static,
    ) -> Result<T, OperationError<F>> {
        let Writer { app, ctx, delegated, .. } = self;
        let used = delegated.used.clone();
        let done = app.service.store.transact(&ctx, authorized(delegated, work)).await;
        used.note(&app, &ctx).await;
        done.map_err(OperationError::at_boundary)
    }

    /// Creates an object with `work` and answers 201, or repeats the answer that the same request
    /// got before.
    pub async fn create(
        self,
        repeatable: Option<Repeatable>,
        mut work: impl FnMut(&mut StoreTx<'_>) -> Result<Created, ActionError<F>> + Send + 'static,
    ) -> Result<Response, OperationError<F>>
    where
        F: From<NotRepeatable>,
    {
        let encryptor = self.encryptor();
        let Writer { app, ctx, delegated, .. } = self;
        let used = delegated.used.clone();
        let done = app.service.store.transact_short(&ctx, move |tx: &mut StoreTx<'_>| {
            let caller = delegated.authorize(tx).map_err(ActionError::boxed)?;
            let caller = caller.map(|caller| caller.user.id);
            let created = once(tx, &encryptor, caller, repeatable.as_ref(), |tx| work(tx));
            created.map_err(ActionError::boxed)
        });
        let done = done.await;
        used.note(&app, &ctx).await;
        Ok(done.map_err(OperationError::<F>::at_boundary)?.into_response())
    }

    pub fn encryptor(&self) -> Encryptor {
        encryptor(&self.app)
    }
}

fn authorized<T, F: Failure>(
    delegated: Delegated,
    mut work: impl FnMut(&mut StoreTx<'_>) -> Result<T, ActionError<F>>,
) -> impl FnMut(&mut StoreTx<'_>) -> Result<T, BoxError> {
    move |tx| {
        delegated.authorize(tx).map_err(ActionError::boxed)?;
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
        let delegated = Delegated::of(parts)?;
        Ok(Writer { app: app.clone(), ctx, delegated, failures: PhantomData })
    }
}
