use drydock_api::configstore::errors::{variable_already_exists, variable_not_exist};
use drydock_api::configstore::types::{NewVariable, TreeQuery, VariableChange, VariableView};
use drydock_api::configstore::validate;
use drydock_api::names::Ref;
use drydock_core::error::ApiError;
use drydock_http::api::page::{Consistency, Page};
use drydock_http::client::Answer;

use crate::auth::Permit;
use crate::errors;

pub async fn list(permit: &Permit, query: &TreeQuery) -> Result<Page<VariableView>, ApiError> {
    let (place, gone) = permit.place();
    let listed = permit.configstore.variables(&permit.ctx, &place, query).await;
    listed.map_err(|error| errors::of(error, [gone]))
}

pub async fn create(
    permit: &Permit,
    new: &NewVariable,
    key: Option<&str>,
) -> Result<Answer<VariableView>, ApiError> {
    let name = validate::name(&new.name)?;
    validate::values(&new.values)?;
    let (place, gone) = permit.place();
    let created = permit.configstore.create_variable(&permit.ctx, &place, new, key).await;
    created.map_err(|error| errors::of(error, [gone, variable_already_exists(&name)]))
}

pub async fn get(permit: &Permit, variable: &Ref) -> Result<Answer<VariableView>, ApiError> {
    let (place, gone) = permit.place();
    let consistency = Consistency::Linearizable;
    let found = permit.configstore.variable(&permit.ctx, &place, variable, consistency).await;
    found.map_err(|error| errors::of(error, [gone, variable_not_exist(variable)]))
}

pub async fn update(
    permit: &Permit,
    variable: &Ref,
    change: &VariableChange,
    if_match: Option<&str>,
) -> Result<Answer<VariableView>, ApiError> {
    let name = validate::optional_name(change.name.as_deref())?;
    if let Some(values) = &change.values {
        validate::values(values)?;
    }
    let (place, gone) = permit.place();
    let updated =
        permit.configstore.update_variable(&permit.ctx, &place, variable, change, if_match).await;
    updated.map_err(|error| {
        let taken = name.iter().map(variable_already_exists);
        errors::of(error, taken.chain([gone, variable_not_exist(variable)]))
    })
}

pub async fn delete(
    permit: &Permit,
    variable: &Ref,
    if_match: Option<&str>,
) -> Result<(), ApiError> {
    let (place, gone) = permit.place();
    let deleted = permit.configstore.delete_variable(&permit.ctx, &place, variable, if_match).await;
    deleted.map_err(|error| errors::of(error, [gone, variable_not_exist(variable)]))
}
