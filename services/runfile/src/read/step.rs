//! Steps.

use drydock_api::runservice::types::{RunStep, SaveStep, Step, StepWhen};

use super::fields::{Fields, Shape, entries, filled_list, list};
use super::scalar::{exit_code, line, parsed, text, word};
use crate::errors::{Errors, did_you_mean, quoted};
use crate::node::{Node, Value};

pub const STEPS: Shape =
    Shape { of: "a step", keys: &["run", "save", "restore", "save_cache", "restore_cache"] };
pub const LONG_RUN: Shape =
    Shape { of: "`run`", keys: &["command", "timeout", "when", "allow_exit"] };
pub const PATHS: Shape = Shape { of: "`save`", keys: &["paths"] };
pub const SAVE_CACHE: Shape = Shape { of: "`save_cache`", keys: &["key", "paths"] };
pub const RESTORE_CACHE: Shape = Shape { of: "`restore_cache`", keys: &["keys"] };
const RESTORE: Shape = Shape { of: "`restore`", keys: &[] };
const MAX_PATHS: usize = 64;
const MAX_CODES: usize = 256;
const MAX_KEYS: usize = 64;
const WHEN: [(&str, StepWhen); 2] =
    [("on_success", StepWhen::OnSuccess), ("always", StepWhen::Always)];
/// The placeholders of the key of a cache; `hash:` goes on with the path of a file.
const PLACEHOLDERS: [&str; 4] = ["branch", "arch", "sha", "hash:FILE"];

pub fn step(node: &Node, errors: &mut Errors) -> Option<Step> {
    let entries = entries(node, errors)?;
    let mut known = Vec::new();
    for entry in &entries {
        match STEPS.keys.contains(&&*entry.key) {
            true => known.push(entry),
            false => errors.add(entry.at, unknown(&entry.key)),
        }
    }
    let [entry] = &known[..] else {
        // A key that is unknown was meant to be the kind.
        if known.len() > 1 || entries.is_empty() {
            let kinds = quoted(STEPS.keys.iter().copied());
            errors.add(node.at, format!("a step has one of {kinds}, not {}", known.len()));
        }
        return None;
    };
    let value = entry.value;
    match &*entry.key {
        "run" => run(value, errors).map(Step::Run),
        "save" => save(value, errors).map(Step::Save),
        "restore" => Fields::of(value, &RESTORE, errors).map(|_| Step::Restore {}),
        "save_cache" => save_cache(value, errors),
        _ => restore_cache(value, errors),
    }
}

fn unknown(key: &str) -> String {
    // What belongs to the long form of `run` is often written beside it.
    if LONG_RUN.keys.contains(&key) {
        return format!("`{key}` belongs into `run`: `run: {{ command: …, {key}: … }}`");
    }
    let begin = format!("`{key}` is no kind of step");
    match did_you_mean(key, STEPS.keys.iter().copied()) {
        Some(end) => format!("{begin}; {end}"),
        None => format!("{begin}; these are {}", quoted(STEPS.keys.iter().copied())),
    }
}

fn run(node: &Node, errors: &mut Errors) -> Option<RunStep> {
    if !matches!(node.value, Value::Map(_)) {
        let command = command(node, errors)?;
        let when = StepWhen::default();
        return Some(RunStep { command, timeout: None, when, allow_exit: Vec::new() });
    }
    let fields = Fields::of(node, &LONG_RUN, errors)?;
    let command = fields.required("command", errors, command);
    let timeout = fields.optional("timeout", errors, parsed);
    let when = fields.optional("when", errors, |node, errors| word(node, &WHEN, errors));
    let allow_exit = fields
        .optional("allow_exit", errors, |node, errors| list(node, MAX_CODES, errors, exit_code));
    Some(RunStep {
        command: command?,
        timeout: timeout?,
        when: when?.unwrap_or_default(),
        allow_exit: allow_exit?.unwrap_or_default(),
    })
}

fn command(node: &Node, errors: &mut Errors) -> Option<String> {
    let command = text(node, errors)?;
    if command.trim().is_empty() {
        errors.add(node.at, "an empty command");
        return None;
    }
    Some(command)
}

fn save(node: &Node, errors: &mut Errors) -> Option<SaveStep> {
    let fields = Fields::of(node, &PATHS, errors)?;
    Some(SaveStep { paths: fields.required("paths", errors, paths)? })
}

fn save_cache(node: &Node, errors: &mut Errors) -> Option<Step> {
    let fields = Fields::of(node, &SAVE_CACHE, errors)?;
    let key = fields.required("key", errors, cache_key);
    let paths = fields.required("paths", errors, paths);
    Some(Step::SaveCache { key: key?, paths: paths? })
}

fn restore_cache(node: &Node, errors: &mut Errors) -> Option<Step> {
    let fields = Fields::of(node, &RESTORE_CACHE, errors)?;
    let keys = fields
        .required("keys", errors, |node, errors| filled_list(node, MAX_KEYS, errors, cache_key))?;
    Some(Step::RestoreCache { keys })
}

fn paths(node: &Node, errors: &mut Errors) -> Option<Vec<String>> {
    filled_list(node, MAX_PATHS, errors, |item, errors| {
        let path = line(item, errors)?;
        if path.starts_with('/') || path.split('/').any(|part| part == "..") {
            errors.add(item.at, format!("`{path}` leaves the working folder"));
            return None;
        }
        Some(path)
    })
}

fn cache_key(node: &Node, errors: &mut Errors) -> Option<String> {
    let key = line(node, errors)?;
    let mut rest = &*key;
    while let Some((_, after)) = rest.split_once("${") {
        let Some((name, after)) = after.split_once('}') else {
            errors.add(node.at, "`${` without its `}`");
            return None;
        };
        let is_file = name.strip_prefix("hash:").is_some_and(|file| !file.is_empty());
        if !is_file && !PLACEHOLDERS[..3].contains(&name) {
            let known = quoted(PLACEHOLDERS);
            errors.add(node.at, format!("`{name}` is no placeholder; these are {known}"));
            return None;
        }
        rest = after;
    }
    Some(key)
}
