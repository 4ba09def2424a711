use drydock_api::gateway::endpoints::run as failures;
use drydock_api::runservice::refusals::{
    ArchiveExpired, ArchiveNotExist, LogAttemptNotExist, LogDeleted, LogIsLive, LogNotExist,
    NeverStarted, RunNumberNotExist, TaskNotExist,
};
use drydock_api::runservice::types::{ArchiveQuery, LogAttemptQuery, LogQuery, LogStep, TaskName};
use drydock_core::error::ActionError;
use drydock_http::client::{Answer, AnswerStream};

use super::run::{gone, id_of};
use crate::auth::require::{Owns, Project, Reads};
use crate::auth::{Look, Permit};
use crate::errors;
use crate::errors::Shown;

/// A log as it arrives.
pub async fn read(
    look: &Look<Reads<Project>>,
    (number, task, step): (u64, &TaskName, LogStep),
    query: &LogQuery,
) -> Result<Answer<AnswerStream>, ActionError<failures::ReadLog>> {
    let runs = look.runs::<failures::ReadLog>().await?;
    let run = id_of::<failures::ReadLog>(&runs, number).await?;
    let read = runs.runservice.log(&runs.ctx, run, task, step, query).await;
    read.map_err(|error| {
        let own = [LogNotExist(step).into(), LogDeleted.into()];
        let absent = absent(number, task, query.attempt);
        errors::refused_by_runservice(error, own.into_iter().chain(absent))
    })
}

pub async fn delete(
    permit: &Permit<Owns<Project>>,
    (number, task): (u64, &TaskName),
    query: &LogAttemptQuery,
) -> Result<(), ActionError<failures::DeleteLogs>> {
    let runs = permit.runs::<failures::DeleteLogs>().await?;
    let run = id_of::<failures::DeleteLogs>(&runs, number).await?;
    let deleted = runs.runservice.delete_logs(&runs.ctx, run, task, query).await;
    deleted.map_err(|error| {
        let absent = absent(number, task, query.attempt);
        errors::refused_by_runservice(error, absent.chain([LogIsLive.into()]))
    })
}

/// An archive as it arrives.
pub async fn archive(
    look: &Look<Reads<Project>>,
    (number, task, step): (u64, &TaskName, u16),
    query: &ArchiveQuery,
) -> Result<Answer<AnswerStream>, ActionError<failures::ReadArchive>> {
    let runs = look.runs::<failures::ReadArchive>().await?;
    let run = id_of::<failures::ReadArchive>(&runs, number).await?;
    let read = runs.runservice.archive(&runs.ctx, (run, task, step), query).await;
    read.map_err(|error| {
        let own = [ArchiveNotExist(step).into(), ArchiveExpired(step).into()];
        let absent = absent(number, task, query.attempt);
        errors::refused_by_runservice(error, own.into_iter().chain(absent))
    })
}

/// The refusals for what is not there.
fn absent<F>(number: u64, task: &TaskName, attempt: Option<u32>) -> impl Iterator<Item = Shown<F>>
where
    F: From<LogAttemptNotExist> + From<NeverStarted> + From<RunNumberNotExist> + From<TaskNotExist>,
{
    let attempt = attempt.map(|attempt| LogAttemptNotExist(attempt).into());
    let task = [NeverStarted(task.clone()).into(), TaskNotExist(task.clone()).into()];
    attempt.into_iter().chain(task).chain([gone(number)])
}
