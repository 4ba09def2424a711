//! `drydock run check`: whether a file is right, and the graphs of its runs, without any service.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use drydock_api::runservice::types::{Condition, Conditions, Dependency, TaskSpec};
use drydock_api::when::{When, WhenConditions};
use drydock_runfile::{
    FileError, FileErrors, MAX_FILE_BYTES, RunDefinition, RunFile, levels, parse,
};
use serde_json::{Value, json};

use crate::cli::exit::Failure;
use crate::cli::output;

pub fn run(path: &Path, json: bool) -> Result<(), Failure> {
    match parse(&read(path)?) {
        Ok(file) if json => output::json(&described(&file)),
        Ok(file) => output::line(drawn(&file).trim_end()),
        Err(errors) => refuse(path, &errors, json),
    }
}

/// Reads the text of a file; `-` is stdin. Not more of it than any file may have.
pub fn read(path: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    // One byte more shows that a file is too long.
    let limit = MAX_FILE_BYTES as u64 + 1;
    let read = match path.as_os_str() == "-" {
        true => std::io::stdin().lock().take(limit).read_to_string(&mut text),
        false => std::fs::File::open(path).and_then(|it| it.take(limit).read_to_string(&mut text)),
    };
    read.map_err(|error| Failure::because(format!("`{}`", path.display()), error))?;
    Ok(text)
}

/// Shows what is wrong with a file, and fails.
pub fn refuse(path: &Path, errors: &FileErrors, json: bool) -> Result<(), Failure> {
    if json {
        let error = |error: &FileError| {
            let FileError { at, message } = error;
            json!({ "line": at.line, "column": at.column, "message": message })
        };
        let errors: Vec<_> = errors.iter().map(error).collect();
        output::json(&json!({ "errors": errors }))?;
    } else {
        for error in errors {
            output::note(format!("{}:{error}", path.display()));
        }
    }
    Err(Failure::Silent)
}

fn described(file: &RunFile) -> Value {
    let run = |(name, run): (&String, &RunDefinition)| {
        let specs = run.specs();
        let value = json!({
            "when": run.when,
            "on_newer": run.on_newer,
            "env": run.env,
            "levels": levels(&specs),
            "tasks": run.tasks,
        });
        (name.clone(), value)
    };
    let runs: BTreeMap<_, _> = file.runs.iter().map(run).collect();
    json!({ "runs": runs })
}

/// The graphs as text: a paragraph for each run, in it the tasks by levels.
fn drawn(file: &RunFile) -> String {
    let mut text = String::new();
    for (name, run) in &file.runs {
        text += &format!("run `{name}`{}\n", condition(run.when.as_ref()));
        let specs = run.specs();
        let width = specs.keys().map(|name| name.chars().count()).max().unwrap_or_default();
        for (nth, level) in levels(&specs).into_iter().enumerate() {
            for (place, name) in level.into_iter().enumerate() {
                let number = if place == 0 { (nth + 1).to_string() } else { String::new() };
                let after = after(&specs[name]) + &condition(run.tasks[name].when.as_ref());
                text += format!("{number:>4}  {name:width$}{after}").trim_end();
                text.push('\n');
            }
        }
        text.push('\n');
    }
    text
}

/// What a task comes after.
fn after(task: &TaskSpec) -> String {
    let mut edges = BTreeMap::new();
    for dependency in &task.depends {
        match dependency {
            Dependency::Name(name) => {
                edges.insert(&**name, String::new());
            }
            Dependency::Conditional(parents) => {
                edges.extend(parents.iter().map(|(name, conditions)| (&**name, words(conditions))));
            }
        }
    }
    if edges.is_empty() {
        return String::new();
    }
    let edges: Vec<_> = edges.into_iter().map(|(name, words)| format!("{name}{words}")).collect();
    format!("  after {}", edges.join(", "))
}

/// The conditions of an edge, unless it is the usual one.
fn words(conditions: &Conditions) -> String {
    let conditions = match conditions {
        Conditions::One(one) => std::slice::from_ref(one),
        Conditions::Any(any) => any,
    };
    if conditions == [Condition::OnSuccess] {
        return String::new();
    }
    let words: Vec<_> = conditions.iter().map(output::name).collect();
    format!(" ({})", words.join(" or "))
}

fn condition(when: Option<&When>) -> String {
    let Some(When { branch, tag, r#ref }) = when else { return String::new() };
    let of = |(name, when): (&str, &Option<WhenConditions>)| {
        let when = when.as_ref()?;
        let without = match when.exclude.is_empty() {
            true => String::new(),
            false => format!(" without {}", when.exclude.join(", ")),
        };
        let include = if when.include.is_empty() { "*" } else { &when.include.join(", ") };
        Some(format!("{name} {include}{without}"))
    };
    let parts = [("branch", branch), ("tag", tag), ("ref", r#ref)];
    let parts: Vec<_> = parts.into_iter().filter_map(of).collect();
    format!("  for {}", parts.join("; "))
}
