//! Checks of values that no single type can make.

use std::collections::BTreeMap;

use drydock_api::runservice::types::{Label, MAX_LIMIT};
use drydock_backends::etcd::Endpoint;
use drydock_runtime::encryption::KeyRing;
use http::Uri;
use toml::Value;

use super::load::{ConfigError, Layered, env_name};
use super::stores::{CoordinationKind, ObjectsKind};
use super::types::Config;

const MAX_CLUSTER_LENGTH: usize = 64;
const MIN_TOKEN_LENGTH: usize = 16;

/// Pairs of keys that must be set together.
const TOGETHER: [(&str, &str); 10] = [
    ("executor.tls.cert_file", "executor.tls.key_file"),
    ("instance.tls.cert_file", "instance.tls.key_file"),
    ("coordination.user", "coordination.password"),
    ("coordination.cert_file", "coordination.key_file"),
    ("configstore.tls.cert_file", "configstore.tls.key_file"),
    ("gateway.tls.cert_file", "gateway.tls.key_file"),
    ("runservice.tls.cert_file", "runservice.tls.key_file"),
    ("gateway.services.cert_file", "gateway.services.key_file"),
    ("objects.access_key", "objects.secret_key"),
    ("objects.session_token", "objects.access_key"),
];

/// Keys of which the first has no use without the second.
const CLIENTS_NEED: [(&str, &str); 3] = [
    ("configstore.tls.client_ca_file", "configstore.tls.cert_file"),
    ("gateway.tls.client_ca_file", "gateway.tls.cert_file"),
    ("runservice.tls.client_ca_file", "runservice.tls.cert_file"),
];

/// The greatest number of any key: more than is useful, and less than what overflows.
const MAX_NUMBER: i64 = 1_000_000_000_000;
/// The greatest number of readers, each of which is a thread.
const MAX_READERS: i64 = 1024;
/// The greatest number of running tasks of one project, and of runs that start in a minute.
const MAX_TASKS: i64 = 1_000_000;
const MAX_DURATION: jiff::SignedDuration = jiff::SignedDuration::from_hours(24 * 365);
/// The shortest lease: heartbeats are sent several times within it.
const MIN_LEASE: jiff::SignedDuration = jiff::SignedDuration::from_secs(1);
const MIN_DURATION: jiff::SignedDuration = jiff::SignedDuration::from_millis(1);

/// The shortest interval: etcd closes connections that are probed more often
/// (`--grpc-keepalive-min-time`).
const MIN_KEEP_ALIVE: jiff::SignedDuration = jiff::SignedDuration::from_secs(5);

/// Checks each value by itself.
pub fn check_each(values: &BTreeMap<String, Layered>) -> Result<(), ConfigError> {
    for (key, layered) in values {
        if let Err(why) = one(key, &layered.value) {
            let place = layered.origin.to_string();
            return Err(ConfigError::At { place, message: format!("`{key}`: {why}") });
        }
    }
    Ok(())
}

/// Checks values that depend on each other.
pub fn check(values: &BTreeMap<String, Layered>, config: &Config) -> Result<(), ConfigError> {
    for (first, second) in TOGETHER {
        needs(values, first, second, || format!("`{first}`"))?;
        if first != "objects.session_token" {
            needs(values, second, first, || format!("`{second}`"))?;
        }
    }
    if let (Some(file), true) =
        (values.get("objects.credentials_file"), values.contains_key("objects.access_key"))
    {
        let message = "`objects.credentials_file` and `objects.access_key` exclude each other";
        return Err(ConfigError::At {
            place: file.origin.to_string(),
            message: message.to_owned(),
        });
    }
    for (authorities, certificate) in CLIENTS_NEED {
        needs(values, authorities, certificate, || format!("`{authorities}`"))?;
    }
    if config.objects.kind == ObjectsKind::S3 {
        needs(values, "objects.kind", "objects.bucket", || "`objects.kind = \"s3\"`".to_owned())?;
    }
    if config.coordination.kind == CoordinationKind::Etcd {
        // All instances must be able to decrypt what one has encrypted.
        let because = || "`coordination.kind = \"etcd\"`".to_owned();
        needs(values, "coordination.kind", "encryption.keys", because)?;
    }
    Ok(())
}

