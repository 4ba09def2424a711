//! The only ways from a handler to the store: [`Reader`] and [`Writer`], and [`Registered`], which
//! knows the executor that asks by its token.

use std::marker::PhantomData;
use std::time::Duration;

use axum::extract::FromRequestParts;
use drydock_api::configstore::types::TokenDigest;
use drydock_api::runservice::types::ExecutorId;
use drydock_core::context::Context;
use drydock_core::db::{DbError, Tx};
use drydock_core::error::{ActionError, ApiError, Code, Failure};
use drydock_core::store::{Reads, StoreTx};
use drydock_http::server::error::{HttpError, OperationError};
use drydock_http::server::extract::Ctx;
use drydock_http::server::guard::bearer;
use drydock_runtime::encryptor::Encryptor;
use http::request::Parts;

use crate::Settings;
use crate::model;
use crate::state::App;

/// Reads for one request.
pub struct Reader<F> {
    app: App,
    ctx: Context,
    failures: PhantomData<fn() -> F>,
}

impl<F: Failure> Reader<F> {
    /// Runs `work` on one state.
    pub async fn read<T: Send + 'static>(
        &self,
        reads: Reads,
        work: impl FnOnce(&Tx<'_>) -> Result<T, ActionError<F>> + Send + 'static,
    ) -> Result<T, OperationError<F>> {
        let work = |tx: &Tx<'_>| work(tx).map_err(ActionError::boxed);
        let read = self.app.service.store.read(&self.ctx, reads, work).await;
        read.map_err(OperationError::at_boundary)
    }
}

/// Makes the changes of one request.
pub struct Writer<F> {
    app: App,
    ctx: Context,
    failures: PhantomData<fn() -> F>,
}

impl<F: Failure> Writer<F> {
    /// Runs `work` in a transaction.
    pub async fn transact<T: Send + 'static>(
        &self,
        mut work: impl FnMut(&mut StoreTx<'_>) -> Result<T, ActionError<F>> + Send + 'static,
    ) -> Result<T, OperationError<F>> {
        let work = move |tx: &mut StoreTx<'_>| work(tx).map_err(ActionError::boxed);
        let done = self.app.service.store.transact(&self.ctx, work).await;
        done.map_err(OperationError::at_boundary)
    }

    /// Looks at this instance's read model, which may be behind.
    pub async fn peek<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Tx<'_>) -> Result<T, DbError> + Send + 'static,
    ) -> Result<T, OperationError<F>> {
        let work = |tx: &Tx<'_>| Ok(work(tx)?);
        let read = self.app.service.store.read(&self.ctx, Reads::Local, work).await;
        read.map_err(OperationError::at_boundary)
    }

    /// Reads for the same request.
    pub fn reader(&self) -> Reader<F> {
        Reader { app: self.app.clone(), ctx: self.ctx.clone(), failures: PhantomData }
    }

    /// The time that the request has left; `None`: as much as it needs.
    pub fn remaining(&self) -> Option<Duration> {
        self.ctx.remaining()
    }

    pub fn encryptor(&self) -> Encryptor {
        Encryptor { env: self.app.context.env.clone(), keys: self.app.service.keys.clone() }
    }

    pub fn settings(&self) -> Settings {
        self.app.service.settings.clone()
    }
}

/// The executor that asks, known by its own token.
#[derive(Debug, Clone, Copy)]
pub struct Registered(pub ExecutorId);

impl<F> FromRequestParts<App> for Reader<F> {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Reader<F>, HttpError> {
        let Ctx(ctx) = Ctx::from_request_parts(parts, app).await?;
        Ok(Reader { app: app.clone(), ctx, failures: PhantomData })
    }
}

impl<F> FromRequestParts<App> for Writer<F> {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Writer<F>, HttpError> {
        let Ctx(ctx) = Ctx::from_request_parts(parts, app).await?;
        Ok(Writer { app: app.clone(), ctx, failures: PhantomData })
    }
}

impl FromRequestParts<App> for Registered {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Registered, HttpError> {
        let unauthorized =
            || ApiError::new(Code::Unauthorized.kind()).with_code(Code::Unauthorized);
        let token = bearer(&parts.headers).ok_or_else(unauthorized)?;
        let hash = TokenDigest::of(token);
        let Ctx(ctx) = Ctx::from_request_parts(parts, app).await?;
        // A registration that this instance has not applied yet is looked for once more.
        for reads in [Reads::Local, Reads::Linearizable] {
            let hash = hash.clone();
            let read = app.service.store.read(&ctx, reads, move |tx| {
                Ok(model::executor::by_token_hash(tx, hash.as_str())?)
            });
            if let Some(executor) = read.await? {
                return Ok(Registered(executor.id));
            }
        }
        Err(unauthorized().into())
    }
}
