//! From a text to a file's runs.

use crate::errors::{Errors, FileErrors, Position};
use crate::file::{MAX_FILE_BYTES, RunFile};
use crate::{node, read};

/// Reads a file, YAML or JSON.
///
/// # Errors
/// Everything that is wrong with it: a text that is no YAML has one error, and any other text all
/// errors at once.
pub fn parse(text: &str) -> Result<RunFile, FileErrors> {
    if text.len() > MAX_FILE_BYTES {
        let message = format!("a file has at most {MAX_FILE_BYTES} bytes, not {}", text.len());
        return Err(FileErrors::one(Position::START, message));
    }
    let root = node::read(text)?;
    let mut errors = Errors::default();
    let file = read::file(&root, &mut errors);
    errors.into_result()?;
    Ok(file.expect("what could not be read left an error"))
}
