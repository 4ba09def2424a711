//! Restarting a run: a new run of the same definition, byte for byte.

use drydock_api::runservice::endpoints::run::Create;
use drydock_api::runservice::refusals::{ArchivesExpired, RunNotRestartable};
use drydock_api::runservice::types::{RestartFrom, RunId};
use drydock_core::error::ActionError;
use drydock_core::store::StoreTx;
use drydock_runtime::encryptor::Encryptor;

use super::run::{Environment, KeptTasks, New, create};
use super::state::load;
use crate::Settings;
use crate::engine::definition::Definition;
use crate::engine::restart::{NotRestartable, kept};
use crate::record::{RestartOf, Run};

/// Creates a run with the definition of `old`. Its environment is a new one.
pub fn restart(
    tx: &mut StoreTx<'_>,
    settings: &Settings,
    encryptor: &Encryptor,
    old: RunId,
    from: RestartFrom,
    environment: &Environment,
) -> Result<Run, ActionError<Create>> {
    let old = load(tx, old)?;
    let kept: KeptTasks = kept(&old, from)
        .map_err(refused)?
        .into_iter()
        .map(|(name, kept)| {
            let task = old.task(&name).clone();
            (name, (kept, task))
        })
        .collect();
    let new = New {
        project: old.run.project,
        group: old.run.group,
        name: old.run.name,
        definition: Ok(Definition { specs: old.specs, graph: old.graph }),
        annotations: old.run.annotations,
        on_newer: old.run.on_newer,
        fail_fast: old.run.fail_fast,
        priority: old.run.priority,
        restart_of: Some(RestartOf { run: old.run.id, from }),
    };
    create(tx, settings, encryptor, &new, environment, &kept)
}

fn refused(problem: NotRestartable) -> Create {
    match problem {
        NotRestartable::ArchivesExpired { task, needs } => ArchivesExpired(task, needs).into(),
        NotRestartable::Phase(_) | NotRestartable::NothingFailed => {
            RunNotRestartable(problem.to_string()).into()
        }
    }
}
