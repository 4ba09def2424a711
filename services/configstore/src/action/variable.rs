use drydock_api::configstore::errors::{variable_already_exists, variable_not_exist};
use drydock_api::configstore::types::{Scope, VariableValue};
use drydock_api::names::{Name, Ref};
use drydock_core::error::BoxError;
use drydock_core::store::StoreTx;
use drydock_http::api::precondition::IfMatch;

use super::place::columns;
use crate::model;
use crate::record::{Stored, Variable};
use crate::schema::VARIABLES;

/// What a variable is to be; `None`: as it was.
pub struct Change {
    pub name: Option<Name>,
    pub values: Option<Vec<VariableValue>>,
}

pub fn create(
    tx: &mut StoreTx<'_>,
    place: &Scope,
    name: &Name,
    values: &[VariableValue],
) -> Result<Variable, BoxError> {
    if model::variable::by_name(tx, place.id, name)?.is_some() {
        return Err(variable_already_exists(name).into());
    }
    let now = tx.now();
    let (project, project_group) = columns(place);
    let variable = Variable {
        id: tx.new_id(),
        name: name.clone(),
        project,
        project_group,
        values: values.to_vec(),
        revision: 1,
        created_at: now,
        updated_at: now,
    };
    tx.put(VARIABLES, variable.id, &variable)?;
    Ok(variable)
}

pub fn update(
    tx: &mut StoreTx<'_>,
    place: &Scope,
    variable: &Ref,
    change: &Change,
    if_match: &IfMatch,
) -> Result<Variable, BoxError> {
    let old = find(tx, place, variable)?;
    if_match.check(Some(&old.etag()))?;
    let mut new = old.clone();
    if let Some(name) = change.name.as_ref().filter(|name| **name != old.name) {
        if model::variable::by_name(tx, place.id, name)?.is_some() {
            return Err(variable_already_exists(name).into());
        }
        new.name = name.clone();
    }
    if let Some(values) = &change.values {
        new.values.clone_from(values);
    }
    if new != old {
        new.touch(tx.now());
        tx.put(VARIABLES, new.id, &new)?;
    }
    Ok(new)
}

pub fn delete(
    tx: &mut StoreTx<'_>,
    place: &Scope,
    variable: &Ref,
    if_match: &IfMatch,
) -> Result<(), BoxError> {
    let variable = find(tx, place, variable)?;
    if_match.check(Some(&variable.etag()))?;
    tx.delete(VARIABLES, variable.id)
}

fn find(tx: &StoreTx<'_>, place: &Scope, variable: &Ref) -> Result<Variable, BoxError> {
    let found = model::variable::find(tx, place.id, variable)?;
    Ok(found.ok_or_else(|| variable_not_exist(variable))?)
}
