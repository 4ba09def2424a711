//! The environment of a run: for every variable its nearest definition, the first value whose
//! `when` matches, and the value's secret, searched from the variable's group towards the root.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use drydock_api::configstore::endpoints::project::ResolveEnvironment;
use drydock_api::configstore::types::{
    EnvironmentQuery, RunEnvironment, SecretData, VariableValue,
};
use drydock_api::names::TreeRef;
use drydock_api::when::RefNames;
use drydock_core::db::Tx;
use drydock_core::error::ActionError;
use drydock_runtime::encryption::{Encrypted, KeyRing};
use drydock_runtime::encryptor::decrypt;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::project;
use super::secret::bound;
use crate::model;
use crate::record::{ScopedRecord, Secret, Variable};

/// The environment of a run, and its secrets that should be encrypted again.
pub struct Resolved {
    pub environment: RunEnvironment,
    pub outdated: Vec<Outdated>,
}

/// A secret that is encrypted under a key that is not the primary key any more.
pub struct Outdated {
    pub secret: Uuid,
    pub sealed: Encrypted,
    pub plain: Zeroizing<Vec<u8>>,
}

pub fn resolve(
    tx: &Tx<'_>,
    keys: &KeyRing,
    project: &TreeRef,
    run: &EnvironmentQuery,
) -> Result<Resolved, ActionError<ResolveEnvironment>> {
    let project = project::find(tx, project)?;
    let mut found = Resolved { environment: RunEnvironment::default(), outdated: Vec::new() };
    if run.fork == Some(true) && !project.pass_variables_to_forks {
        return Ok(found);
    }
    let scopes = model::tree::scopes_of_project(tx, &project)?;
    let mut opened = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for variable in model::scoped::all::<Variable>(tx, &scopes)? {
        if !seen.insert(variable.name.clone()) {
            // A nearer definition hides this one, even if it has no value for this run.
            continue;
        }
        let Some(value) = variable.values.iter().find(|value| fits(value, run)) else { continue };
        let level = model::tree::scope(&scopes, variable.scope()).map_or(0, |(level, _)| level);
        let secret = model::secret::nearest(tx, &scopes[level..], &value.secret_name)?;
        let text = match secret {
            Some(secret) => {
                open(keys, secret, &mut opened, &mut found.outdated)?.get(&value.secret_var)
            }
            None => None,
        };
        match text {
            Some(text) => {
                found.environment.variables.insert(variable.name, text.clone());
            }
            None => found.environment.unresolved.push(variable.name),
        }
    }
    found.environment.unresolved.sort_unstable();
    Ok(found)
}

/// The secret's data; each secret is decrypted once.
fn open<'a>(
    keys: &KeyRing,
    secret: Secret,
    opened: &'a mut BTreeMap<Uuid, SecretData>,
    outdated: &mut Vec<Outdated>,
) -> Result<&'a SecretData, ActionError<ResolveEnvironment>> {
    match opened.entry(secret.id) {
        Entry::Occupied(known) => Ok(known.into_mut()),
        Entry::Vacant(vacant) => {
            let plain = decrypt(keys, bound(secret.id), &secret.data)?;
            let data = serde_json::from_slice(&plain)?;
            if !keys.is_current(&secret.data) {
                outdated.push(Outdated { secret: secret.id, sealed: secret.data, plain });
            }
            Ok(vacant.insert(data))
        }
    }
}

fn fits(value: &VariableValue, run: &EnvironmentQuery) -> bool {
    let names = RefNames {
        branch: run.branch.as_deref(),
        tag: run.tag.as_deref(),
        r#ref: run.r#ref.as_deref(),
    };
    value.when.as_ref().is_none_or(|when| when.is_met(names))
}
