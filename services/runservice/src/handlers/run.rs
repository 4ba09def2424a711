use axum::extract::State;
use axum::response::Response;
use drydock_api::runservice::endpoints::run as failures;
use drydock_api::runservice::refusals::{InvalidField, RunNumberNotExist};
use drydock_api::runservice::types::{
    ApprovalBody, ByNumberQuery, CacheScopes, Group, MAX_ANNOTATIONS, MAX_CACHE_SCOPE,
    MAX_CACHE_SCOPES, MAX_ENVIRONMENT_BYTES, MAX_SETUP_ERROR, MAX_SETUP_ERRORS, NewRun, OnNewer,
    RestartFrom, RunId, RunSummary, RunsQuery, TaskName,
};
use drydock_api::runservice::validate::{invalid, required, text};
use drydock_core::error::ActionError;
use drydock_core::log::format::canonical;
use drydock_core::store::StoreTx;
use drydock_http::api::creation::{Created, Repeatable};
use drydock_http::api::page::{Cursor, ListQuery, Page, ReadQuery};
use drydock_http::api::precondition::etag;
use drydock_http::server::creation::Creation;
use drydock_http::server::error::OperationError;
use drydock_http::server::extract::{Json, Path, Query};
use drydock_http::server::reply;

use super::access::{Reader, Writer};
use super::creation::answer_creation;
use crate::action::run::{Environment, KeptTasks, New};
use crate::action::{approval, restart, run as action, state, stop, view};
use crate::engine::approval::{Decider, Decision};
use crate::engine::definition::check;
use crate::model;
use crate::state::App;

pub async fn list(
    reader: Reader<failures::List>,
    Query(query): Query<RunsQuery>,
) -> Result<axum::Json<Page<RunSummary>>, OperationError<failures::List>> {
    let list = ListQuery {
        limit: query.limit.clone(),
        cursor: query.cursor.clone(),
        order: query.order.clone(),
        consistency: query.consistency,
    };
    let filter = RunsQuery { limit: None, cursor: None, consistency: None, ..query.clone() };
    let page = list.page_of(&format!("runs {filter:?}"))?;
    let read = reader.read(list.reads(), move |tx| {
        let found = model::run::list(tx, &query, &page)?;
        Ok(page.cut(found, |run| Cursor::new(&model::run::sort_key(run.place), run.id.0)))
    });
    Ok(axum::Json(read.await?.map(|run| view::summary(&run))))
}

pub async fn create(
    writer: Writer<failures::Create>,
    creation: Creation<NewRun>,
) -> Result<Response, OperationError<failures::Create>> {
    let (settings, encryptor) = (writer.settings(), writer.encryptor());
    let mut new = creation.new;
    let environment = std::mem::take(&mut new.environment);
    check_environment(&environment)?;
    let repeatable = creation.repeatable.map(|it| without_values(it, &new)).transpose()?;
    let work = what(new)?;
    let work = move |tx: &mut StoreTx<'_>| {
        let run = match &work {
            Work::New(new) => {
                let none = KeptTasks::new();
                action::create(tx, &settings, &encryptor, new, &environment, &none)?
            }
            Work::Restart(run, from) => {
                restart::restart(tx, &settings, &encryptor, *run, *from, &environment)?
            }
        };
        let now = tx.now();
        let state = state::load_known(tx, run.id)?;
        let view = view::run(tx, &settings.pick, &state, now)?;
        Ok(Created::new(
            format!("/api/v1/runs/{}", run.id),
            etag(state.run.revision, &view),
            &view,
        )?)
    };
    answer_creation(writer, repeatable, work).await
}

/// Values of variables and the default branch may change between a request and its repetition,
/// which is the same request all the same: they are not part of its digest.
fn without_values(
    repeatable: Repeatable,
    new: &NewRun,
) -> Result<Repeatable, ActionError<failures::Create>> {
    let new = NewRun { cache: None, ..new.clone() };
    let digest = blake3::hash(canonical(&new)?.get().as_bytes()).to_hex().to_string();
    Ok(Repeatable { digest, ..repeatable })
}

pub async fn get(
    State(app): State<App>,
    reader: Reader<failures::Get>,
    Path(run): Path<RunId>,
    Query(query): Query<ReadQuery>,
) -> Result<Response, OperationError<failures::Get>> {
    let (settings, now) = (app.service.settings.pick.clone(), app.context.env.now());
    let read = reader.read(query.reads(), move |tx| {
        let state = state::load(tx, run)?;
        let view = view::run(tx, &settings, &state, now)?;
        Ok((etag(state.run.revision, &view), view))
    });
    let (tag, view) = read.await?;
    Ok(reply::ok(&tag, &view))
}

pub async fn by_number(
    State(app): State<App>,
    reader: Reader<failures::ByNumber>,
    Query(query): Query<ByNumberQuery>,
) -> Result<Response, OperationError<failures::ByNumber>> {
    let (settings, now) = (app.service.settings.pick.clone(), app.context.env.now());
    let reads = ReadQuery { consistency: query.consistency }.reads();
    let read = reader.read(reads, move |tx| {
        let found = model::run::by_number(tx, query.project, query.number)?;
        let run = found.ok_or(RunNumberNotExist(query.number))?;
        let state = state::load_known(tx, run.id)?;
        let view = view::run(tx, &settings, &state, now)?;
        Ok((etag(state.run.revision, &view), view))
    });
    let (tag, view) = read.await?;
    Ok(reply::ok(&tag, &view))
}

