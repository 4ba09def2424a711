//! Executors and the resume gate, for operators, who are told what runservice says.

use drydock_api::names::Ref;
use drydock_api::runservice::types::{
    ExecutorChange, ExecutorView, NewExecutor, NewExecutorView, ResumeGateView,
};
use drydock_core::error::ApiError;
use drydock_http::api::page::{Consistency, ListQuery, Page};
use drydock_http::client::Answer;

use crate::auth::Permit;
use crate::auth::require::AdminToken;
use crate::errors::for_operators;

pub async fn list(
    permit: &Permit<AdminToken>,
    query: &ListQuery,
) -> Result<Page<ExecutorView>, ApiError> {
    permit.runservice().executors(&permit.ctx, query).await.map_err(for_operators)
}

pub async fn create(
    permit: &Permit<AdminToken>,
    new: &NewExecutor,
    key: Option<&str>,
) -> Result<Answer<NewExecutorView>, ApiError> {
    permit.runservice().create_executor(&permit.ctx, new, key).await.map_err(for_operators)
}

pub async fn get(
    permit: &Permit<AdminToken>,
    executor: &Ref,
) -> Result<Answer<ExecutorView>, ApiError> {
    let consistency = Consistency::Linearizable;
    let found = permit.runservice().executor(&permit.ctx, executor, consistency).await;
    found.map_err(for_operators)
}

pub async fn update(
    permit: &Permit<AdminToken>,
    executor: &Ref,
    change: &ExecutorChange,
    if_match: Option<&str>,
) -> Result<Answer<ExecutorView>, ApiError> {
    let runservice = permit.runservice();
    let updated = runservice.update_executor(&permit.ctx, executor, change, if_match).await;
    updated.map_err(for_operators)
}

pub async fn delete(
    permit: &Permit<AdminToken>,
    executor: &Ref,
    if_match: Option<&str>,
) -> Result<(), ApiError> {
    let deleted = permit.runservice().delete_executor(&permit.ctx, executor, if_match).await;
    deleted.map_err(for_operators)
}

pub async fn gate(permit: &Permit<AdminToken>) -> Result<ResumeGateView, ApiError> {
    let consistency = Consistency::Linearizable;
    let shown = permit.runservice().resume_gate(&permit.ctx, consistency).await;
    shown.map_err(for_operators)
}

pub async fn open_gate(permit: &Permit<AdminToken>) -> Result<(), ApiError> {
    permit.runservice().open_resume_gate(&permit.ctx).await.map_err(for_operators)
}
