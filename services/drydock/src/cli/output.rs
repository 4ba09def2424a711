//! Results on stdout. A reader that has seen enough and left, such as `head`, is no failure.

use std::fmt::Display;
use std::io::{self, Write};

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

/// What a value of an enumeration is called in JSON.
pub fn name(value: &impl Serialize) -> String {
    let json = serde_json::to_value(value).expect("names are JSON");
    json.as_str().unwrap_or_default().to_owned()
}
