//! A lock service, simulated with faults: `lock [--bug] SEEDS` runs the seeds from 0 on and keeps
//! the plan of the first failure, `lock FILE` replays it.

mod grants;
mod history;
mod plan;
mod service;
mod simulation;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::process::ExitCode;

use drydock_harness::fleet::{self, Job, Plan, exit, output};
use drydock_harness::report::{self, Commands, Detail, Outcome};
use drydock_harness::world::shim;

use crate::plan::LockPlan;

/// The exit codes are those of the harness.
fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let plans = match &arguments[..] {
        [bug, count] if bug == "--bug" => drawn(count, true),
        [argument] => drawn(argument, false).or_else(|_| {
            let plan = LockPlan::read(Path::new(argument))?;
            Ok(vec![Job::new(&plan, Some(argument.into()))])
        }),
        _ => Err(exit::Failure::Usage("say how many seeds, or which plan".to_owned())),
    };
    match plans.and_then(|plans| run_all(&plans)) {
        Ok(code) => code.into(),
        Err(failure) => {
            output::note(format_args!("error: {failure}"));
            failure.exit()
        }
    }
}

fn drawn(count: &str, has_bug: bool) -> Result<Vec<Job>, exit::Failure> {
    let count: u64 = count.parse().map_err(|_| exit::Failure::Usage(format!("`{count}`")))?;
    Ok((0..count).map(|seed| Job::new(&LockPlan::draw(seed, has_bug), None)).collect())
}

/// Runs plans until one fails; answers the exit code.
fn run_all(jobs: &[Job]) -> Result<u8, exit::Failure> {
    shim::check().map_err(|error| exit::Failure::Simulator(error.to_string()))?;
    for job in jobs {
        let outcome = run(&LockPlan::parse("a plan", &job.text)?);
        output::line(format_args!(
            "{}: {} events, {}",
            job.name(),
            outcome.events,
            outcome.fingerprint
        ))?;
        if exit::code(outcome.verdict) == exit::VIOLATED {
            let file = job.keep(&report::short(&outcome))?;
            output::line(report::failure(&outcome, &file, COMMANDS, Detail::Short))?;
            return Ok(exit::VIOLATED);
        }
    }
    Ok(exit::FINE)
}

/// No picture: an example writes no trace.
const COMMANDS: Commands = Commands { replay: "lock", open: None };

fn run(plan: &LockPlan) -> Outcome {
    fleet::alone(|| simulation::run(plan))
}
