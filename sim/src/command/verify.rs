//! Runs every plan twice, in two processes, and compares every event.

use drydock_harness::fleet::exit::{FINE, Failure, NOT_DETERMINISTIC};
use drydock_harness::fleet::output;
use drydock_harness::fleet::{self, ChildOptions, Job};

use super::args::VerifyArgs;
use super::suite::{fresh_seed, seeded};
use super::{replay, suite};
use crate::scenario::ALL;

/// Events shown before the first difference.
const SHOWN: usize = 10;

pub async fn run(args: &VerifyArgs) -> Result<u8, Failure> {
    let jobs = match args.plans.is_empty() {
        false => replay::jobs(&args.plans, args.fidelity)?,
        true => {
            let corpus = suite::corpus()?;
            let fresh = seeded(ALL.iter().collect(), fresh_seed().., args.fidelity);
            let count = usize::try_from(args.count).unwrap_or(usize::MAX);
            corpus.into_iter().chain(fresh).take(count).collect()
        }
    };
    if jobs.is_empty() {
        return Err(Failure::Nothing("no plan is named".to_owned()));
    }
    let count = jobs.len();
    for job in jobs {
        if let Some(difference) = twice(&job).await? {
            output::line(difference)?;
            let file = job.keep("not deterministic")?;
            output::line(format_args!("verify: cargo sim verify {}", file.display()))?;
            return Ok(NOT_DETERMINISTIC);
        }
    }
    output::line(format_args!("{count} plans ran twice, every event was the same"))?;
    Ok(FINE)
}

/// The first difference between two runs of a plan.
async fn twice(job: &Job) -> Result<Option<String>, Failure> {
    let folder = tempfile::tempdir()?;
    let paths = [folder.path().join("one"), folder.path().join("two")];
    let options =
        paths.clone().map(|path| ChildOptions { events: Some(path), ..ChildOptions::default() });
    let [one, two] = &options;
    let runs = (fleet::run_one(job, one), fleet::run_one(job, two));
    let (one, two) = tokio::join!(runs.0, runs.1);
    let (one, two) = (one?, two?);
    let name = job.name();
    if let Some(broken) = one.broken.as_ref().or(two.broken.as_ref()) {
        return Err(Failure::Simulator(format!("{name}: {broken}")));
    }
    if let Some(stuck) = [&one, &two].into_iter().find(|outcome| outcome.fingerprint.is_empty()) {
        let why = stuck.checks.pending.join(", ");
        return Err(Failure::Simulator(format!("{name} did not come to an end: {why}")));
    }
    let [first, second] = paths.map(std::fs::read_to_string);
    let (first, second) = (first?, second?);
    if one.fingerprint == two.fingerprint && first == second {
        output::line(format_args!("{name:<40} {} events, {}", one.events, one.fingerprint))?;
        return Ok(None);
    }
    let (first, second): (Vec<_>, Vec<_>) = (first.lines().collect(), second.lines().collect());
    let same = first.iter().zip(&second).take_while(|(a, b)| a == b).count();
    let mut text = format!("{name} is not deterministic, event {same} differs\n");
    for line in &first[same.saturating_sub(SHOWN)..same] {
        text.push_str(&format!("      {line}\n"));
    }
    for (label, lines) in [("one", &first), ("two", &second)] {
        for line in lines.iter().skip(same).take(3) {
            text.push_str(&format!("{label} > {line}\n"));
        }
    }
    Ok(Some(text))
}
