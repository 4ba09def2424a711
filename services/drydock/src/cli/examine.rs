//! `drydock store inspect|gc|verify`: opens the store of a service that does not run.

use std::sync::Arc;

use comfy_table::{Table, presets};
use drydock_core::error::Chain;
use drydock_core::inspect::{Survey, Verdict};
use drydock_core::maintenance::ModeCell;
use drydock_core::read_model::{Fate, KeyCheck, Schema, Unchecked};
use drydock_core::store::{Store, StoreParts};
use drydock_runtime::Deps;
use serde_json::json;

use super::args::StoreAction;
use super::exit::Failure;
use super::{lineages, output, store};
use crate::config::stores::CoordinationKind;
use crate::config::{Config, Loaded};

/// The number of connections to the read model: this command reads from one task only.
const READERS: usize = 1;

pub async fn run(action: &StoreAction, config: Config, json: bool) -> Result<(), Failure> {
    let data_dir = config.data_dir.clone().ok_or_else(|| Loaded::missing("data_dir"))?;
    let embedded = config.coordination.kind == CoordinationKind::Embedded;
    if embedded && !data_dir.is_dir() {
        let why = format!("`{}` is not a data directory", data_dir.display());
        return Err(Failure::Failed(why.into()));
    }
    let opened = store::open(&config, READERS)?;
    let keys: Arc<dyn KeyCheck> = match store::encryption_keys(&config)? {
        Some(ring) => Arc::new(ring),
        None => Arc::new(Unchecked),
    };
    let schema = action.store().of.service.schema();
    let store = open(schema, &config, &opened.deps, &keys);
    let mut unsound = 0;
    match action {
        StoreAction::Inspect(_) => inspect(&store, json).await?,
        StoreAction::Gc { dry_run, .. } => collect(&store, *dry_run, json).await?,
        StoreAction::Verify(_) => unsound = verify(&store, schema.blobs.folders, json).await?,
        StoreAction::Recover { .. } => unreachable!("it needs no store that can be opened"),
    }
    match unsound {
        0 => Ok(()),
        1 => Err(Failure::Failed("1 finding".into())),
        many => Err(Failure::Failed(format!("{many} findings").into())),
    }
}

/// Opens the store without its loops: no background work runs.
pub fn open(
    schema: &'static Schema,
    config: &Config,
    deps: &Deps,
    keys: &Arc<dyn KeyCheck>,
) -> Store {
    let (store, _loops) = Store::new(StoreParts {
        cluster: config.cluster.clone(),
        schema,
        env: deps.env.clone(),
        coord: deps.coord.clone(),
        objects: deps.objects.clone(),
        settings: config.store.clone(),
        execution: deps.execution,
        scratch: deps.scratch_dir.clone(),
        mode: ModeCell::default(),
        key_check: keys.clone(),
    });
    store
}

async fn inspect(store: &Store, json: bool) -> Result<(), Failure> {
    let survey = store.survey().await;
    let survey = survey.map_err(|error| Failure::because("the store cannot be read", error))?;
    if json {
        return output::json(&survey);
    }
    show(&survey)
}

