//! Results on stdout, messages and progress on stderr.
//!
//! Nothing here panics because a reader is gone or a disk is full. A reader of stdout that has
//! closed it, as `head` does, is no failure; any other error of stdout is one. What cannot be
//! written to stderr is lost.
//!
//! Texts of others may hold control characters, by which a terminal would do what they say:
//! [`shown`] escapes them in a value, and [`line()`] escapes all but line breaks once more.

use std::fmt::{Display, Write as _};
use std::io::{self, Write};

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::exit::Failure;

/// Prints one line, or several that end without a line break.
pub fn line(text: impl Display) -> Result<(), Failure> {
    let text = text.to_string();
    let lines: Vec<_> = text.split('\n').map(shown).collect();
    program(lines.join("\n"))
}

/// Prints a text that is meant for a program, as it is.
pub fn program(text: impl Display) -> Result<(), Failure> {
    let written = {
        let mut stdout = io::stdout().lock();
        writeln!(stdout, "{text}").and_then(|()| stdout.flush())
    };
    written.or_else(unless_closed)
}

/// How something stands, as a colour beside its word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Good,
    Bad,
    Active,
    Quiet,
}

/// A word of ours in its colour, for [`styled`].
pub fn toned(tone: Tone, word: &str) -> String {
    let colour = match tone {
        Tone::Good => 32,
        Tone::Bad => 31,
        Tone::Active => 33,
        Tone::Quiet => 2,
    };
    format!("\u{1b}[{colour}m{word}\u{1b}[0m")
}

/// Prints a text with colours, which go where stdout is no terminal or `NO_COLOR` is set. What it
/// holds of others was escaped by [`shown`].
pub fn styled(text: &str) -> Result<(), Failure> {
    let written = {
        let mut stdout = anstream::stdout().lock();
        writeln!(stdout, "{text}").and_then(|()| stdout.flush())
    };
    written.or_else(unless_closed)
}

/// The failure of a write to stdout, unless its reader has closed it.
pub fn unless_closed(error: io::Error) -> Result<(), Failure> {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Ok(()),
        _ => Err(Failure::because("stdout", error)),
    }
}

/// Prints a value for programs.
pub fn json(value: &impl Serialize) -> Result<(), Failure> {
    let json = serde_json::to_string_pretty(value).expect("results are JSON");
    let mut ascii = String::with_capacity(json.len());
    for it in json.chars() {
        // JSON escapes the first 32 characters only. The others are not above U+FFFF.
        match acts(it) && it != '\n' {
            true => write!(ascii, "\\u{:04x}", u32::from(it)).expect("a text grows"),
            false => ascii.push(it),
        }
    }
    program(ascii)
}

/// Prints one message to stderr. It is lost if stderr cannot be written.
pub fn note(text: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{}", shown(&text.to_string()));
}

/// A text of others on one line, with an escape for each character that a terminal acts upon.
pub fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for it in text.chars() {
        match acts(it) {
            true => shown.extend(it.escape_default()),
            false => shown.push(it),
        }
    }
    shown
}

/// Whether a terminal does something for the character instead of showing it: control characters,
/// line separators, and those that turn the direction of the text around them.
fn acts(it: char) -> bool {
    it.is_control()
        || matches!(it, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The name of an enum's value in JSON.
pub fn name(value: &impl Serialize) -> String {
    let json = serde_json::to_value(value).expect("names are JSON");
    json.as_str().unwrap_or_default().to_owned()
}

/// A progress bar that counts bytes, up to `total` if that is known.
pub fn progress(total: Option<u64>) -> ProgressBar {
    let (bar, template) = match total {
        Some(total) => (ProgressBar::new(total), "{bytes} of {total_bytes}, {bytes_per_sec} {bar}"),
        None => (ProgressBar::no_length(), "{bytes}, {bytes_per_sec}"),
    };
    bar.with_style(ProgressStyle::with_template(template).expect("the templates are ours"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_others_does_nothing_to_a_terminal() {
        let evil = "a\u{1b}[2K\r\n\u{9b}1m\u{7f}\u{202e}\tb é";
        let expected = r"a\u{1b}[2K\r\n\u{9b}1m\u{7f}\u{202e}\tb é";
        assert_eq!(shown(evil), expected);
    }
}
