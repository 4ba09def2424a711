//! Changes that cannot be undone: what will go is shown first, and a person at a terminal is asked.

use std::io::{self, IsTerminal, Write};

use super::exit::Failure;
use super::output;

/// Goes on if `yes`, or if the person at the terminal says so. `what` says what will go.
pub fn confirm(what: &str, yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        let why = format!("{what}; this cannot be undone, and there is no terminal: pass `--yes`");
        return Err(Failure::Usage(why));
    }
    output::note(format!("{what}; this cannot be undone."));
    let mut stderr = io::stderr();
    let asked = write!(stderr, "Go on? [y/N] ").and_then(|()| stderr.flush());
    asked.map_err(|error| Failure::because("the terminal", error))?;
    let mut answer = String::new();
    let read = io::stdin().read_line(&mut answer);
    read.map_err(|error| Failure::because("the terminal", error))?;
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::Failed("nothing was changed".into())),
    }
}
