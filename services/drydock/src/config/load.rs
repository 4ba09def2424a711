//! Loading: four layers become one configuration, in which every value has its origin.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::types::{Config, Secrecy, WITHOUT_DEFAULT};
use super::{file, validate};

/// The layer that set a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    Default,
    File { path: PathBuf, line: usize },
    Env(String),
    Flag(String),
}

/// A mistake in the configuration. Each message names the mistake's place.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("configuration file `{}` cannot be read", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{place}: {message}")]
    At { place: String, message: String },
    #[error("`{key}` is not set: pass `{flag}`, set `{env}`, or put `{key}` in the file")]
    Missing { key: &'static str, flag: String, env: String },
    #[error("{place}: {because} needs `{key}`: set `{env}`, or put `{key}` in the file")]
    Needed { place: String, because: String, key: &'static str, env: String },
    #[error("tokens file `{}` {problem}", path.display())]
    Tokens { path: PathBuf, problem: String },
    #[error("encryption keys file `{}` {problem}", path.display())]
    Keys { path: PathBuf, problem: String },
}

/// The layers above the defaults.
pub struct Sources<'a> {
    pub file: Option<&'a Path>,
    /// Reads a variable of the environment.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// The keys that are set by flags, with their values.
    pub flags: Vec<(&'static str, String)>,
}

/// A configuration, and its values with their origins for `config print`.
#[derive(Debug)]
pub struct Loaded {
    pub config: Config,
    pub values: BTreeMap<String, Layered>,
}

#[derive(Debug, Clone)]
pub struct Layered {
    pub value: Value,
    pub origin: Origin,
    pub secrecy: Secrecy,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File { path, line } => f.write_str(&file::place(path, *line)),
            Origin::Env(name) => write!(f, "variable `{name}`"),
            Origin::Flag(name) => write!(f, "flag `{name}`"),
        }
    }
}

/// The name of the variable that sets `key`.
pub fn env_name(key: &str) -> String {
    format!("DRYDOCK_{}", key.to_uppercase().replace('.', "_"))
}

/// The names of the variables of all keys.
pub(super) fn variables() -> impl Iterator<Item = String> {
    defaults().into_keys().map(|key| env_name(&key))
}

/// The name of the flag that sets `key`; not every key has one.
pub fn flag_name(key: &str) -> String {
    format!("--{}", key.replace(['.', '_'], "-"))
}

pub fn load(sources: &Sources<'_>) -> Result<Loaded, ConfigError> {
    let defaults = defaults();
    let mut values: BTreeMap<String, Layered> = defaults.clone();
    values.retain(|_, layered| layered.value != ABSENT);
    if let Some(path) = sources.file {
        for key in file::read(path)? {
            let origin = Origin::File { path: path.to_owned(), line: key.line };
            let Some(known) = defaults.get(&key.path) else {
                let message = unknown(&key.path, &defaults);
                return Err(ConfigError::At { place: origin.to_string(), message });
            };
            let layered = Layered { value: key.value, origin, secrecy: known.secrecy };
            values.insert(key.path, layered);
        }
    }
    let mut set = |key: &str, text: &str, origin: Origin| {
        let known = &defaults[key];
        let value = typed(text, &known.value)
            .map_err(|message| ConfigError::At { place: origin.to_string(), message })?;
        let secrecy = known.secrecy;
        values.insert(key.to_owned(), Layered { value, origin, secrecy });
        Ok(())
    };
    for key in defaults.keys() {
        let name = env_name(key);
        if let Some(text) = (sources.env)(&name) {
            set(key, &text, Origin::Env(name))?;
        }
    }
    for (key, text) in &sources.flags {
        set(key, text, Origin::Flag(flag_name(key)))?;
    }
    validate::check_each(&values)?;
    let config = build(&values)?;
    validate::check(&values, &config)?;
    Ok(Loaded { config, values })
}

/// Marks a key without a default. No default is an empty array.
const ABSENT: Value = Value::Array(Vec::new());

