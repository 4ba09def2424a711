//! Results on stdout. A reader that has seen enough and left, such as `head`, is no failure.

use std::fmt::Display;
use std::io::{self, Write};

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
