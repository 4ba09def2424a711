//! Starting a run from a file.

use std::collections::BTreeMap;

use drydock_api::gateway::endpoints::run::Create;
use drydock_api::gateway::types::StartRun;
use drydock_api::runservice::refusals::{InvalidField, TooManyQueuedRuns};
use drydock_api::runservice::types::{
    Group, MAX_ENVIRONMENT_BYTES, MAX_SETUP_ERROR, MAX_SETUP_ERRORS, MAX_TEXT, NewRun, RunView,
};
use drydock_api::runservice::validate::{invalid, text};
use drydock_core::error::ActionError;
use drydock_http::client::Answer;
use drydock_runfile::{EnvironmentValue, RunFile, SelectedRun};

use super::creator::{ADMIN_TOKEN, CREATOR, CREATOR_ID};
use super::environment::Values;
use super::group::Source;
use super::run::created;
use crate::auth::caller::Caller;
use crate::auth::require::Runs;
use crate::auth::{Permit, ProjectRuns};
use crate::errors;
use crate::errors::in_words;

/// The name of a run whose file names none that can be started.
const UNNAMED: &str = "run";
const NO_PATH: &str = "is too long, or has an empty part between two slashes";

/// A request whose fields are valid.
struct ValidStart {
    source: Source,
    annotations: BTreeMap<String, String>,
    definition: String,
    run: Option<String>,
}

/// Starts a run of a file. A file that cannot be run makes a run with its errors, so that the
/// person who pushed it sees them.
pub async fn start(
    permit: &Permit<Runs>,
    start: StartRun,
    key: Option<&str>,
) -> Result<Answer<RunView>, ActionError<Create>> {
    let start = check(start, &permit.caller)?;
    let runs = permit.runs::<Create>().await?;
    let group = start.source.group(runs.id());
    let group = group.map_err(|_| invalid(start.source.parts().0, NO_PATH))?;
    let new = match select(&start) {
        Ok((file, run)) => resolve(permit, &runs, &start, (&file, run)).await?,
        Err(errors) => with_errors(&start, errors),
    };
    let cache = start.source.caches(&runs.project.default_branch);
    let new = NewRun { cache: Some(cache), ..in_project(new, &runs, group, start.annotations) };
    let made = runs.runservice.create_run(&runs.ctx, &new, key).await;
    let own = [in_words::<TooManyQueuedRuns, _>("too many runs are queued already")];
    created(&runs, made.map_err(|error| errors::refused_by_runservice(error, own))?)
}

/// The run in its project. Its priority and its group are the gateway's to say, never the caller's.
fn in_project(
    new: NewRun,
    runs: &ProjectRuns,
    group: Group,
    annotations: BTreeMap<String, String>,
) -> NewRun {
    NewRun { project: Some(runs.id()), group: Some(group), annotations, priority: None, ..new }
}

/// The run of the file that is to be started, or everything that is wrong.
fn select(start: &ValidStart) -> Result<(RunFile, SelectedRun), Vec<String>> {
    let file = drydock_runfile::parse(&start.definition).map_err(|errors| errors.messages())?;
    let selected = file.select(start.run.as_deref(), start.source.names());
    let selected = selected.map_err(|error| vec![error.to_string()])?;
    Ok((file, selected))
}

/// The run with the values of its variables. Without one of them it makes a run with that error.
async fn resolve(
    permit: &Permit<Runs>,
    runs: &ProjectRuns,
    start: &ValidStart,
    (file, run): (&RunFile, SelectedRun),
) -> Result<NewRun, ActionError<Create>> {
    let needed = run.environment.variables();
    let values = Values::resolve(permit, runs, Some(&start.source), needed.into_iter()).await?;
    let environment = match run.environment.resolve(|name| values.get(name)) {
        Ok(environment) => environment,
        Err(missing) => return Ok(with_errors(start, vec![missing.to_string()])),
    };
    let bytes: usize = environment.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes > MAX_ENVIRONMENT_BYTES {
        let error = format!(
            "the environment has more than {MAX_ENVIRONMENT_BYTES} bytes with the values of its \
             variables"
        );
        return Ok(with_errors(start, vec![error]));
    }
    let env = file.runs.get(&run.name).map(|definition| &definition.env);
    let variables = env.into_iter().flatten().filter_map(|(name, value)| match value {
        EnvironmentValue::Variable(variable) => {
            Some((name.clone(), variable.from_variable.to_string()))
        }
        EnvironmentValue::Text(_) => None,
    });
    Ok(NewRun {
        variables: variables.collect(),
        name: Some(run.name),
        tasks: Some(run.tasks),
        on_newer: run.on_newer,
        fail_fast: run.fail_fast,
        environment,
        ..NewRun::default()
    })
}

fn with_errors(start: &ValidStart, errors: Vec<String>) -> NewRun {
    let errors = errors.into_iter().take(MAX_SETUP_ERRORS);
    let setup_errors = errors.map(|error| error.chars().take(MAX_SETUP_ERROR).collect()).collect();
    let name = start.run.clone().unwrap_or_else(|| UNNAMED.to_owned());
    NewRun { name: Some(name), setup_errors, ..NewRun::default() }
}

fn check(start: StartRun, caller: &Caller) -> Result<ValidStart, InvalidField> {
    let StartRun { branch, tag, r#ref, commit_sha, message, definition, run } = start;
    let source = match (branch, tag, r#ref) {
        (Some(branch), None, None) => Source::Branch(text("branch", branch)?),
        (None, Some(tag), None) => Source::Tag(text("tag", tag)?),
        (None, None, Some(of)) => Source::Ref(text("ref", of)?),
        _ => {
            return Err(invalid("branch", "or `tag` or `ref` must be given, and one of them only"));
        }
    };
    let (kind, name) = source.parts();
    let mut annotations = BTreeMap::from([(kind.to_owned(), name.to_owned())]);
    if let Some(sha) = commit_sha {
        let is_sha = (7..=64).contains(&sha.len()) && sha.bytes().all(|b| b.is_ascii_hexdigit());
        if !is_sha {
            return Err(invalid("commit_sha", "must have 7 to 64 hexadecimal digits"));
        }
        annotations.insert("commit_sha".to_owned(), sha);
    }
    if let Some(line) = message.as_deref().and_then(first_line) {
        annotations.insert("message".to_owned(), line);
    }
    let user = caller.user();
    let creator = user.map_or_else(|| ADMIN_TOKEN.to_owned(), |user| user.name.to_string());
    annotations.insert(CREATOR.to_owned(), creator);
    if let Some(user) = user {
        annotations.insert(CREATOR_ID.to_owned(), user.id.to_string());
    }
    let definition = definition.text();
    let definition =
        definition.ok_or_else(|| invalid("definition", "must be a text or an object"))?;
    let run = run.map(|run| text("run", run)).transpose()?;
    Ok(ValidStart { source, annotations, definition, run })
}

/// The line of a commit's message that people are shown.
fn first_line(message: &str) -> Option<String> {
    let line = message.lines().find(|line| !line.trim().is_empty())?;
    let shown = line.trim().chars().filter(|c| !c.is_control()).take(MAX_TEXT).collect::<String>();
    (!shown.is_empty()).then_some(shown)
}
