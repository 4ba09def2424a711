//! Runs single plans and tells what happened.

use std::path::Path;

use drydock_harness::fleet::exit::{self, Failure};
use drydock_harness::fleet::output;
use drydock_harness::fleet::{self, ChildOptions, Job, Plan as _};
use drydock_harness::record::Trace;
use drydock_harness::report::{self, Commands, Detail, Verdict};

use super::args::ReplayArgs;
use super::child::log_filter;
use super::story;
use super::suite::seeded;
use crate::plan::{Fidelity, Plan};
use crate::scenario::{ALL, Scenario};

/// The commands that run a plan once more.
pub const COMMANDS: Commands =
    Commands { replay: "cargo sim replay", open: Some("cargo sim open") };

pub async fn run(args: &ReplayArgs) -> Result<u8, Failure> {
    let log = args.shown_log();
    if let Some(level) = &log {
        log_filter(level)?;
    }
    let jobs = jobs(&args.plans, args.fidelity)?;
    if args.trace.is_some() && jobs.len() != 1 {
        let count = jobs.len();
        return Err(Failure::Usage(format!("a trace is of one plan, and `{count}` are named")));
    }
    let mut worst = Verdict::Fine;
    for job in jobs {
        let (story, trace) = (tempfile::NamedTempFile::new()?, tempfile::NamedTempFile::new()?);
        let trace = match &args.trace {
            Some(file) => Some(file.as_path()),
            None => args.asks_for_causes().then(|| trace.path()),
        };
        let until = args.until.map(|until| until.as_millis());
        let options = ChildOptions {
            events: Some(story.path().to_owned()),
            trace: trace.map(Path::to_owned),
            until_ms: until.map(|ms| u64::try_from(ms).unwrap_or(u64::MAX)),
            log: log.clone(),
        };
        let outcome = fleet::run_one(&job, &options).await?;
        let story = std::fs::read_to_string(story.path())?;
        // A simulator that failed at once has written none.
        let trace = trace.filter(|_| args.asks_for_causes()).map(Trace::read);
        match trace.filter(|trace| trace.is_ok() || outcome.broken.is_none()) {
            Some(trace) => {
                let trace = trace.map_err(|error| Failure::Simulator(error.to_string()))?;
                story::of_trace(&trace, &story, args).iter().try_for_each(output::line)?;
            }
            None => story::of_events(&story, args).try_for_each(output::line)?,
        }
        let (name, fingerprint) = (job.name(), &outcome.fingerprint);
        output::line(format_args!("{name}: {} events, fingerprint {fingerprint}", outcome.events))?;
        if outcome.verdict != Verdict::Fine && args.until.is_none() {
            let file = job.keep(&report::short(&outcome))?;
            let detail = if args.verbose { Detail::Everything } else { Detail::Short };
            output::line(report::failure(&outcome, &file, COMMANDS, detail))?;
        }
        worst = worst.max(match args.until {
            Some(_) if outcome.verdict != Verdict::Broken => Verdict::Fine,
            _ => outcome.verdict,
        });
    }
    Ok(exit::code(worst))
}

/// What plan files, `SCENARIO:SEED` and bare seeds name.
pub fn jobs(named: &[String], fidelity: Fidelity) -> Result<Vec<Job>, Failure> {
    let mut jobs = Vec::new();
    for name in named {
        if let Ok(seed) = name.parse() {
            jobs.extend(seeded(ALL.iter().collect(), std::iter::once(seed), fidelity));
        } else if let Some((scenario, seed)) = scenario_and_seed(name) {
            jobs.push(Job::new(&scenario.plan(seed, fidelity), None));
        } else {
            let file = Path::new(name);
            let plan = Plan::read(file)?;
            jobs.push(Job::new(&plan, Some(file.to_owned())));
        }
    }
    Ok(jobs)
}

pub fn scenario_and_seed(name: &str) -> Option<(&'static Scenario, u64)> {
    let (scenario, seed) = name.rsplit_once(':')?;
    Some((Scenario::find(scenario)?, seed.parse().ok()?))
}
