//! The file that defines runs, `.drydock/run.yml` (YAML, of which JSON is a subset): [`parse`]
//! reads it and names everything that is wrong with it, [`RunFile::select`] chooses the run for a
//! branch or a tag.
//!
//! Pure: no input, no output, no clock. Whoever starts a run brings the values of its variables.
//! There are no expressions, templates and includes: `${VAR}` is the shell's.

mod errors;
mod file;
mod levels;
mod node;
mod parse;
mod read;
mod schema;
mod select;

pub use errors::{FileError, FileErrors, MAX_ERRORS, Position};
pub use file::{
    EnvironmentValue, FromVariable, MAX_FILE_BYTES, RunDefinition, RunFile, TaskDefinition, Version,
};
pub use levels::levels;
pub use parse::parse;
pub use schema::schema;
pub use select::{Environment, MissingVariables, SelectError, SelectedRun};

#[cfg(test)]
mod tests;
