//! Runs single plans and tells what happened.

use std::path::Path;

use super::args::ReplayArgs;
use super::suite::seeded;
use crate::exit::{self, Failure};
use crate::fleet::{self, ChildOptions, Job};
use crate::outcome::Verdict;
use crate::plan::{Fidelity, Plan};
use crate::report;
use crate::scenario::{ALL, Scenario};

pub async fn run(args: &ReplayArgs) -> Result<u8, Failure> {
    let mut worst = Verdict::Fine;
    for job in jobs(&args.plans, args.fidelity)? {
        let story = tempfile::NamedTempFile::new()?;
        let until = args.until.map(|until| until.as_millis());
        let options = ChildOptions {
            events: Some(story.path().to_owned()),
            until_ms: until.map(|ms| u64::try_from(ms).unwrap_or(u64::MAX)),
            log: args.log.clone(),
        };
        let outcome = fleet::run_one(&job.plan, &options).await?;
        anstream::print!("{}", std::fs::read_to_string(story.path())?);
        let (name, fingerprint) = (job.plan.name(), &outcome.fingerprint);
        anstream::println!("{name}: {} events, fingerprint {fingerprint}", outcome.events);
        if outcome.verdict != Verdict::Fine && args.until.is_none() {
            let file = report::keep(&job)?;
            anstream::println!("{}", report::failure(&outcome, &file));
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
            let plan = scenario.plan(seed, fidelity);
            jobs.push(Job { plan, file: None });
        } else {
            let file = Path::new(name);
            let plan = Plan::read(file)?;
            jobs.push(Job { plan, file: Some(file.to_owned()) });
        }
    }
    Ok(jobs)
}

fn scenario_and_seed(name: &str) -> Option<(&'static Scenario, u64)> {
    let (scenario, seed) = name.rsplit_once(':')?;
    Some((Scenario::find(scenario)?, seed.parse().ok()?))
}
