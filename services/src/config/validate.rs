//! What no single type can check.

use std::collections::BTreeMap;

use toml::Value;

use super::load::{ConfigError, Layered};
use crate::seal::KeyRing;

const MAX_CLUSTER_LENGTH: usize = 64;
const MIN_TOKEN_LENGTH: usize = 16;

pub fn check(values: &BTreeMap<String, Layered>) -> Result<(), ConfigError> {
    for (key, layered) in values {
        if let Err(why) = one(key, &layered.value) {
            let place = layered.origin.to_string();
            return Err(ConfigError::At { place, message: format!("`{key}`: {why}") });
        }
    }
    Ok(())
}

fn one(key: &str, value: &Value) -> Result<(), String> {
    match (key, value) {
        // A bound of nothing lets nothing through.
        (_, Value::Integer(number)) if *number < 1 => Err("must be at least 1".to_owned()),
        ("cluster", Value::String(name)) => cluster(name),
        ("internal_token" | "admin_token", Value::String(token)) => usable_token(token),
        ("encryption.keys", Value::String(keys)) => {
            keys.parse::<KeyRing>().map(drop).map_err(|why| why.to_string())
        }
        ("gateway.configstore", Value::String(text)) => authority(text),
        ("log.level", Value::String(level)) => log_level(level),
        (_, Value::String(text)) if is_duration(key) => duration(text),
        _ => Ok(()),
    }
}

fn is_duration(key: &str) -> bool {
    key.ends_with("_timeout") || key.ends_with("_ttl") || key.ends_with("_drain")
}

fn duration(text: &str) -> Result<(), String> {
    match text.parse::<jiff::SignedDuration>() {
        Ok(duration) if duration.is_positive() => Ok(()),
        _ => Err("must be a duration above zero, such as `10s`".to_owned()),
    }
}

/// It becomes part of keys in the coordination store and of paths of objects.
fn cluster(name: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if (1..=MAX_CLUSTER_LENGTH).contains(&name.len()) && name.chars().all(allowed) {
        return Ok(());
    }
    Err(format!("must be 1 to {MAX_CLUSTER_LENGTH} lower-case letters, digits and dashes"))
}

fn authority(text: &str) -> Result<(), String> {
    let parsed: Result<http::uri::Authority, _> = text.parse();
    match parsed {
        Ok(parsed) if parsed.port_u16().is_some() && !text.contains('@') => Ok(()),
        _ => Err("must be a host and a port, such as `127.0.0.1:8001`".to_owned()),
    }
}

/// The token itself is never shown.
pub(super) fn usable_token(token: &str) -> Result<(), String> {
    if token.len() >= MIN_TOKEN_LENGTH && token.chars().all(|c| c.is_ascii_graphic()) {
        return Ok(());
    }
    Err(format!("must be at least {MIN_TOKEN_LENGTH} visible ASCII characters without spaces"))
}

fn log_level(level: &str) -> Result<(), String> {
    let parsed = tracing_subscriber::EnvFilter::builder().parse(level);
    parsed.map(drop).map_err(|_| format!("`{level}` is not a level, nor directives"))
}
