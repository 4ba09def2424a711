//! Exit codes, and what leads to them.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | done; for `serve`: stopped by SIGTERM or Ctrl-C after finishing what was open |
//! | 1 | failed: the message says why; also a second signal during the stop |
//! | 2 | the command line is not understood |
//! | 78 | the configuration is not valid (`EX_CONFIG`) |

use std::process::ExitCode;

use drydock_core::error::{BoxError, causes};

use crate::config::ConfigError;

pub const FAILED: u8 = 1;
pub const USAGE: u8 = 2;
pub const CONFIG: u8 = 78;

/// Why a command ends without success.
#[derive(Debug)]
pub enum Failure {
    Config(ConfigError),
    Usage(String),
    Failed(BoxError),
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
    /// A failure of something that the message names.
    pub fn because(what: impl std::fmt::Display, error: impl Into<BoxError>) -> Failure {
        let error = error.into();
        Failure::Failed(format!("{what}: {}", Explained(error.as_ref())).into())
    }

    /// Prints itself; answers the exit code.
    pub fn report(self) -> ExitCode {
        let (code, text) = match &self {
            Failure::Config(error) => (CONFIG, Explained(error).to_string()),
            Failure::Usage(text) => (USAGE, text.clone()),
            Failure::Failed(error) => (FAILED, Explained(error.as_ref()).to_string()),
        };
        anstream::eprintln!("error: {text}");
        ExitCode::from(code)
    }
}

/// An error with its causes, for people: no places, and no cause that only repeats what was said.
struct Explained<'a>(&'a (dyn std::error::Error + 'static));

impl std::fmt::Display for Explained<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut said = String::new();
        for cause in causes(self.0) {
            let text = cause.to_string();
            if said.contains(&text) {
                continue;
            }
            if !said.is_empty() {
                said += ": ";
            }
            said += &text;
        }
        f.write_str(&said)
    }
}
