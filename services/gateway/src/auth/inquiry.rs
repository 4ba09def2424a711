//! Reads: their call carries the rights that the route requires, and configstore checks them in the
//! state that it answers from.

use axum::RequestPartsExt;
use axum::extract::{FromRequestParts, RawPathParams};
use axum::response::{IntoResponse, Response};
use drydock_api::configstore::client::ConfigstoreClient;
use drydock_api::runservice::client::RunserviceClient;
use drydock_core::context::Context;
use drydock_http::api::headers::Trace;
use drydock_http::server::error::HttpError;
use drydock_http::server::extract::Ctx;
use http::request::Parts;

use super::caller::Presented;
use super::require::{Require, invalid_ref};
use crate::state::App;

/// A read that requires `R`; `E` is the rest of the request.
///
/// A caller without the rights learns nothing about the rest of the request: if that is invalid,
/// the rights are checked first, by a call of their own.
pub struct Inquiry<R: Require, E>(pub Look<R>, pub E);

/// The call of a read.
pub struct Look<R: Require> {
    pub ctx: Context,
    /// The object of the path, as the caller refers to it.
    pub given: R::Given,
    /// Requires the rights of `R` with every call.
    pub configstore: ConfigstoreClient,
    pub(super) runservice: RunserviceClient,
}

impl<R: Require, E: FromRequestParts<App> + Send> FromRequestParts<App> for Inquiry<R, E> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let origin = Origin::of(parts, app).await.map_err(IntoResponse::into_response)?;
        let given = match origin.given::<R>(parts).await {
            Ok(given) => given,
            Err(error) => return Err(origin.first_of::<R>(None, error.into_response()).await),
        };
        let more = E::from_request_parts(parts, app).await;
        match more.map_err(IntoResponse::into_response) {
            Ok(more) => {
                let configstore = origin.presented.limit(&origin.configstore, &R::rights(&given));
                let Origin { ctx, runservice, .. } = origin;
                Ok(Inquiry(Look { ctx, given, configstore, runservice }, more))
            }
            Err(error) => Err(origin.first_of::<R>(Some(&given), error).await),
        }
    }
}

/// The token of a request, and a client for its calls.
pub(super) struct Origin {
    pub ctx: Context,
    pub presented: Presented,
    /// Calls without a delegation.
    pub configstore: ConfigstoreClient,
    /// Runservice knows no users.
    pub runservice: RunserviceClient,
}

impl Origin {
    pub async fn of(parts: &mut Parts, app: &App) -> Result<Origin, HttpError> {
        let Ctx(ctx) = Ctx::from_request_parts(parts, app).await?;
        let trace = parts.extensions.get::<Trace>().expect("the frame of every route sets it");
        let configstore = ConfigstoreClient::new(app.service.configstore(trace));
        let runservice = RunserviceClient::new(app.service.runservice(trace));
        let presented = Presented::of(&app.service, &parts.headers)?;
        Ok(Origin { ctx, presented, configstore, runservice })
    }

    pub async fn given<R: Require>(&self, parts: &mut Parts) -> Result<R::Given, HttpError> {
        let params = parts.extract::<RawPathParams>().await;
        let params = params.map_err(|error| invalid_ref().with_source(error))?;
        Ok(R::given(&params)?)
    }

    /// The refusal of the caller's rights, or else `error`.
    async fn first_of<R: Require>(&self, given: Option<&R::Given>, error: Response) -> Response {
        let rights = given.map(R::rights).unwrap_or_default();
        let absent = given.and_then(R::absent);
        let asked = self.presented.caller(&self.configstore, &self.ctx, &rights, absent);
        match asked.await {
            Ok(_) => error,
            Err(refusal) => HttpError::from(refusal).into_response(),
        }
    }
}
