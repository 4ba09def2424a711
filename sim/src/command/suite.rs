//! Runs many plans and sums them up: the standard suite, and chosen scenarios.

use std::cell::Cell;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;

use drydock_core::env::{Clock, RngTree, SystemClock};
use drydock_harness::fleet::exit::{self, Failure};
use drydock_harness::fleet::output;
use drydock_harness::fleet::{self, FailureKind, Job, Plan as _};
use drydock_harness::report::{self, Tally, Verdict};
use indicatif::{ProgressBar, ProgressStyle};
use rand::RngExt;

use super::args::{RunArgs, Shard, SuiteArgs};
use super::{replay, shrink};
use crate::plan::{Fidelity, Plan};
use crate::run::probes;
use crate::scenario::{ALL, STEPS, Scenario};

/// Failures that are told in full.
const SHOWN_FAILURES: usize = 5;
/// Fresh seeds are small enough to be read out.
const MAX_SEED: u64 = 1_000_000_000;

/// The corpus, then fresh seeds over all scenarios until the time is over.
pub async fn standard(args: &SuiteArgs) -> Result<u8, Failure> {
    let corpus = corpus()?;
    let first = args.first_seed.unwrap_or_else(fresh_seed);
    let all: Vec<&Scenario> = ALL.iter().collect();
    let kept = corpus.len() as u64;
    let jobs = corpus.into_iter().chain(seeded(all, first..u64::MAX, args.fidelity));
    output::line(format_args!("seeds from {first} on, over {} scenarios", ALL.len()))?;
    // The corpus is run whatever the time.
    let bounds = Bounds {
        time: Some(args.time),
        regardless: kept,
        until_failure: false,
        steps: args.steps,
        shrink: !args.no_shrink,
    };
    suite(jobs, args.jobs, bounds).await
}

/// Chosen scenarios, seeds and parts.
pub async fn chosen(args: &RunArgs) -> Result<u8, Failure> {
    let scenarios = scenarios(&args.scenarios)?;
    let seeds = match (args.seed, &args.seeds, args.time) {
        (Some(seed), _, _) => seed..seed + 1,
        (None, Some(seeds), _) => seeds.clone(),
        (None, None, Some(_)) => fresh_seed()..u64::MAX,
        (None, None, None) => {
            return Err(Failure::Usage("give --seed, --seeds or --time".to_owned()));
        }
    };
    if seeds.is_empty() {
        let (first, last) = (seeds.start, seeds.end);
        return Err(Failure::Nothing(format!("there is no seed in `{first}..{last}`")));
    }
    let shard = args.shard.unwrap_or(Shard { number: 1, of: 1 });
    let mine = move |nth: &(u64, Job)| nth.0 % shard.of == shard.number - 1;
    let jobs = (0..).zip(seeded(scenarios, seeds, args.fidelity)).filter(mine);
    let bounds = Bounds {
        time: args.time,
        regardless: 0,
        until_failure: args.until_failure,
        steps: args.steps,
        shrink: !args.no_shrink,
    };
    suite(jobs.map(|(_, job)| job), args.jobs, bounds).await
}

/// When a suite begins nothing more, and what it does at its end.
struct Bounds {
    time: Option<Duration>,
    /// The first so many plans are run whatever the time.
    regardless: u64,
    until_failure: bool,
    /// Whether the table of code points is shown.
    steps: bool,
    /// Whether the first failing plan is made smaller.
    shrink: bool,
}

async fn suite(
    jobs: impl Iterator<Item = Job>,
    parallel: Option<usize>,
    bounds: Bounds,
) -> Result<u8, Failure> {
    let clock = SystemClock::default();
    let mut tally = Tally::new(probes::all().map(|(name, _)| name), STEPS.iter().copied());
    let mut shown = 0;
    let mut kept = Ok(());
    let mut started = 0;
    let bar = progress();
    let failed = Cell::new(false);
    let mut first = None;
    let more = || {
        started += 1;
        let in_time = bounds.time.is_none_or(|time| clock.monotonic() < time);
        let stopped = bounds.until_failure && failed.get();
        !stopped && (started <= bounds.regardless || in_time)
    };
    let parallel = parallel.unwrap_or_else(fleet::default_jobs);
    fleet::run_all(jobs, parallel, more, |job, outcome| {
        tally.add(&outcome);
        bar.set_message(format!("{} {}", outcome.scenario, outcome.seed));
        bar.inc(1);
        if outcome.verdict != Verdict::Fine {
            failed.set(true);
            if first.is_none() {
                first = FailureKind::of(&outcome).map(|kind| (job.clone(), kind));
            }
            match job.keep() {
                Ok(file) if shown < SHOWN_FAILURES => {
                    shown += 1;
                    let story = report::failure(&outcome, &file, replay::REPLAY);
                    let printed = bar.suspend(|| output::line(format_args!("{story}\n")));
                    if printed.is_err() {
                        kept = printed;
                    }
                }
                Ok(_) => {}
                Err(error) => kept = Err(error.into()),
            }
        }
    })
    .await?;
    bar.finish_and_clear();
    kept?;
    if let Some((job, kind)) = first.filter(|_| bounds.shrink) {
        shrink::shrink(&job, &kind, parallel, shrink::AFTER_A_SUITE).await?;
    }
    let Some(worst) = tally.worst else {
        return Err(Failure::Nothing("no plan fits the arguments".to_owned()));
    };
    if bounds.steps {
        output::line(format_args!("{}\n", tally.steps()))?;
    }
    output::line(tally.show(clock.monotonic().as_secs_f64()))?;
    Ok(exit::code(worst))
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

pub fn scenarios(names: &[String]) -> Result<Vec<&'static Scenario>, Failure> {
    let mut chosen = Vec::new();
    for name in names {
        if name == "all" {
            chosen.extend(ALL.iter());
            continue;
        }
        let scenario = Scenario::find(name);
        chosen.push(scenario.ok_or_else(|| {
            Failure::Usage(format!("there is no scenario `{name}`; `list` shows them"))
        })?);
    }
    Ok(chosen)
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

fn progress() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner();
    let style = ProgressStyle::with_template("{spinner} {pos} plans, {per_sec}, {elapsed}  {msg}");
    bar.set_style(style.expect("the template is valid"));
    bar
}
