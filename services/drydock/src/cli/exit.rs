//! Exit codes, and the failures that lead to them.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | done; for `serve`: stopped by SIGTERM or Ctrl-C after open requests were finished |
//! | 1 | failed, as the message says; also a run without success, and a second signal in a stop |
//! | 2 | the command line is not understood |
//! | 78 | the configuration is not valid (`EX_CONFIG`) |
//! | 130 | ended by Ctrl-C, as a shell says it of a command that the signal has killed |

use std::process::ExitCode;

use drydock_core::error::{BoxError, causes};

use super::output;
use crate::config::ConfigError;

pub const FAILED: u8 = 1;
pub const USAGE: u8 = 2;
pub const CONFIG: u8 = 78;
pub const INTERRUPTED: u8 = 130;

/// The failure of a command.
#[derive(Debug)]
pub enum Failure {
    Config(ConfigError),
    Usage(String),
    Failed(BoxError),
    /// Failed, and the reason was shown already, or its reader is gone.
    Silent,
    /// Ended by Ctrl-C.
    Interrupted,
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Failure {
        Failure::Config(error)
    }
}

impl From<BoxError> for Failure {
    fn from(error: BoxError) -> Failure {
        Failure::Failed(error)
    }
}

impl Failure {
    /// The failure of `subject`, which the message names first.
    pub fn because(subject: impl std::fmt::Display, error: impl Into<BoxError>) -> Failure {
        let error = error.into();
        Failure::Failed(format!("{subject}: {}", Explained(error.as_ref())).into())
    }

    /// Prints the failure to stderr, and returns its exit code.
    pub fn report(self) -> ExitCode {
        let (code, text) = match &self {
            Failure::Config(error) => (CONFIG, Explained(error).to_string()),
            Failure::Usage(text) => (USAGE, text.clone()),
            Failure::Failed(error) => (FAILED, Explained(error.as_ref()).to_string()),
            Failure::Silent => return ExitCode::from(FAILED),
            Failure::Interrupted => return ExitCode::from(INTERRUPTED),
        };
        output::note(format!("error: {text}"));
        ExitCode::from(code)
    }
}

/// An error with its causes, for people: without places in code, and without causes whose text has
/// appeared already.
struct Explained<'a>(&'a (dyn std::error::Error + 'static));

impl std::fmt::Display for Explained<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = String::new();
        for cause in causes(self.0) {
            let text = cause.to_string();
            if shown.contains(&text) {
                continue;
            }
            if !shown.is_empty() {
                shown += ": ";
            }
            shown += &text;
        }
        f.write_str(&shown)
    }
}