/// Fails if `set` has a value and `needed` has none.
fn needs(
    values: &BTreeMap<String, Layered>,
    set: &str,
    needed: &'static str,
    because: impl Fn() -> String,
) -> Result<(), ConfigError> {
    match values.get(set) {
        Some(layered) if !values.contains_key(needed) => Err(ConfigError::Needed {
            place: layered.origin.to_string(),
            because: because(),
            key: needed,
            env: env_name(needed),
        }),
        _ => Ok(()),
    }
}

fn one(key: &str, value: &Value) -> Result<(), String> {
    match (key, value) {
        // A limit of zero would admit nothing.
        (_, Value::Integer(number)) if *number < 1 => Err("must be at least 1".to_owned()),
        ("instance.readers", Value::Integer(number)) => at_most(*number, MAX_READERS),
        ("executor.limit", Value::Integer(number)) => at_most(*number, MAX_LIMIT.into()),
        (
            "runservice.max_running_tasks" | "runservice.resume_per_minute",
            Value::Integer(number),
        ) => at_most(*number, MAX_TASKS),
        (_, Value::Integer(number)) => at_most(*number, MAX_NUMBER),
        ("cluster", Value::String(name)) => cluster(name),
        ("internal_token" | "admin_token" | "executor.token", Value::String(token)) => {
            usable_token(token)
        }
        ("encryption.keys", Value::String(keys)) => {
            keys.parse::<KeyRing>().map(drop).map_err(|why| why.to_string())
        }
        (
            "gateway.configstore" | "gateway.runservice" | "executor.runservice",
            Value::Array(instances),
        ) => authorities(instances),
        ("executor.labels", Value::Array(labels)) => executor_labels(labels),
        ("log.level", Value::String(level)) => log_level(level),
        ("coordination.endpoints", Value::Array(endpoints)) => etcd_endpoints(endpoints),
        ("coordination.keep_alive_interval", Value::String(text)) => {
            duration(text, MIN_DURATION).and_then(|()| keep_alive_interval(text))
        }
        ("objects.endpoint", Value::String(url)) => s3_endpoint(url),
        ("objects.bucket" | "objects.region", Value::String(name)) if name.is_empty() => {
            Err("must not be empty".to_owned())
        }
        ("instance.advertise", Value::String(text)) => advertised(text),
        ("instance.lease_ttl" | "runservice.executor_ttl", Value::String(text)) => {
            duration(text, MIN_LEASE)
        }
        (_, Value::String(text)) if is_duration(key) => duration(text, MIN_DURATION),
        (_, Value::String(path)) if path.is_empty() && is_path(key) => {
            Err("must not be empty".to_owned())
        }
        _ => Ok(()),
    }
}

fn is_duration(key: &str) -> bool {
    key.ends_with("_timeout")
        || key.ends_with("_ttl")
        || key.ends_with("_drain")
        || key.ends_with("_retention")
}

fn is_path(key: &str) -> bool {
    key == "data_dir" || key.ends_with("_file")
}

fn at_most(number: i64, most: i64) -> Result<(), String> {
    if number <= most { Ok(()) } else { Err(format!("must be at most {most}")) }
}

fn duration(text: &str, least: jiff::SignedDuration) -> Result<(), String> {
    match text.parse::<jiff::SignedDuration>() {
        Ok(duration) if duration < least && duration.is_positive() => {
            Err(format!("must be at least `{least:#}`"))
        }
        Ok(duration) if duration > MAX_DURATION => {
            Err(format!("must be at most `{}h`", MAX_DURATION.as_hours()))
        }
        Ok(duration) if duration.is_positive() => Ok(()),
        _ => Err("must be a duration above zero, such as `10s`".to_owned()),
    }
}

