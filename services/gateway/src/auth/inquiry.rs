//! The way of a question to the service that answers it, and that judges in the same look whether
//! the caller may ask.

use axum::RequestPartsExt;
use axum::extract::{FromRequestParts, RawPathParams};
use axum::response::{IntoResponse, Response};
use drydock_api::configstore::client::ConfigstoreClient;
use drydock_core::context::Context;
use drydock_http::api::headers::Trace;
use drydock_http::server::error::HttpError;
use drydock_http::server::extract::Ctx;
use http::request::Parts;

use super::caller::Presented;
use super::require::{Require, invalid_ref};
use crate::state::App;

/// A question that takes what `R` says; `E` is what else the request says.
///
/// Nobody is told what is wrong with a question that was not theirs to ask: then it is asked first
/// whether it was.
pub struct Inquiry<R: Require, E>(pub Look<R>, pub E);

/// What answers a question.
pub struct Look<R: Require> {
    pub ctx: Context,
    /// What the path leads to, as the caller refers to it.
    pub given: R::Given,
    /// Answers only if the caller has the rights that `R` says.
    pub configstore: ConfigstoreClient,
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
                Ok(Inquiry(Look { ctx: origin.ctx, given, configstore }, more))
            }
            Err(error) => Err(origin.first_of::<R>(Some(&given), error).await),
        }
    }
}

/// Where a request comes from, and what it may ask for that.
pub(super) struct Origin {
    pub ctx: Context,
    pub presented: Presented,
    /// Asks on nobody's behalf.
    pub configstore: ConfigstoreClient,
}

impl Origin {
    pub async fn of(parts: &mut Parts, app: &App) -> Result<Origin, HttpError> {
        let Ctx(ctx) = Ctx::from_request_parts(parts, app).await?;
        let trace = parts.extensions.get::<Trace>().expect("the frame of every route sets it");
        let configstore = ConfigstoreClient::new(app.service.configstore(trace));
        let presented = Presented::of(&app.service, &parts.headers)?;
        Ok(Origin { ctx, presented, configstore })
    }

    pub async fn given<R: Require>(&self, parts: &mut Parts) -> Result<R::Given, HttpError> {
        let params = parts.extract::<RawPathParams>().await;
        let params = params.map_err(|error| invalid_ref().with_source(error))?;
        Ok(R::given(&params)?)
    }

    /// That the caller may not ask, or else what is wrong with the question.
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
