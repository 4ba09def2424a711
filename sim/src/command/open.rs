//! Makes the picture of a run.

use std::path::{Path, PathBuf};

use drydock_harness::fleet::exit::{FINE, Failure};
use drydock_harness::fleet::{self, ChildOptions, Job, output};
use drydock_harness::page::page;
use drydock_harness::record::Trace;
use drydock_harness::report::{Outcome, Verdict};

use super::replay;
use crate::plan::Fidelity;

#[derive(Debug, clap::Args)]
pub struct OpenArgs {
    /// A plan file, or `SCENARIO:SEED`: it is run once more.
    #[arg(required_unless_present = "trace", conflicts_with = "trace")]
    pub plan: Option<String>,
    /// Of a plan that is no file: those say themselves.
    #[arg(long, value_enum, default_value = "wire")]
    pub fidelity: Fidelity,
    /// Shows this trace, which `replay --trace` or a suite has written. Nothing is run.
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// Where the page is written to; by default beside the trace.
    #[arg(long, value_name = "FILE.html")]
    pub output: Option<PathBuf>,
}

/// What the file of a trace ends with.
const ENDING: &str = ".trace.jsonl";

pub async fn run(args: &OpenArgs) -> Result<u8, Failure> {
    let trace = match (&args.trace, &args.plan) {
        (Some(file), _) => file.clone(),
        (None, Some(plan)) => run_once_more(plan, args.fidelity).await?,
        (None, None) => unreachable!("one of both is required"),
    };
    let page = page(&Trace::read(&trace).map_err(|error| Failure::Usage(error.to_string()))?);
    let file = args.output.clone().unwrap_or_else(|| page_file(&trace));
    std::fs::write(&file, page).map_err(|error| {
        let file = file.display();
        Failure::Simulator(format!("the page `{file}` cannot be written: {error}"))
    })?;
    output::line(file.display())?;
    Ok(FINE)
}

async fn run_once_more(plan: &str, fidelity: Fidelity) -> Result<PathBuf, Failure> {
    let jobs = replay::jobs(&[plan.to_owned()], fidelity)?;
    let [job] = &*jobs else {
        return Err(Failure::Usage(format!("`{plan}` names `{}` plans, not one", jobs.len())));
    };
    let (trace, outcome) = keep_trace(job).await?;
    if outcome.verdict == Verdict::Broken {
        let why = outcome.broken.unwrap_or_default();
        output::note(format_args!("the simulator failed, the page ends there: {why}"));
    }
    Ok(trace)
}

/// Runs a plan and keeps its trace.
pub async fn keep_trace(job: &Job) -> Result<(PathBuf, Outcome), Failure> {
    let trace = trace_file(job)?;
    let options = ChildOptions { trace: Some(trace.clone()), ..ChildOptions::default() };
    let outcome = fleet::run_one(job, &options).await?;
    Ok((trace, outcome))
}

/// Where the trace of a plan is kept: where plans that failed are.
pub fn trace_file(job: &Job) -> std::io::Result<PathBuf> {
    let folder = Path::new("target").join("sim");
    std::fs::create_dir_all(&folder)?;
    let stem = job.file.as_deref().and_then(Path::file_stem);
    let name = stem.map_or(job.name(), |stem| stem.to_string_lossy().into_owned());
    Ok(folder.join(format!("{name}{ENDING}")))
}

fn page_file(trace: &Path) -> PathBuf {
    let name = trace.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = name.unwrap_or_default();
    let stem = name.strip_suffix(ENDING).or_else(|| name.strip_suffix(".jsonl")).unwrap_or(&name);
    trace.with_file_name(format!("{stem}.html"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_beside_its_trace() {
        let of = |trace: &str| page_file(Path::new(trace)).display().to_string();
        assert_eq!(of("target/sim/a-7.shrunk.trace.jsonl"), "target/sim/a-7.shrunk.html");
        assert_eq!(of("x.jsonl"), "x.html");
        assert_eq!(of("kept/trace"), "kept/trace.html");
    }
}
