//! Makes a failing plan smaller, and keeps the result as a plan file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use drydock_core::env::{Clock, SystemClock};
use drydock_harness::fleet::exit::{self, Failure};
use drydock_harness::fleet::output;
use drydock_harness::fleet::{self, ChildOptions, FailureKind, Job, Plan as _, Trial};
use drydock_harness::report::{self, Detail};

use super::args::ShrinkArgs;
use super::{open, replay};
use crate::plan::Plan;

/// What a suite spends on its first failure.
pub const AFTER_A_SUITE: Duration = Duration::from_secs(20);

/// Shrinks each plan that is named.
pub async fn run(args: &ShrinkArgs) -> Result<u8, Failure> {
    let parallel = args.jobs.unwrap_or_else(fleet::default_jobs);
    let mut code = exit::FINE;
    for job in replay::jobs(&args.plans, args.fidelity)? {
        let outcome = fleet::run_one(&job, &ChildOptions::default()).await?;
        let Some(kind) = FailureKind::of(&outcome) else {
            output::line(format_args!(
                "{}: does not fail, there is nothing to shrink",
                job.name()
            ))?;
            continue;
        };
        code = code.max(exit::code(outcome.verdict));
        let say = |text: String| output::line(text);
        shrink(&job, &kind, parallel, args.time, &say).await?;
    }
    Ok(code)
}

/// Shrinks one failing plan for at most `time`; says what is left and where it is kept.
pub async fn shrink(
    job: &Job,
    kind: &FailureKind,
    parallel: usize,
    time: Duration,
    say: &dyn Fn(String) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let plan = Plan::parse(&job.name(), &job.text)?;
    let clock = SystemClock::default();
    say(format!("shrinking {}: {}", job.name(), size(&plan)))?;
    let file = result_file(job)?;
    let mut search = Search { kind, parallel, clock: &clock, time, file, tried: 0 };
    let smallest = fleet::shrink(plan, &mut search).await?;
    let Search { file, tried, .. } = search;
    std::fs::write(&file, smallest.to_toml())?;
    let job = Job::new(&smallest, Some(file.clone()));
    let (trace, outcome) = open::keep_trace(&job).await?;
    let seconds = clock.monotonic().as_secs_f64();
    say(format!("shrunk in {seconds:.1} s, {tried} plans tried: {}", size(&smallest)))?;
    let story = report::failure(&outcome, &file, replay::COMMANDS, Detail::Short);
    say(format!("{story}\ntrace: {}\n", trace.display()))
}

/// Beside the plan's own file in `target/sim`, if it comes from elsewhere.
fn result_file(job: &Job) -> std::io::Result<PathBuf> {
    let folder = Path::new("target").join("sim");
    std::fs::create_dir_all(&folder)?;
    let stem = job.file.as_deref().and_then(Path::file_stem);
    let name = stem.map_or(job.name(), |stem| stem.to_string_lossy().into_owned());
    let name = name.strip_suffix(".shrunk").unwrap_or(&name);
    Ok(folder.join(format!("{name}.shrunk.toml")))
}

/// What a reader of a plan has to go through.
fn size(plan: &Plan) -> String {
    format!(
        "{} faults, {} operator steps, {} clients with {} kinds of operations, {} instances, {} s",
        plan.faults.len(),
        plan.operator.len(),
        plan.topology.clients,
        plan.workload.weights.len() + plan.workload.gateway.len(),
        plan.topology.instance_hosts().count(),
        plan.load_ms as f64 / 1000.0,
    )
}

struct Search<'a> {
    kind: &'a FailureKind,
    parallel: usize,
    clock: &'a SystemClock,
    time: Duration,
    file: PathBuf,
    tried: usize,
}

impl Trial<Plan> for Search<'_> {
    fn width(&self) -> usize {
        self.parallel
    }

    fn goes_on(&self) -> bool {
        self.clock.monotonic() < self.time
    }

    async fn fail(&mut self, plans: &[Plan]) -> Result<Vec<bool>, Failure> {
        self.tried += plans.len();
        let jobs: Vec<_> = plans.iter().map(|plan| Job::new(plan, None)).collect();
        let options = ChildOptions::default();
        let runs = jobs.iter().map(|job| fleet::run_one(job, &options));
        let outcomes = futures_util::future::try_join_all(runs).await?;
        Ok(outcomes.iter().map(|outcome| self.kind.is_shown_by(outcome)).collect())
    }

    /// The file always holds the smallest plan so far: a search that is interrupted loses nothing.
    fn found(&mut self, plan: &Plan) -> Result<(), Failure> {
        Ok(std::fs::write(&self.file, plan.to_toml())?)
    }
}
