//! Results on stdout, and progress on stderr if that is a terminal. It is no failure if the reader
//! of stdout has closed it, as `head` does.

use std::fmt::Display;
use std::io::{self, Write};

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::exit::Failure;

/// Prints one line, or several that end without a line break.
pub fn line(text: impl Display) -> Result<(), Failure> {
    let written = {
        let mut stdout = anstream::stdout().lock();
        writeln!(stdout, "{text}").and_then(|()| stdout.flush())
    };
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::because("stdout", error))
        }
        _ => Ok(()),
    }
}

/// Prints a value for programs.
pub fn json(value: &impl Serialize) -> Result<(), Failure> {
    line(serde_json::to_string_pretty(value).expect("results are JSON"))
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
