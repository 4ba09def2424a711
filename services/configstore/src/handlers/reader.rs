//! The only way from a handler to a read of the store.

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use drydock_core::context::Context;
use drydock_core::db::Tx;
use drydock_core::error::{ActionError, Failure};
use drydock_core::store::Reads;
use drydock_http::server::error::{HttpError, OperationError};
use drydock_http::server::extract::Ctx;
use http::request::Parts;

use super::delegated::{Delegated, UsedToken};
use crate::action::delegation::Caller;
use crate::state::App;

/// Reads for one request, after the rights of its delegation are checked.
pub struct Reader<F> {
    app: App,
    ctx: Context,
    delegated: Delegated,
    failures: PhantomData<fn() -> F>,
}

impl<F: Failure> Reader<F> {
    /// Runs `work` on one state, if the delegation has its rights in that state.
    pub async fn read<T: Send + 'static>(
        self,
        reads: Reads,
        work: impl FnOnce(&Tx<'_>) -> Result<T, ActionError<F>> + Send + 'static,
    ) -> Result<T, OperationError<F>> {
        self.read_as(reads, move |tx, _| work(tx)).await
    }

    /// The same for `work` whose result depends on the caller.
    pub async fn read_as<T: Send + 'static>(
        self,
        reads: Reads,
        work: impl FnOnce(&Tx<'_>, Option<&Caller>) -> Result<T, ActionError<F>> + Send + 'static,
    ) -> Result<T, OperationError<F>> {
        let Reader { app, ctx, delegated, .. } = self;
        // The withdrawal of a right holds at once: the state must be the newest one.
        let reads = if delegated.is_some() { Reads::Linearizable } else { reads };
        let used = delegated.used.clone();
        let read = app.service.store.read(&ctx, reads, move |tx| {
            let caller = delegated.authorize(tx).map_err(ActionError::boxed)?;
            work(tx, caller.as_ref()).map_err(ActionError::boxed)
        });
        let read = read.await;
        used.note(&app, &ctx).await;
        read.map_err(OperationError::at_boundary)
    }

    /// Where to note the token that the request was made with.
    pub fn used(&self) -> UsedToken {
        self.delegated.used.clone()
    }
}

impl<F> FromRequestParts<App> for Reader<F> {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Reader<F>, HttpError> {
        let Ctx(ctx) = Ctx::from_request_parts(parts, app).await?;
        let delegated = Delegated::of(parts)?;
        Ok(Reader { app: app.clone(), ctx, delegated, failures: PhantomData })
    }
}