/// Every key with its default.
fn defaults() -> BTreeMap<String, Layered> {
    let layered = |value, secrecy| Layered { value, origin: Origin::Default, secrecy };
    let mut keys = BTreeMap::new();
    let mut open = vec![(String::new(), Table::try_from(Config::default()))];
    while let Some((prefix, table)) = open.pop() {
        for (name, value) in table.expect("the defaults are TOML") {
            match value {
                Value::Table(inner) => open.push((format!("{prefix}{name}."), Ok(inner))),
                leaf => {
                    keys.insert(format!("{prefix}{name}"), layered(leaf, Secrecy::Public));
                }
            }
        }
    }
    for (key, secrecy) in WITHOUT_DEFAULT {
        keys.insert(key.to_owned(), layered(ABSENT, secrecy));
    }
    keys
}

fn unknown(key: &str, defaults: &BTreeMap<String, Layered>) -> String {
    let last = |key: &str| key.rsplit('.').next().unwrap_or(key).to_owned();
    let similar = defaults.keys().find(|known| last(known) == last(key));
    match similar {
        Some(known) => format!("unknown key `{key}`; there is `{known}`"),
        None => format!("unknown key `{key}`"),
    }
}

/// Converts a text from the environment or a flag to the type of the key.
fn typed(text: &str, like: &Value) -> Result<Value, String> {
    match like {
        Value::Integer(_) => match text.parse() {
            Ok(number) => Ok(Value::Integer(number)),
            Err(_) => Err(format!("`{text}` is not a whole number")),
        },
        Value::Boolean(_) => match text.parse() {
            Ok(yes) => Ok(Value::Boolean(yes)),
            Err(_) => Err(format!("`{text}` is neither `true` nor `false`")),
        },
        // A list is written with commas.
        Value::Array(_) if *like != ABSENT => {
            let parts = text.split(',').map(|part| part.trim().to_owned());
            Ok(Value::Array(parts.map(Value::String).collect()))
        }
        _ => Ok(Value::String(text.to_owned())),
    }
}

fn build(values: &BTreeMap<String, Layered>) -> Result<Config, ConfigError> {
    let mut root = Table::new();
    for (key, layered) in values {
        let mut table = &mut root;
        let (parents, name) = key.rsplit_once('.').unwrap_or(("", key));
        for parent in parents.split('.').filter(|parent| !parent.is_empty()) {
            let inner = table.entry(parent).or_insert_with(|| Value::Table(Table::new()));
            table = inner.as_table_mut().expect("a known key is a table or a leaf, never both");
        }
        table.insert(name.to_owned(), layered.value.clone());
    }
    let built = serde_path_to_error::deserialize::<_, Config>(Value::Table(root));
    built.map_err(|error| {
        let key = error.path().to_string();
        // An item of a list has no origin of its own, but its list has.
        let key = key.split('[').next().unwrap_or_default().to_owned();
        let place = match values.get(&key) {
            Some(layered) => layered.origin.to_string(),
            None => "configuration".to_owned(),
        };
        let secret = values.get(&key).is_some_and(|it| it.secrecy == Secrecy::Secret);
        let why = error.inner().message();
        let why = if secret { "the value is not a text" } else { why };
        let why = why.replace("usize", "a whole number").replace("u64", "a whole number");
        ConfigError::At { place, message: format!("`{key}`: {why}") }
    })
}

impl Loaded {
    /// The error for a key that a command cannot do without.
    pub fn missing(key: &'static str) -> ConfigError {
        ConfigError::Missing { key, flag: flag_name(key), env: env_name(key) }
    }

    /// One line for each key: the value as TOML, and its origin. Secrets are hidden.
    pub fn print(&self) -> String {
        let mut text = String::new();
        for (key, Layered { value, origin, secrecy }) in &self.values {
            let value = match secrecy {
                Secrecy::Public => value.to_string(),
                Secrecy::Secret => "\"(hidden)\"".to_owned(),
            };
            text += &format!("{key} = {value} # {origin}\n");
        }
        text
    }
}
