//! Runs many plans and sums them up: the standard suite, and chosen scenarios.

use std::cell::Cell;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;

use drydock_core::env::{Clock, RngTree, SystemClock};
use drydock_harness::fleet::exit::{self, Failure};
use drydock_harness::fleet::{self, FailureKind, Job, Plan as _};
use drydock_harness::report::{Tally, Verdict};
use indicatif::{ProgressBar, ProgressStyle};
use rand::RngExt;

use super::args::{ReportArgs, RunArgs, Shard, SuiteArgs};
use super::report::{Reports, say};
use super::{open, replay, shrink};
use crate::plan::{Fidelity, Plan};
use crate::run::probes;
use crate::scenario::{ALL, STEPS, Scenario};

/// Fresh seeds are small enough to be read out.
const MAX_SEED: u64 = 1_000_000_000;

/// The corpus, then fresh seeds over all scenarios until the time is over.
pub async fn standard(args: &SuiteArgs) -> Result<u8, Failure> {
    let corpus = corpus()?;
    let first = args.first_seed.unwrap_or_else(fresh_seed);
    let all: Vec<&Scenario> = ALL.iter().collect();
    let kept = corpus.len() as u64;
    let jobs = corpus.into_iter().chain(seeded(all, first..u64::MAX, args.fidelity));
    let scenarios = ALL.len();
    say(args.report.format, format_args!("seeds from {first} on, over {scenarios} scenarios"))?;
    // The corpus is run whatever the time.
    let bounds = Bounds {
        time: Some(args.time),
        regardless: kept,
        until_failure: false,
        count: None,
        is_whole: true,
        report: &args.report,
    };
    suite(jobs, args.jobs, bounds).await
}

/// Chosen scenarios, seeds and parts.
pub async fn chosen(args: &RunArgs) -> Result<u8, Failure> {
    let is_single = |name: &&String| replay::scenario_and_seed(name).is_some();
    let (singles, names): (Vec<_>, Vec<_>) = args.scenarios.iter().partition(is_single);
    let scenarios = scenarios(&names)?;
    let seeds = match (args.seed, &args.seeds, args.time) {
        (Some(seed), _, _) => seed..seed + 1,
        (None, Some(seeds), _) => seeds.clone(),
        (None, None, _) if scenarios.is_empty() => 0..1,
        (None, None, Some(_)) => fresh_seed()..u64::MAX,
        (None, None, None) => {
            return Err(Failure::Usage("give --seed, --seeds or --time".to_owned()));
        }
    };
    if seeds.is_empty() {
        let (first, last) = (seeds.start, seeds.end);
        return Err(Failure::Nothing(format!("there is no seed in `{first}..{last}`")));
    }
    let all = (singles.len() as u64)
        .saturating_add((scenarios.len() as u64).saturating_mul(seeds.end - seeds.start));
    let singles = singles.into_iter().cloned().collect::<Vec<_>>();
    let singles = replay::jobs(&singles, args.fidelity)?;
    let shard = args.shard.unwrap_or(Shard { number: 1, of: 1 });
    let mine = move |nth: &(u64, Job)| nth.0 % shard.of == shard.number - 1;
    let seeded = seeded(scenarios, seeds, args.fidelity);
    let jobs = (0..).zip(singles.into_iter().chain(seeded)).filter(mine);
    let bounds = Bounds {
        time: args.time,
        regardless: 0,
        until_failure: args.until_failure,
        count: args.time.is_none().then(|| (all + shard.of - shard.number) / shard.of),
        is_whole: false,
        report: &args.report,
    };
    suite(jobs.map(|(_, job)| job), args.jobs, bounds).await
}

/// When a suite begins nothing more, and what it tells.
struct Bounds<'a> {
    time: Option<Duration>,
    /// The first so many plans are run whatever the time.
    regardless: u64,
    until_failure: bool,
    /// How many plans there are, if that is known.
    count: Option<u64>,
    /// Whether everything is to be reached.
    is_whole: bool,
    report: &'a ReportArgs,
}

