use axum::response::Response;
use drydock_api::gateway::endpoints::run as failures;
use drydock_api::gateway::types::{ProjectRunsQuery, RestartRun, StartRun, TaskDecision};
use drydock_api::runservice::types::{RunSummary, TaskName, TaskView};
use drydock_http::api::page::{ListQuery, Page};
use drydock_http::server::creation::Creation;
use drydock_http::server::error::OperationError;
use drydock_http::server::extract::{Json, Path};
use drydock_http::server::reply;

use super::pass::{ListLike, Listing, One, pass_on};
use crate::action::{restart as restarted, run as action, start};
use crate::auth::require::{Project, Reads, Runs};
use crate::auth::{Inquiry, Permit};

/// The parts of a path to a task: the project, the run's number, the task.
pub type TaskPath = Path<(String, u64, TaskName)>;

impl ListLike for ProjectRunsQuery {
    fn list(&self) -> ListQuery {
        let ProjectRunsQuery { limit, cursor, order, .. } = self.clone();
        ListQuery { limit, cursor, order, consistency: None }
    }
}

pub async fn list(
    Inquiry(look, Listing(query)): Inquiry<Reads<Project>, Listing<ProjectRunsQuery>>,
) -> Result<axum::Json<Page<RunSummary>>, OperationError<failures::List>> {
    Ok(axum::Json(action::list(&look, query).await?))
}

pub async fn create(
    permit: Permit<Runs>,
    creation: Creation<StartRun>,
) -> Result<Response, OperationError<failures::Create>> {
    let key = permit.key(creation.repeatable.as_ref());
    Ok(pass_on(&start::start(&permit, creation.new, key.as_deref()).await?))
}

pub async fn get(
    Inquiry(look, (Path((_, number)), _)): Inquiry<Reads<Project>, One<(String, u64)>>,
) -> Result<Response, OperationError<failures::Get>> {
    Ok(pass_on(&action::get(&look, number).await?))
}

pub async fn task(
    Inquiry(look, (Path((_, number, task)), _)): Inquiry<
        Reads<Project>,
        One<(String, u64, TaskName)>,
    >,
) -> Result<axum::Json<TaskView>, OperationError<failures::Task>> {
    Ok(axum::Json(action::task(&look, number, &task).await?))
}

pub async fn cancel(
    permit: Permit<Runs>,
    Path((_, number)): Path<(String, u64)>,
) -> Result<Response, OperationError<failures::Cancel>> {
    action::cancel(&permit, number).await?;
    Ok(reply::no_content())
}

pub async fn stop(
    permit: Permit<Runs>,
    Path((_, number)): Path<(String, u64)>,
) -> Result<Response, OperationError<failures::Stop>> {
    action::stop(&permit, number).await?;
    Ok(reply::no_content())
}

pub async fn restart(
    permit: Permit<Runs>,
    Path((_, number)): Path<(String, u64)>,
    creation: Creation<RestartRun>,
) -> Result<Response, OperationError<failures::Restart>> {
    let key = permit.key(creation.repeatable.as_ref());
    Ok(pass_on(&restarted::restart(&permit, number, creation.new.from, key.as_deref()).await?))
}

pub async fn approve(
    permit: Permit<Runs>,
    Path((_, number, task)): TaskPath,
    Json(decision): Json<TaskDecision>,
) -> Result<Response, OperationError<failures::Approve>> {
    action::approve(&permit, (number, &task), decision).await?;
    Ok(reply::no_content())
}

pub async fn refuse(
    permit: Permit<Runs>,
    Path((_, number, task)): TaskPath,
    Json(decision): Json<TaskDecision>,
) -> Result<Response, OperationError<failures::Refuse>> {
    action::refuse(&permit, (number, &task), decision).await?;
    Ok(reply::no_content())
}