fn keep_alive_interval(text: &str) -> Result<(), String> {
    match text.parse::<jiff::SignedDuration>() {
        Ok(interval) if interval >= MIN_KEEP_ALIVE => Ok(()),
        _ => Err(format!(
            "must be at least `{}s`, or etcd closes connections",
            MIN_KEEP_ALIVE.as_secs()
        )),
    }
}

fn etcd_endpoints(endpoints: &[Value]) -> Result<(), String> {
    if endpoints.is_empty() {
        return Err("names no endpoint".to_owned());
    }
    for endpoint in endpoints.iter().filter_map(Value::as_str) {
        Endpoint::parse(endpoint).map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn s3_endpoint(url: &str) -> Result<(), String> {
    let good = url.parse::<Uri>().is_ok_and(|uri| {
        let plain = uri.query().is_none() && matches!(uri.path(), "" | "/");
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some() && plain
    });
    if good {
        return Ok(());
    }
    Err(format!("`{url}` is not of the form `http://host:port` or `https://host`"))
}

/// Checks the deployment's name, which is part of keys in the coordination store and of paths.
fn cluster(name: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if (1..=MAX_CLUSTER_LENGTH).contains(&name.len()) && name.chars().all(allowed) {
        return Ok(());
    }
    Err(format!("must be 1 to {MAX_CLUSTER_LENGTH} lower-case letters, digits and dashes"))
}

fn executor_labels(labels: &[Value]) -> Result<(), String> {
    if labels.is_empty() {
        return Err("names no label".to_owned());
    }
    let bad = |label: &&Value| label.as_str().is_none_or(|text| text.parse::<Label>().is_err());
    match labels.iter().find(bad) {
        None => Ok(()),
        Some(label) => Err(format!("`{label}` is no label")),
    }
}

fn authorities(instances: &[Value]) -> Result<(), String> {
    if instances.is_empty() {
        return Err("names no instance".to_owned());
    }
    let instances: Vec<&str> = instances.iter().filter_map(Value::as_str).collect();
    let secure = |instance: &&str| instance.starts_with("https://");
    if instances.iter().any(secure) && !instances.iter().all(secure) {
        return Err("must be all `https://host:port`, or none".to_owned());
    }
    instances.into_iter().try_for_each(|it| authority(it.trim_start_matches("https://")))
}

fn authority(text: &str) -> Result<(), String> {
    let parsed: Result<http::uri::Authority, _> = text.parse();
    match parsed {
        Ok(parsed) if parsed.port_u16().is_some_and(|port| port > 0) && !text.contains('@') => {
            Ok(())
        }
        _ => Err("must be a host and a port, such as `127.0.0.1:8001`".to_owned()),
    }
}

/// Checks a token, without showing it.
pub(super) fn usable_token(token: &str) -> Result<(), String> {
    if token.len() >= MIN_TOKEN_LENGTH && token.chars().all(|c| c.is_ascii_graphic()) {
        return Ok(());
    }
    Err(format!("must be at least {MIN_TOKEN_LENGTH} visible ASCII characters without spaces"))
}

fn advertised(text: &str) -> Result<(), String> {
    let is_ip = text.parse::<std::net::IpAddr>().is_ok();
    let is_host = text.parse::<http::uri::Authority>().is_ok() && !text.contains('@');
    if is_ip || is_host {
        return Ok(());
    }
    Err("must be a host, with or without a port, such as `10.0.0.5` or `node-1:8001`".to_owned())
}

fn log_level(level: &str) -> Result<(), String> {
    let parsed = tracing_subscriber::EnvFilter::builder().parse(level);
    parsed.map(drop).map_err(|_| format!("`{level}` is neither a level nor a list of directives"))
}
