//! The variables of the environment, read once for a whole command.
//!
//! One rule for every variable: an empty one counts as not set; one that is not UTF-8, or has a
//! line end or another control character, is an error that names it. A `DRYDOCK_…` variable that
//! nothing reads is worth a warning and no more: orchestrators set such variables by themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;

use drydock_executor::supervisor::STEP_VARIABLES;

use super::load::{ConfigError, Origin, variables};

const PREFIX: &str = "DRYDOCK_";
/// The variables by which AWS's own tools find credentials.
const AWS_PREFIX: &str = "AWS_";
/// Variables that are no key of the configuration.
const OTHERS: [&str; 10] = [
    "DRYDOCK_CA",
    "DRYDOCK_CLIENT_CERT",
    "DRYDOCK_CLIENT_KEY",
    "DRYDOCK_GATEWAY",
    "DRYDOCK_TEST_CHROMIUM",
    "DRYDOCK_TEST_ETCD",
    "DRYDOCK_TEST_PYTHON",
    "DRYDOCK_TEST_WEED",
    "DRYDOCK_TOKEN",
    "DRYDOCK_URL",
];

/// The variables that are set and not empty.
#[derive(Debug, Default)]
pub struct Environment {
    values: BTreeMap<String, String>,
    /// The `DRYDOCK_…` variables that nothing reads.
    unknown: BTreeSet<String>,
}

impl Environment {
    /// Reads the environment of this process.
    pub fn of_process() -> Result<Environment, ConfigError> {
        Environment::read(std::env::vars_os())
    }

    fn read(
        variables_set: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Environment, ConfigError> {
        let mut known: BTreeSet<_> = variables().collect();
        known.extend(OTHERS.map(str::to_owned));
        let mut environment = Environment::default();
        for (name, value) in variables_set {
            let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else {
                continue;
            };
            // A step may run this program, and so do steps that save and restore.
            if value.is_empty() || STEP_VARIABLES.contains(&name) {
                continue;
            }
            if known.contains(name) {
                environment.values.insert(name.to_owned(), text(name, value)?);
            } else {
                environment.unknown.insert(name.to_owned());
            }
        }
        Ok(environment)
    }

    pub fn get(&self, name: &str) -> Option<String> {
        self.values.get(name).cloned()
    }

    /// The warning about variables that nothing reads; `None` if there are none.
    pub fn warning(&self) -> Option<String> {
        let named: Vec<_> = self.unknown.iter().map(|name| format!("`{name}`")).collect();
        let names = named.join(", ").escape_debug().to_string();
        (!named.is_empty()).then(|| format!("nothing reads the variables {names}"))
    }
}

/// Reads one variable by the same rule; `None` if it is not set.
pub fn variable(name: &str) -> Result<Option<String>, ConfigError> {
    let value = std::env::var_os(name).filter(|value| !value.is_empty());
    value.map(|value| text(name, value)).transpose()
}

/// Checks the variables by which AWS's own tools find credentials, as `DRYDOCK_…` ones are checked.
pub fn check_aws() -> Result<(), ConfigError> {
    for (name, value) in std::env::vars_os() {
        match name.to_str() {
            Some(name) if name.starts_with(AWS_PREFIX) => drop(text(name, value)?),
            _ => {}
        }
    }
    Ok(())
}

/// The value of a variable; its text is never shown, because it may be a secret.
fn text(name: &str, value: OsString) -> Result<String, ConfigError> {
    let wrong = |why: &str| {
        let place = Origin::Env(name.to_owned()).to_string();
        Err(ConfigError::At { place, message: why.to_owned() })
    };
    match value.into_string() {
        Err(_) => wrong("the value is not UTF-8"),
        Ok(text) if text.contains(['\n', '\r']) => wrong("the value has a line end"),
        Ok(text) if text.contains(char::is_control) => wrong("the value has a control character"),
        Ok(text) => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    fn read(variables: &[(&str, &[u8])]) -> Result<Environment, ConfigError> {
        let value = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
        Environment::read(variables.iter().map(|(name, bytes)| ((*name).into(), value(bytes))))
    }

    #[test]
    fn an_empty_variable_counts_as_not_set() {
        for name in variables().chain(OTHERS.map(str::to_owned)) {
            let environment = read(&[(&name, b"")]).unwrap();
            assert_eq!(environment.get(&name), None, "{name}");
            assert_eq!(environment.warning(), None, "{name}");
        }
    }

    #[test]
    fn a_variable_that_is_no_line_of_text_is_named_and_its_value_is_not() {
        for name in variables().chain(OTHERS.map(str::to_owned)) {
            for bad in [&b"secret\xff"[..], b"secret\n", b"secret\r\n", b"sec\x1bret"] {
                let error = read(&[(&name, bad)]).unwrap_err().to_string();
                assert!(error.starts_with(&format!("variable `{name}`: ")), "{error}");
                assert!(!error.contains("secret"), "{error}");
            }
        }
    }

    #[test]
    fn a_step_that_runs_this_program_is_not_warned_of_what_it_is_told() {
        let told = STEP_VARIABLES.map(|name| (name, &b"a value"[..]));
        assert_eq!(read(&told).unwrap().warning(), None);
    }

    #[test]
    fn variables_that_nothing_reads_are_a_warning() {
        let environment = read(&[
            ("DRYDOCK_CLUSTER", b"here"),
            ("DRYDOCK_CLUTSER", b"here"),
            ("DRYDOCK_GATEWAY_PORT", b"tcp://10.0.0.1:80\xff"),
            ("OTHER", b"\xff"),
        ]);
        let environment = environment.unwrap();
        assert_eq!(environment.get("DRYDOCK_CLUSTER").as_deref(), Some("here"));
        let warning = "nothing reads the variables `DRYDOCK_CLUTSER`, `DRYDOCK_GATEWAY_PORT`";
        assert_eq!(environment.warning().as_deref(), Some(warning));
    }
}
