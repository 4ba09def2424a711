use std::io;
use std::path::Path;

use super::budget::{MAX_ENTRIES, MAX_UNPACKED_BYTES};

/// Why nothing, or not all, was packed or unpacked.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error("`{0}` matches nothing")]
    NoMatch(String),
    #[error("`{0}` is no pattern of paths: {1}")]
    Pattern(String, String),
    #[error("the archive holds `{path}`, which {problem}")]
    Entry { path: String, problem: &'static str },
    #[error("`{0}` has a placeholder that is none of `branch`, `arch`, `sha` and `hash:FILE`")]
    Placeholder(String),
    #[error("`{0}` is no key of a cache: it is empty, longer than 255 characters or not a line")]
    Key(String),
    #[error("there are more than {MAX_ENTRIES} files and folders")]
    TooMany,
    #[error("there are more than {MAX_UNPACKED_BYTES} bytes")]
    TooLarge,
    #[error("`{path}`: {source}")]
    Io { path: String, source: io::Error },
    #[error("the archive cannot be read or written: {0}")]
    Stream(#[from] io::Error),
}

/// Adds the path to an error.
pub(super) fn at(path: &Path) -> impl Fn(io::Error) -> ArchiveError {
    let path = path.display().to_string();
    move |source| ArchiveError::Io { path: path.clone(), source }
}
