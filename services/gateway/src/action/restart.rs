use std::collections::BTreeMap;

use drydock_api::gateway::endpoints::run::Restart;
use drydock_api::runservice::refusals::{ArchivesExpired, RunNotRestartable, TooManyQueuedRuns};
use drydock_api::runservice::types::{NewRun, Phase, RestartFrom, RunView};
use drydock_core::error::ActionError;
use drydock_http::client::{Answer, ClientError};

use super::environment::Values;
use super::group::Source;
use super::run::{created, gone};
use crate::auth::Permit;
use crate::auth::require::Runs;
use crate::errors;
use crate::errors::{Shown, in_words};

/// Restarts a run as a new one. Its variables are resolved anew, so that secrets that were changed
/// meanwhile hold.
pub async fn restart(
    permit: &Permit<Runs>,
    number: u64,
    from: RestartFrom,
    key: Option<&str>,
) -> Result<Answer<RunView>, ActionError<Restart>> {
    let runs = permit.runs::<Restart>().await?;
    let run = runs.find::<Restart>(number).await?.body.run;
    let source = Source::of(&run.annotations);
    let values = Values::resolve(permit, &runs, source.as_ref(), run.variables.values()).await?;
    let environment: Result<BTreeMap<_, _>, _> = run
        .variables
        .iter()
        .map(|(name, variable)| match values.get(variable) {
            Some(value) => Ok((name.clone(), value.to_owned())),
            None => Err(RunNotRestartable(format!("the variable `{variable}` has no value now"))),
        })
        .collect();
    let environment = environment?;
    let restart_of = Some(run.id);
    let new = NewRun { restart_of, from: Some(from), environment, ..NewRun::default() };
    let restarted = runs.runservice.create_run(&runs.ctx, &new, key).await;
    created(&runs, restarted.map_err(|error| refused(error, number))?)
}

fn refused(error: ClientError, number: u64) -> ActionError<Restart> {
    let phases = Phase::ALL.iter().map(|phase| {
        RunNotRestartable(format!("a run in the phase `{phase}` cannot be restarted")).into()
    });
    let nothing = "no task of the run has failed, so there is nothing to run again";
    let first: [Shown<_>; 4] = [
        RunNotRestartable(nothing.to_owned()).into(),
        in_words::<ArchivesExpired, _>("archives that the run needs do not exist any more"),
        in_words::<TooManyQueuedRuns, _>("too many runs are queued already"),
        gone(number),
    ];
    errors::refused_by_runservice(error, first.into_iter().chain(phases))
}
