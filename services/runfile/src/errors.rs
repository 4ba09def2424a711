//! What is wrong with a file, and where.

use std::fmt;

/// The greatest number of errors that are kept of one file.
pub const MAX_ERRORS: usize = 100;
/// The greatest length of a message, in characters of the file.
const MAX_MESSAGE: usize = 300;

/// A place in the text of a file; both numbers count from 1, and columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub line: u64,
    pub column: u64,
}

impl Position {
    pub(crate) const START: Position = Position { line: 1, column: 1 };
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{at}: {message}")]
pub struct FileError {
    pub at: Position,
    pub message: String,
}

/// Everything that is wrong with a file, in the order of its lines: at least one error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileErrors(Vec<FileError>);

impl FileErrors {
    /// The only error of a file that could not be read any further.
    pub(crate) fn one(at: Position, message: impl Into<String>) -> FileErrors {
        FileErrors(vec![FileError { at, message: short(&message.into()) }])
    }

    pub fn iter(&self) -> std::slice::Iter<'_, FileError> {
        self.0.iter()
    }

    /// A text for each error, with its place.
    pub fn messages(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }
}

impl<'a> IntoIterator for &'a FileErrors {
    type Item = &'a FileError;
    type IntoIter = std::slice::Iter<'a, FileError>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for FileErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.messages().join("\n"))
    }
}

impl std::error::Error for FileErrors {}

/// The errors that were found so far.
#[derive(Debug, Default)]
pub(crate) struct Errors(Vec<FileError>);

impl Errors {
    pub fn add(&mut self, at: Position, message: impl Into<String>) {
        self.0.push(FileError { at, message: short(&message.into()) });
    }

    /// All errors, if there are any.
    pub fn into_result(mut self) -> Result<(), FileErrors> {
        if self.0.is_empty() {
            return Ok(());
        }
        self.0.sort();
        self.0.dedup();
        let further = self.0.len().saturating_sub(MAX_ERRORS);
        self.0.truncate(MAX_ERRORS);
        if further > 0 {
            let at = self.0[MAX_ERRORS - 1].at;
            self.0.push(FileError { at, message: format!("{further} further errors follow") });
        }
        Err(FileErrors(self.0))
    }
}

/// A message on one line, of a length that can be read, whatever words of the file it repeats.
fn short(message: &str) -> String {
    let mut short = String::new();
    for (nth, c) in message.chars().enumerate() {
        if nth == MAX_MESSAGE {
            short.push('…');
            break;
        }
        match c.is_control() {
            true => short.extend(c.escape_default()),
            false => short.push(c),
        }
    }
    short
}

/// The known word that was probably meant.
pub(crate) fn nearest<'a>(
    given: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let distance = |word: &str| strsim::damerau_levenshtein(given, word);
    let allowed = (given.chars().count() / 3).clamp(1, 3);
    let nearest = known.into_iter().map(|word| (distance(word), word)).min()?;
    (nearest.0 <= allowed).then_some(nearest.1)
}

/// The same as the end of a message.
pub(crate) fn did_you_mean<'a>(
    given: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    nearest(given, known).map(|word| format!("did you mean `{word}`?"))
}

/// Words between backticks, with commas.
pub(crate) fn quoted<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<_> = words.into_iter().map(|word| format!("`{word}`")).collect();
    quoted.join(", ")
}