fn show(survey: &Survey) -> Result<(), Failure> {
    output::line(format!("service: {}", survey.service))?;
    match survey.head {
        Some(head) => output::line(format!("head: position {} of {}", head.position, head.lineage)),
        None => output::line(
            "head: none (the service was never started, or the coordination store was lost)",
        ),
    }?;
    let position = |at: Option<u64>| at.map_or("none".to_owned(), |at| format!("position {at}"));
    let checkpoint = survey.checkpoint.map(|checkpoint| checkpoint.position);
    output::line(format!("checkpoint: {}", position(checkpoint)))?;
    let archived = survey.archived.map(|archived| archived.position);
    output::line(format!("archived: {}", position(archived)))?;
    let log = survey.log;
    match (log.first, log.last) {
        (Some(first), Some(last)) => output::line(format!(
            "log: {} commits, {first} to {last}, {} bytes",
            log.commits, log.bytes
        )),
        _ => output::line("log: empty"),
    }?;
    match &survey.mode {
        Some(mode) => {
            let (name, by) = (output::name(&mode.mode), &mode.requested_by);
            output::line(format!("mode: {name} (generation {}), {by}", mode.generation))
        }
        None => output::line("mode: normal, never switched"),
    }?;
    if let Some(recovery) = survey.last_recovery {
        let (at, position) = (recovery.at, recovery.position);
        output::line(format!("recovered: {at}, up to position {position}"))?;
    }
    if let Some(writes) = survey.writes {
        output::line(format!("schema: version {} is written", writes.schema))?;
    }
    for instance in &survey.instances {
        let (state, seen) = (output::name(&instance.state), instance.seen_at);
        output::line(format!(
            "instance: {} at {}, schema {}, {state}, {seen}",
            instance.id, instance.address, instance.schema
        ))?;
    }
    for (task, holder) in &survey.tasks {
        output::line(format!("lock: {task} is held by {holder}"))?;
    }
    let mut sizes = Table::new();
    sizes.load_style(presets::NOTHING).set_header(["objects", "count", "bytes"]);
    for (kind, size) in &survey.objects {
        sizes.add_row([kind.clone(), size.count.to_string(), size.bytes.to_string()]);
    }
    output::line(sizes)?;
    output::line(lineages::table(&survey.lineages))
}

async fn collect(store: &Store, dry_run: bool, json: bool) -> Result<(), Failure> {
    let keys = match dry_run {
        true => store.garbage().await.map_err(|error| Failure::because("gc", error))?,
        false => store.sweep().await.map_err(|error| Failure::because("gc", error))?,
    };
    if json {
        let keys: Vec<_> = keys.iter().map(AsRef::<str>::as_ref).collect();
        let name = if dry_run { "garbage" } else { "deleted" };
        return output::json(&json!({ (name): keys }));
    }
    for key in &keys {
        output::line(key)?;
    }
    let done = if dry_run { "would delete" } else { "deleted" };
    output::line(format!("{done}: {} objects", keys.len()))
}

/// Verifies the store with these folders of blobs, and returns the number of findings.
async fn verify(store: &Store, folders: &[&str], json: bool) -> Result<usize, Failure> {
    let verdict = store.verify().await;
    let verdict = verdict.map_err(|error| {
        Failure::Failed(format!("the store cannot be verified: {}", Chain(&error)).into())
    })?;
    let Verdict { checked, findings, unnamed } = &verdict;
    if json {
        output::json(&verdict)?;
        return Ok(findings.len());
    }
    for finding in findings {
        output::line(format!("{}\n  {}\n  {}", finding.place, finding.problem, finding.meaning))?;
    }
    for blob in unnamed {
        if matches!(blob.fate, Fate::Garbage | Fate::Orphaned) {
            let (fate, place, bytes) = (output::name(&blob.fate), &blob.place, blob.bytes);
            output::line(format!("{fate}: {place}, {bytes} bytes"))?;
        }
    }
    output::line(format!(
        "checked: {} keys, {} commits, {} objects, {} bytes, {} states",
        checked.keys, checked.commits, checked.objects, checked.bytes, checked.states
    ))?;
    if !folders.is_empty() {
        let count = |fate| unnamed.iter().filter(|blob| blob.fate == fate).count();
        output::line(format!(
            "{}: {} named; not named: {} in progress, {} kept for other lineages, {} garbage, \
             {} orphaned",
            folders.join(", "),
            checked.blobs,
            count(Fate::InProgress),
            count(Fate::Kept),
            count(Fate::Garbage),
            count(Fate::Orphaned)
        ))?;
    }
    if findings.is_empty() {
        output::line("store: sound")?;
    }
    Ok(findings.len())
}
