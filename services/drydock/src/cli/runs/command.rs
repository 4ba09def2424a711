//! The commands on runs and their caches that call a gateway.

use drydock_api::gateway::types::{
    Definition, ProjectRunsQuery, RestartRun, StartRun, TaskDecision,
};
use drydock_api::names::TreeRef;
use drydock_api::runservice::types::{Phase, RunSummary, RunView};
use drydock_api::when::RefNames;
use drydock_http::api::page::Consistency;
use drydock_runfile::parse;
use serde::Serialize;

use super::{check, logs, tree, watch};
use crate::cli::exit::Failure;
use crate::cli::objects::session::{Session, failed};
use crate::cli::run_args::{CacheAction, DecisionArgs, RunAction, RunRef, SourceArgs, StartArgs};

/// The greatest number of items of a page.
const PAGE: usize = 100;
const COLUMNS: [&str; 6] = ["number", "name", "source", "state", "queued_at", "ended_at"];
const CACHE_COLUMNS: [&str; 5] = ["id", "scope", "key", "size", "last_used_at"];

/// `drydock cache`.
pub async fn run_on_cache(session: Session, action: CacheAction) -> Result<(), Failure> {
    let (runs, ctx) = (session.gateway.runs(), &session.ctx);
    match action {
        CacheAction::List { project } => {
            let page = async |query| runs.caches(ctx, &project, &query).await;
            session.list(&session.all(page).await?, &CACHE_COLUMNS)
        }
        CacheAction::Delete { project, entry } => {
            runs.delete_cache(ctx, &project, entry).await.map_err(failed)?;
            session.done(format!("deleted cache entry `{entry}`"))
        }
    }
}

/// `drydock run`.
pub async fn run(session: Session, action: RunAction) -> Result<(), Failure> {
    let (runs, ctx) = (session.gateway.runs(), &session.ctx);
    match action {
        RunAction::Check { file } => check::run(&file, session.is_json()),
        RunAction::Start(args) => start(&session, args).await,
        RunAction::List { project, limit } => list(&session, &project, limit).await,
        RunAction::Show(RunRef { project, number }) => {
            let found = runs.run(ctx, &project, number, Consistency::Linearizable).await;
            watch::show(&session, &found.map_err(failed)?.body)
        }
        RunAction::Watch(RunRef { project, number }) => {
            watch::run(&session, &project, number).await
        }
        RunAction::Stop(RunRef { project, number }) => {
            runs.stop(ctx, &project, number).await.map_err(failed)?;
            session.done(format!("run {number} is to stop"))
        }
        RunAction::Cancel(RunRef { project, number }) => {
            runs.cancel(ctx, &project, number).await.map_err(failed)?;
            session.done(format!("cancelled run {number}"))
        }
        RunAction::Restart { run: RunRef { project, number }, from, wait } => {
            let from = RestartRun { from: from.into() };
            let made = runs.restart(ctx, &project, number, from, None).await.map_err(failed)?.body;
            show_new(&session, &project, &made, wait).await
        }
        RunAction::Logs(args) => logs::run(&session, args).await,
        RunAction::Approve(args) => {
            let DecisionArgs { run: RunRef { project, number }, task, comment } = args;
            let decision = TaskDecision { comment };
            runs.approve(ctx, &project, number, &task, &decision).await.map_err(failed)?;
            session.done(format!("approved task `{task}` of run {number}"))
        }
        RunAction::Refuse(args) => {
            let DecisionArgs { run: RunRef { project, number }, task, comment } = args;
            let decision = TaskDecision { comment };
            runs.refuse(ctx, &project, number, &task, &decision).await.map_err(failed)?;
            session.done(format!("refused task `{task}` of run {number}"))
        }
    }
}

/// Lists the newest runs.
async fn list(session: &Session, project: &TreeRef, limit: usize) -> Result<(), Failure> {
    let runs = session.gateway.runs();
    let mut items = Vec::new();
    let mut cursor = None;
    while items.len() < limit {
        let page = (limit - items.len()).min(PAGE).to_string();
        let (limit, order) = (Some(page), Some("desc".to_owned()));
        let query = ProjectRunsQuery { limit, cursor, order, ..ProjectRunsQuery::default() };
        let next = runs.list(&session.ctx, project, &query).await.map_err(failed)?;
        items.extend(next.items);
        cursor = next.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    if session.is_json() {
        return session.list(&items, &COLUMNS);
    }
    session.list(&items.iter().map(ListRow::of).collect::<Vec<_>>(), &COLUMNS)
}

/// A run in a list for people.
#[derive(Serialize)]
struct ListRow<'a> {
    number: u64,
    name: &'a str,
    /// `branch main`
    source: Option<String>,
    state: String,
    queued_at: String,
    ended_at: Option<String>,
}

impl ListRow<'_> {
    fn of(run: &RunSummary) -> ListRow<'_> {
        let source = |kind: &str| run.annotations.get(kind).map(|name| format!("{kind} {name}"));
        ListRow {
            number: run.number,
            name: &run.name,
            source: ["branch", "tag", "ref"].into_iter().find_map(source),
            state: tree::state(run).0,
            queued_at: tree::time(run.queued_at),
            ended_at: run.ended_at.map(tree::time),
        }
    }
}

/// Starts a run. Whoever has the file at hand is told at once what is wrong with it, while the
/// gateway stores that as a run.
async fn start(session: &Session, args: StartArgs) -> Result<(), Failure> {
    let StartArgs { project, source, file: path, run, commit, message, wait } = args;
    let SourceArgs { branch, tag, reference } = source;
    let text = check::read(&path)?;
    let file = match parse(&text) {
        Ok(file) => file,
        Err(errors) => return check::refuse(&path, &errors, session.is_json()),
    };
    let names =
        RefNames { branch: branch.as_deref(), tag: tag.as_deref(), r#ref: reference.as_deref() };
    let selected = file.select(run.as_deref(), names);
    selected.map_err(|error| Failure::because(format!("`{}`", path.display()), error))?;
    let start = StartRun {
        branch,
        tag,
        r#ref: reference,
        commit_sha: commit,
        message,
        definition: Definition::of_text(&text),
        run,
    };
    let runs = session.gateway.runs();
    let made = runs.start(&session.ctx, &project, &start, None).await.map_err(failed)?.body;
    show_new(session, &project, &made, wait).await
}

/// Shows a new run, or watches it to its end.
async fn show_new(
    session: &Session,
    project: &TreeRef,
    made: &RunView,
    wait: bool,
) -> Result<(), Failure> {
    if wait {
        return watch::run(session, project, made.run.number).await;
    }
    watch::show(session, made)?;
    match made.run.phase {
        Phase::SetupError => Err(Failure::Silent),
        _ => Ok(()),
    }
}
