//! Restarting a run: a new run of the same definition, byte for byte.

use drydock_api::runservice::endpoints::run::Create;
use drydock_api::runservice::refusals::{ArchivesExpired, NotRepeatable, RunNotRestartable};
use drydock_api::runservice::types::{RestartFrom, RunId};
use drydock_core::error::ActionError;
use drydock_core::store::StoreTx;
use drydock_runtime::encryption::Bound;
use drydock_runtime::encryptor::{Encryptor, decrypt};

use super::run::{Environment, KeptTasks, New, create};
use super::state::{definition, load};
use crate::Settings;
use crate::engine::definition::Definition;
use crate::engine::restart::{NotRestartable, kept};
use crate::record::{RestartOf, Run};
use crate::schema::RUN_DEFINITIONS;

/// Creates a run with the definition of `old`. Its environment is the old one without the values of
/// variables, which are to be in `environment`, whose values go before the old ones.
pub fn restart(
    tx: &mut StoreTx<'_>,
    settings: &Settings,
    encryptor: &Encryptor,
    old: RunId,
    from: RestartFrom,
    environment: &Environment,
) -> Result<Run, ActionError<Create>> {
    let old = load(tx, old)?;
    let mut values = own_values(tx, encryptor, &old.run)?;
    values.extend(environment.clone());
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
        variables: old.run.variables,
        annotations: old.run.annotations,
        cache: old.run.cache,
        on_newer: old.run.on_newer,
        fail_fast: old.run.fail_fast,
        priority: old.run.priority,
        restart_of: Some(RestartOf { run: old.run.id, from }),
    };
    create(tx, settings, encryptor, &new, &values, &kept)
}

/// The environment of a run, without the values of variables of its project.
fn own_values(
    tx: &StoreTx<'_>,
    encryptor: &Encryptor,
    run: &Run,
) -> Result<Environment, ActionError<Create>> {
    let definition = definition(tx, run)?;
    let Some(encrypted) = definition.and_then(|definition| definition.environment) else {
        return Ok(Environment::new());
    };
    let bound = Bound { kind: RUN_DEFINITIONS, id: run.id.0 };
    let plain = decrypt::<NotRepeatable>(&encryptor.keys, bound, &encrypted);
    let plain = plain.map_err(ActionError::widen)?;
    let mut values: Environment = serde_json::from_slice(&plain)?;
    values.retain(|name, _| !run.variables.contains_key(name));
    Ok(values)
}

fn refused(problem: NotRestartable) -> Create {
    match problem {
        NotRestartable::ArchivesExpired { task, needs } => ArchivesExpired(task, needs).into(),
        NotRestartable::Phase(_) | NotRestartable::NothingFailed => {
            RunNotRestartable(problem.to_string()).into()
        }
    }
}