async fn suite(
    jobs: impl Iterator<Item = Job>,
    parallel: Option<usize>,
    bounds: Bounds<'_>,
) -> Result<u8, Failure> {
    let clock = SystemClock::default();
    let tally = Tally::new(probes::all().map(|(name, _)| name), STEPS.iter().copied());
    let mut reports = Reports::new(bounds.report, tally, progress(bounds.count))?;
    let (mut told, mut started, mut first) = (Ok(()), 0, None);
    let (failed, interrupted) = (Cell::new(false), Cell::new(false));
    let more = || {
        started += 1;
        let in_time = bounds.time.is_none_or(|time| clock.monotonic() < time);
        let stopped = bounds.until_failure && failed.get();
        !stopped && (started <= bounds.regardless || in_time)
    };
    let stop = async {
        super::interrupted().await;
        interrupted.set(true);
    };
    let parallel = parallel.unwrap_or_else(fleet::default_jobs);
    fleet::run_all(jobs, parallel, more, stop, |job, outcome, wall| {
        if outcome.verdict != Verdict::Fine {
            failed.set(true);
            if first.is_none() {
                // One that did not come to its end in real time would not this time, either.
                let kind = FailureKind::of(&outcome).filter(|_| outcome.events > 0);
                first = kind.map(|kind| (job.clone(), kind));
            }
        }
        let wall_ms = u64::try_from(wall.as_millis()).unwrap_or(u64::MAX);
        if let Err(error) = reports.add(&job, &outcome, wall_ms) {
            told = Err(error);
        }
    })
    .await?;
    told?;
    if let Some((job, _)) = first.as_ref().filter(|_| !interrupted.get()) {
        let kept = tokio::select! {
            kept = open::keep_trace(job) => Some(kept?),
            () = super::interrupted() => None,
        };
        if let Some((trace, _)) = kept {
            reports.say(format_args!("trace of {}: {}", job.name(), trace.display()))?;
        }
    }
    let shrinks = !bounds.report.no_shrink && !interrupted.get();
    if let Some((job, kind)) = first.filter(|_| shrinks) {
        let say = |text: String| reports.say(text);
        tokio::select! {
            shrunk = shrink::shrink(&job, &kind, parallel, shrink::AFTER_A_SUITE, &say) => shrunk?,
            // The smallest plan so far is kept, and the suite is told as it is.
            () = super::interrupted() => {}
        }
    }
    let worst = reports.tally().worst;
    let code = match worst.map(exit::code) {
        None if interrupted.get() => return Ok(exit::INTERRUPTED),
        None => return Err(Failure::Nothing("no plan fits the arguments".to_owned())),
        Some(exit::FINE) if interrupted.get() => exit::INTERRUPTED,
        Some(code) => code,
    };
    reports.end(clock.monotonic().as_secs_f64(), bounds.is_whole, code)?;
    Ok(code)
}

/// Every scenario with the first seed, then every scenario with the next.
pub fn seeded(
    scenarios: Vec<&'static Scenario>,
    seeds: impl Iterator<Item = u64>,
    fidelity: Fidelity,
) -> impl Iterator<Item = Job> {
    seeds.flat_map(move |seed| {
        let plans = scenarios.iter().map(|scenario| scenario.plan(seed, fidelity));
        plans.map(|plan| Job::new(&plan, None)).collect::<Vec<_>>()
    })
}

fn scenarios(names: &[&String]) -> Result<Vec<&'static Scenario>, Failure> {
    let mut chosen = Vec::new();
    for name in names {
        if *name == "all" {
            chosen.extend(ALL.iter());
            continue;
        }
        let scenario = Scenario::find(name);
        chosen.push(scenario.ok_or_else(|| {
            Failure::Usage(format!("there is no scenario `{name}`; {}", hint(name)))
        })?);
    }
    Ok(chosen)
}

/// Which scenario may have been meant.
fn hint(name: &str) -> String {
    let distance = |it: &&Scenario| strsim::damerau_levenshtein(name, it.name);
    match ALL.iter().min_by_key(distance).filter(|it| distance(it) <= 1 + name.len() / 3) {
        Some(near) => format!("did you mean `{}`? `list` shows all", near.name),
        None => "`list` shows them".to_owned(),
    }
}

/// The plans that once failed, by name.
pub fn corpus() -> Result<Vec<Job>, Failure> {
    let folder = package_folder().join("corpus");
    let mut files = Vec::new();
    let entries = std::fs::read_dir(&folder).map_err(|error| {
        let place = folder.display();
        Failure::Usage(format!("the corpus is looked for in `{place}` of the repository: {error}"))
    })?;
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    files.sort();
    let job = |file: PathBuf| Ok(Job::new(&Plan::read(&file)?, Some(file)));
    files.into_iter().map(job).collect()
}

/// The folder of this package: cargo says where when it runs the binary.
pub fn package_folder() -> PathBuf {
    let said = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    said.filter(|folder| folder.ends_with("sim")).unwrap_or_else(|| PathBuf::from("sim"))
}

pub fn fresh_seed() -> u64 {
    RngTree::from_entropy().stream("seed").random_range(0..MAX_SEED)
}

/// `count`: how many plans there are, if that is known.
fn progress(count: Option<u64>) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let (bar, of) = match count {
        Some(count) => (ProgressBar::new(count), " of {len}"),
        None => (ProgressBar::new_spinner(), ""),
    };
    let template = format!("{{spinner}} {{pos}}{of} plans, {{per_sec}}, {{elapsed}}  {{msg}}");
    bar.set_style(ProgressStyle::with_template(&template).expect("the template is valid"));
    bar
}
