//! What a command of a simulator prints. Nothing here panics because a reader is gone or a disk is
//! full.

use std::fmt::Display;
use std::io::{self, Write};

use super::exit::Failure;

/// Prints a result to stdout. It is no failure if the reader has closed it, as `head` does.
pub fn line(text: impl Display) -> Result<(), Failure> {
    let written = {
        let mut stdout = io::stdout().lock();
        writeln!(stdout, "{text}").and_then(|()| stdout.flush())
    };
    written.or_else(unless_closed)
}

/// The failure of a write to stdout, unless its reader has closed it.
pub fn unless_closed(error: io::Error) -> Result<(), Failure> {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Ok(()),
        _ => Err(Failure::Simulator(format!("stdout: {error}"))),
    }
}

/// Prints a message to stderr; it is lost if that cannot be written.
pub fn note(text: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Stderr for a log, whose lines are lost if they cannot be written.
#[derive(Debug, Default)]
pub struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = io::stderr().write_all(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let _ = io::stderr().flush();
        Ok(())
    }
}