pub async fn cancel(
    writer: Writer<failures::Cancel>,
    Path(run): Path<RunId>,
) -> Result<Response, OperationError<failures::Cancel>> {
    let engine = writer.settings().engine;
    writer.transact(move |tx| stop::cancel(tx, &engine, run)).await?;
    Ok(reply::no_content())
}

pub async fn stop(
    writer: Writer<failures::Stop>,
    Path(run): Path<RunId>,
) -> Result<Response, OperationError<failures::Stop>> {
    let engine = writer.settings().engine;
    writer.transact(move |tx| stop::stop(tx, &engine, run)).await?;
    Ok(reply::no_content())
}

pub async fn approve(
    writer: Writer<failures::Approve>,
    Path((run, task)): Path<(RunId, TaskName)>,
    Json(body): Json<ApprovalBody>,
) -> Result<Response, OperationError<failures::Approve>> {
    let (engine, decider) = (writer.settings().engine, decider(body)?);
    let decide = writer
        .transact(move |tx| approval::decide(tx, &engine, run, &task, Decision::Approve, &decider));
    decide.await?;
    Ok(reply::no_content())
}

pub async fn refuse(
    writer: Writer<failures::Refuse>,
    Path((run, task)): Path<(RunId, TaskName)>,
    Json(body): Json<ApprovalBody>,
) -> Result<Response, OperationError<failures::Refuse>> {
    let (engine, decider) = (writer.settings().engine, decider(body)?);
    let decide = writer
        .transact(move |tx| approval::decide(tx, &engine, run, &task, Decision::Refuse, &decider));
    decide.await?;
    Ok(reply::no_content())
}

fn decider(body: ApprovalBody) -> Result<Decider, InvalidField> {
    let comment = body.comment.map(|comment| text("comment", comment)).transpose()?;
    Ok(Decider { approver: text("approver", body.approver)?, comment })
}

/// What a creation asks for.
enum Work {
    New(Box<New>),
    Restart(RunId, RestartFrom),
}

fn what(new: NewRun) -> Result<Work, InvalidField> {
    let Some(run) = new.restart_of else { return Ok(Work::New(Box::new(new_run(new)?))) };
    let from = required("from", new.from)?;
    let plain = NewRun { restart_of: new.restart_of, from: new.from, ..NewRun::default() };
    match new == plain {
        true => Ok(Work::Restart(run, from)),
        false => Err(invalid("restart_of", "takes no other fields than `from` and `environment`")),
    }
}

fn new_run(new: NewRun) -> Result<New, InvalidField> {
    if new.from.is_some() {
        return Err(invalid("from", "is for a restart only"));
    }
    let project = required("project", new.project)?;
    let group = new.group.unwrap_or_else(|| Group::of_project(project));
    if group.project() != project {
        return Err(invalid("group", "is another project's"));
    }
    if new.annotations.len() > MAX_ANNOTATIONS {
        return Err(invalid("annotations", "has too many entries"));
    }
    for (key, value) in &new.annotations {
        text("annotations", key.clone())?;
        text("annotations", value.clone())?;
    }
    let priority = new.priority.unwrap_or(0);
    if !(-100..=100).contains(&priority) {
        return Err(invalid("priority", "is −100 to 100"));
    }
    let (tasks, errors) = (new.tasks, new.setup_errors);
    let definition = match errors.is_empty() {
        true => check(&required("tasks", tasks)?)
            .map_err(|errors| errors.iter().map(ToString::to_string).collect()),
        false if tasks.is_some() => {
            return Err(invalid("setup_errors", "is in the place of `tasks`"));
        }
        false => Err(checked_errors(errors)?),
    };
    for (name, variable) in &new.variables {
        text("variables", name.clone())?;
        text("variables", variable.clone())?;
    }
    Ok(New {
        project,
        group,
        name: text("name", required("name", new.name)?)?,
        definition,
        variables: new.variables,
        annotations: new.annotations,
        cache: new.cache.map(scopes).transpose()?,
        on_newer: new.on_newer.unwrap_or(OnNewer::Queue),
        fail_fast: new.fail_fast,
        priority,
        restart_of: None,
    })
}

fn scopes(cache: CacheScopes) -> Result<CacheScopes, InvalidField> {
    if cache.read.len() > MAX_CACHE_SCOPES {
        return Err(invalid("cache", "has too many scopes"));
    }
    let fits = |scope: &String| {
        let length = scope.chars().count();
        (1..=MAX_CACHE_SCOPE).contains(&length) && !scope.chars().any(char::is_control)
    };
    match cache.read.iter().chain(&cache.write).all(fits) {
        true => Ok(cache),
        false => Err(invalid("cache", "has a scope that is empty or no short line")),
    }
}

fn checked_errors(errors: Vec<String>) -> Result<Vec<String>, InvalidField> {
    if errors.len() > MAX_SETUP_ERRORS {
        return Err(invalid("setup_errors", "has too many entries"));
    }
    let fits = |error: &String| (1..=MAX_SETUP_ERROR).contains(&error.chars().count());
    match errors.iter().all(fits) {
        true => Ok(errors),
        false => Err(invalid("setup_errors", "has an entry that is empty or too long")),
    }
}

fn check_environment(environment: &Environment) -> Result<(), InvalidField> {
    let bytes: usize = environment.iter().map(|(key, value)| key.len() + value.len()).sum();
    let is_name = |name: &String| {
        let inner = |c: char| c.is_ascii_alphanumeric() || c == '_';
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.chars().all(inner)
    };
    if bytes > MAX_ENVIRONMENT_BYTES {
        return Err(invalid("environment", "is too large"));
    }
    match environment.keys().all(is_name) {
        true => Ok(()),
        false => Err(invalid("environment", "has a name that no variable can have")),
    }
}
