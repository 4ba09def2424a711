use drydock_api::gateway::endpoints::{Forbidden, run as failures};
use drydock_api::gateway::types::{ProjectRunsQuery, TaskDecision};
use drydock_api::runservice::refusals::{NotDecided, RunNumberNotExist, TaskNotExist, WrongPhase};
use drydock_api::runservice::types::{
    ApprovalBody, Phase, RunId, RunSummary, RunView, RunsQuery, TaskName, TaskView,
};
use drydock_api::runservice::validate::text;
use drydock_core::error::ActionError;
use drydock_http::api::page::Page;
use drydock_http::client::Answer;
use http::{HeaderValue, header};

use super::creator::{ADMIN_TOKEN, is_creator};
use crate::auth::require::{Project, Reads, Runs};
use crate::auth::{Look, Permit, ProjectRuns};
use crate::errors;
use crate::errors::{Shown, in_words};

pub async fn list(
    look: &Look<Reads<Project>>,
    query: ProjectRunsQuery,
) -> Result<Page<RunSummary>, ActionError<failures::List>> {
    let runs = look.runs().await?;
    let ProjectRunsQuery { phase, result, limit, cursor, order } = query;
    let project = Some(runs.id());
    let query = RunsQuery { project, phase, result, limit, cursor, order, ..RunsQuery::default() };
    let listed = runs.runservice.runs(&runs.ctx, &query).await;
    listed.map_err(|error| errors::refused_by_runservice(error, []))
}

pub async fn get(
    look: &Look<Reads<Project>>,
    number: u64,
) -> Result<Answer<RunView>, ActionError<failures::Get>> {
    look.runs().await?.find(number).await
}

pub async fn task(
    look: &Look<Reads<Project>>,
    number: u64,
    name: &TaskName,
) -> Result<TaskView, ActionError<failures::Task>> {
    let runs = look.runs::<failures::Task>().await?;
    let run = runs.find::<failures::Task>(number).await?.body;
    let task = run.tasks.into_values().find(|task| task.name == *name);
    Ok(task.ok_or_else(|| TaskNotExist(name.clone()))?)
}

pub async fn cancel(
    permit: &Permit<Runs>,
    number: u64,
) -> Result<(), ActionError<failures::Cancel>> {
    let (runs, run) = found::<failures::Cancel>(permit, number).await?;
    let cancelled = runs.runservice.cancel_run(&runs.ctx, run.run.id).await;
    cancelled.map_err(|error| errors::refused_by_runservice(error, wrong_phases(number)))
}

pub async fn stop(permit: &Permit<Runs>, number: u64) -> Result<(), ActionError<failures::Stop>> {
    let (runs, run) = found::<failures::Stop>(permit, number).await?;
    let stopped = runs.runservice.stop_run(&runs.ctx, run.run.id).await;
    stopped.map_err(|error| errors::refused_by_runservice(error, wrong_phases(number)))
}

/// Approves a task in the name of the caller, who may not be the run's creator if the task says so.
pub async fn approve(
    permit: &Permit<Runs>,
    (number, task): (u64, &TaskName),
    decision: TaskDecision,
) -> Result<(), ActionError<failures::Approve>> {
    let body = decided_by(permit, decision)?;
    let (runs, run) = found::<failures::Approve>(permit, number).await?;
    let approval = run.tasks.values().find(|it| it.name == *task).map(|it| &it.approval);
    let is_forbidden = approval.is_some_and(|it| it.as_ref().is_some_and(|it| it.forbid_creator));
    if is_forbidden && is_creator(&permit.caller, &run.run.annotations) {
        return Err(Forbidden("the creator of the run may not approve this task").into());
    }
    let approved = runs.runservice.approve_task(&runs.ctx, run.run.id, task, &body).await;
    approved.map_err(|error| errors::refused_by_runservice(error, undecided(number, task)))
}

pub async fn refuse(
    permit: &Permit<Runs>,
    (number, task): (u64, &TaskName),
    decision: TaskDecision,
) -> Result<(), ActionError<failures::Refuse>> {
    let body = decided_by(permit, decision)?;
    let (runs, run) = found::<failures::Refuse>(permit, number).await?;
    let refused = runs.runservice.refuse_task(&runs.ctx, run.run.id, task, &body).await;
    refused.map_err(|error| errors::refused_by_runservice(error, undecided(number, task)))
}

/// The run of a change, and the way to it.
async fn found<F>(
    permit: &Permit<Runs>,
    number: u64,
) -> Result<(ProjectRuns, RunView), ActionError<F>>
where
    F: From<drydock_api::configstore::refusals::ProjectNotExist> + From<RunNumberNotExist>,
{
    let runs = permit.runs::<F>().await?;
    let run = runs.find::<F>(number).await?.body;
    Ok((runs, run))
}

/// A decision whose approver is the caller.
fn decided_by<F>(
    permit: &Permit<Runs>,
    TaskDecision { comment }: TaskDecision,
) -> Result<ApprovalBody, ActionError<F>>
where
    F: drydock_core::error::Failure + From<drydock_api::runservice::refusals::InvalidField>,
{
    let comment = comment.map(|comment| text("comment", comment)).transpose()?;
    let user = permit.caller.user();
    let approver = user.map_or_else(|| ADMIN_TOKEN.to_owned(), |user| user.name.to_string());
    Ok(ApprovalBody { approver, comment })
}

/// The refusals of a change that the run's phase does not allow.
fn wrong_phases<F: From<WrongPhase> + From<RunNumberNotExist>>(number: u64) -> Vec<Shown<F>> {
    let mut own = vec![in_words::<WrongPhase, _>("the run is in a phase that does not allow it")];
    own.extend(Phase::ALL.iter().map(|phase| WrongPhase(*phase).into()));
    own.push(gone(number));
    own
}

/// The refusals of a decision about a task.
fn undecided<F>(number: u64, task: &TaskName) -> Vec<Shown<F>>
where
    F: From<NotDecided> + From<RunNumberNotExist> + From<TaskNotExist>,
{
    let decided = "the task was already approved or refused".to_owned();
    let not_waiting = "the task does not wait for an approval".to_owned();
    vec![
        NotDecided(not_waiting).into(),
        NotDecided(decided).into(),
        TaskNotExist(task.clone()).into(),
        gone(number),
    ]
}

/// The run has gone since it was found.
pub fn gone<F: From<RunNumberNotExist>>(number: u64) -> Shown<F> {
    RunNumberNotExist(number).into()
}

/// The answer of a creation, with the path of the run at the gateway.
pub fn created<F>(
    runs: &ProjectRuns,
    mut answer: Answer<RunView>,
) -> Result<Answer<RunView>, ActionError<F>> {
    let path = format!("/api/v1/projects/{}/runs/{}", runs.project.id, answer.body.run.number);
    let path = HeaderValue::try_from(path).map_err(ActionError::internal)?;
    answer.headers.insert(header::LOCATION, path);
    Ok(answer)
}

/// The id of the run with this number.
pub async fn id_of<F: From<RunNumberNotExist>>(
    runs: &ProjectRuns,
    number: u64,
) -> Result<RunId, ActionError<F>> {
    Ok(runs.find::<F>(number).await?.body.run.id)
}
