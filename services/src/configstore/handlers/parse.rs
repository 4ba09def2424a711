//! Names in bodies: a bad one has a code of its own.

use drydock_core::error::ApiError;

use crate::configstore::errors::invalid_ref;
use crate::names::{Name, Ref};

pub fn name(text: &str) -> Result<Name, ApiError> {
    text.parse().map_err(ApiError::from)
}

pub fn optional_name(text: Option<&str>) -> Result<Option<Name>, ApiError> {
    text.map(name).transpose()
}

pub fn optional_ref(field: &str, text: Option<&str>) -> Result<Option<Ref>, ApiError> {
    let parse = |text: &str| text.parse().map_err(|_| invalid_ref(field));
    text.map(parse).transpose()
}
