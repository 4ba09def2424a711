use std::convert::Infallible;

use axum::extract::State;
use axum::response::Response;
use drydock_api::runservice::types::ResumeGateView;
use drydock_http::api::page::ReadQuery;
use drydock_http::server::error::OperationError;
use drydock_http::server::extract::Query;
use drydock_http::server::reply;

use super::access::{Reader, Writer};
use crate::action::{gate as action, view};
use crate::state::App;

pub async fn show(
    State(app): State<App>,
    reader: Reader<Infallible>,
    Query(query): Query<ReadQuery>,
) -> Result<axum::Json<ResumeGateView>, OperationError<Infallible>> {
    let now = app.context.env.now();
    let read = reader.read(query.reads(), move |tx| Ok(view::gate(tx, now)?));
    Ok(axum::Json(read.await?))
}

pub async fn open(writer: Writer<Infallible>) -> Result<Response, OperationError<Infallible>> {
    writer.transact(action::open).await?;
    Ok(reply::no_content())
}
