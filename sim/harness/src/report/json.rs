//! Reports for programs: one JSON object a line, one for each run and one for all of them.

use std::path::Path;

use serde::Serialize;

use super::{Commands, Detail, FailedRun, Outcome, Summary, Tally, Verdict, Violation, failure};
use crate::fault::Hits;

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Line<'a> {
    Run {
        scenario: &'a str,
        seed: u64,
        verdict: Verdict,
        fingerprint: &'a str,
        events: u64,
        operations: u64,
        simulated_ms: u64,
        wall_ms: u64,
        checks: u64,
        not_decided: usize,
        /// Everything below is there only if the run failed.
        #[serde(skip_serializing_if = "Option::is_none")]
        failure: Option<Failed<'a>>,
    },
    Summary {
        #[serde(flatten)]
        numbers: Summary,
        exit_code: u8,
        failures: &'a [FailedRun],
    },
}

#[derive(Serialize)]
struct Failed<'a> {
    violations: &'a [Violation],
    pending: &'a [String],
    broken: Option<&'a str>,
    /// The faults that hit something.
    faults: Vec<&'a Hits>,
    plan: &'a Path,
    replay: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    open: Option<String>,
    story: String,
}

/// The line of a run. `plan` is the file of the plan of a run that failed, `commands` are those
/// that take it.
pub fn run(outcome: &Outcome, wall_ms: u64, plan: Option<&Path>, commands: Commands) -> String {
    let failure = plan.map(|plan| Failed {
        violations: &outcome.checks.violations,
        pending: &outcome.checks.pending,
        broken: outcome.broken.as_deref(),
        faults: outcome.faults.iter().filter(|fault| fault.hits > 0).collect(),
        plan,
        replay: commands.replay(plan),
        open: commands.open(plan),
        story: failure(outcome, plan, commands, Detail::Everything),
    });
    to_line(&Line::Run {
        scenario: &outcome.scenario,
        seed: outcome.seed,
        verdict: outcome.verdict,
        fingerprint: &outcome.fingerprint,
        events: outcome.events,
        operations: outcome.operations,
        simulated_ms: outcome.simulated_ms,
        wall_ms,
        checks: outcome.checks.counts.values().sum(),
        not_decided: outcome.checks.not_decided.len(),
        failure,
    })
}

/// The line of all runs.
pub fn summary(tally: &Tally, wall_seconds: f64, exit_code: u8) -> String {
    let numbers = tally.summary(wall_seconds);
    to_line(&Line::Summary { numbers, exit_code, failures: &tally.failed })
}

fn to_line(line: &Line<'_>) -> String {
    serde_json::to_string(line).expect("a report is plain data")
}
