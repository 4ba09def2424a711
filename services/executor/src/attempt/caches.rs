//! What a step and the executor tell each other of caches, through files of the attempt's folder.
//!
//! A step that restores writes the keys that it wants to `cache.keys`: the number of the step, the
//! keys, and an empty line, without which there may be more to come. The executor answers in the
//! file `cache.NNN` of that step, which begins with a zero byte until the answer is whole. Then it
//! begins with a `+`, what was found, and the archive as [`Frame`](super::Frame)s tell of it; or
//! with a `-` and why there is nothing.
//!
//! A step that saves writes its key in a line before the archive, or nothing but that line if there
//! is nothing to save.

use std::io::{self, BufRead};

use serde::{Deserialize, Serialize};

/// The first byte of an answer that is not there yet.
pub const PENDING: u8 = 0;
pub const FOUND: u8 = b'+';
pub const NOTHING: u8 = b'-';

/// The longest line about an entry.
const MAX_LINE: u64 = 4096;
/// The greatest number of characters of a key.
pub const MAX_KEY: usize = 255;
const MAX_KEYS: usize = 64;

/// What a step wants to restore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedCache {
    pub step: u16,
    pub keys: Vec<String>,
}

impl WantedCache {
    /// The content of `cache.keys`.
    pub fn text(&self) -> String {
        let lines = self.keys.iter().map(|key| format!("{key}\n"));
        format!("{}\n{}\n", self.step, lines.collect::<String>())
    }

    /// What the content says; `None`: it is not whole, or wrong.
    pub fn parse(text: &str) -> Option<WantedCache> {
        let (step, keys) = text.strip_suffix("\n\n")?.split_once('\n')?;
        let keys: Vec<_> = keys.split('\n').map(str::to_owned).collect();
        let are_valid = keys.len() <= MAX_KEYS && keys.iter().all(|key| is_key(key));
        are_valid.then_some(WantedCache { step: step.parse().ok()?, keys })
    }
}

/// Whether entries can have this key.
pub fn is_key(key: &str) -> bool {
    (1..=MAX_KEY).contains(&key.chars().count()) && !key.chars().any(char::is_control)
}

/// The entry that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundCache {
    pub key: String,
    /// The branch, tag or ref whose run has saved it: `branch/main`.
    pub scope: String,
}

impl FoundCache {
    pub fn line(&self) -> Vec<u8> {
        let mut line = serde_json::to_vec(self).expect("texts are JSON");
        line.push(b'\n');
        line
    }

    pub fn read(input: &mut impl BufRead) -> io::Result<FoundCache> {
        Ok(serde_json::from_str(&read_line(input)?)?)
    }
}

/// A bounded line, without its end.
pub fn read_line(input: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    io::Read::take(&mut *input, MAX_LINE).read_line(&mut line)?;
    line.pop().filter(|end| *end == '\n').ok_or(io::ErrorKind::UnexpectedEof)?;
    Ok(line)
}
