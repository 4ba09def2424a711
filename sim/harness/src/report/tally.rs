//! The sum of many runs, and the table that a person reads at the end.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use serde::Serialize;

use super::failure::headline;
use super::{Outcome, Verdict};
use crate::fault::PointAct;

/// Outcomes of steps that no run has covered and that are named.
const UNTRIED_NAMED: usize = 6;

/// The sum of many runs.
pub struct Tally {
    /// All states worth reaching.
    known_probes: Vec<&'static str>,
    /// All points of the code that faults may strike at.
    known_steps: Vec<&'static str>,
    rows: BTreeMap<String, Row>,
    oracles: BTreeMap<String, u64>,
    probes: BTreeMap<String, u64>,
    steps: BTreeMap<String, BTreeMap<StepOutcome, u64>>,
    not_decided: u64,
    pub runs: u64,
    simulated_ms: u64,
    /// The gravest verdict.
    pub worst: Option<Verdict>,
    /// The runs that failed, in the order in which they ended.
    pub failed: Vec<FailedRun>,
}

/// What is left to say of a run that failed, once its story was told.
#[derive(Debug, Clone, Serialize)]
pub struct FailedRun {
    pub scenario: String,
    pub seed: u64,
    pub verdict: Verdict,
    /// One line: what broke.
    pub what: String,
    /// The plan.
    pub file: PathBuf,
}

/// What becomes of a process at a code point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum StepOutcome {
    Passed,
    Killed,
    Delayed,
    Failed,
}

impl StepOutcome {
    const ALL: [(StepOutcome, &str); 4] = [
        (StepOutcome::Passed, "passed"),
        (StepOutcome::Killed, "killed"),
        (StepOutcome::Delayed, "delayed"),
        (StepOutcome::Failed, "failed"),
    ];

    fn of(act: PointAct) -> StepOutcome {
        match act {
            PointAct::Kill => StepOutcome::Killed,
            PointAct::Delay => StepOutcome::Delayed,
            PointAct::Fail => StepOutcome::Failed,
        }
    }
}

#[derive(Default)]
struct Row {
    seeds: u64,
    faults: u64,
    bit: u64,
    probes: BTreeMap<String, u64>,
    failures: BTreeMap<Verdict, u64>,
}

impl Tally {
    pub fn new(
        probes: impl IntoIterator<Item = &'static str>,
        steps: impl IntoIterator<Item = &'static str>,
    ) -> Tally {
        Tally {
            known_probes: probes.into_iter().collect(),
            known_steps: steps.into_iter().collect(),
            rows: BTreeMap::new(),
            oracles: BTreeMap::new(),
            probes: BTreeMap::new(),
            steps: BTreeMap::new(),
            not_decided: 0,
            runs: 0,
            simulated_ms: 0,
            worst: None,
            failed: Vec::new(),
        }
    }

    /// Notes a run that failed, whose plan is in that file.
    pub fn add_failed(&mut self, outcome: &Outcome, file: PathBuf) {
        self.failed.push(FailedRun {
            scenario: outcome.scenario.clone(),
            seed: outcome.seed,
            verdict: outcome.verdict,
            what: headline(outcome),
            file,
        });
    }

    pub fn add(&mut self, outcome: &Outcome) {
        let row = self.rows.entry(outcome.scenario.clone()).or_default();
        row.seeds += 1;
        row.faults += outcome.faults.len() as u64;
        row.bit += outcome.faults.iter().filter(|fault| fault.hits > 0).count() as u64;
        if outcome.verdict != Verdict::Fine {
            *row.failures.entry(outcome.verdict).or_default() += 1;
        }
        for (name, count) in &outcome.probes {
            *row.probes.entry(name.clone()).or_default() += count;
            *self.probes.entry(name.clone()).or_default() += count;
        }
        for (name, count) in &outcome.checks.counts {
            *self.oracles.entry(name.clone()).or_default() += count;
        }
        for (step, count) in &outcome.points {
            let cells = self.steps.entry(step.clone()).or_default();
            *cells.entry(StepOutcome::Passed).or_default() += count;
        }
        for fault in &outcome.faults {
            if let Some((step, act)) = fault.step.as_ref().filter(|_| fault.hits > 0) {
                let cells = self.steps.entry(step.clone()).or_default();
                *cells.entry(StepOutcome::of(*act)).or_default() += fault.hits.min(1);
            }
        }
        self.not_decided += outcome.checks.not_decided.len() as u64;
        self.runs += 1;
        self.simulated_ms += outcome.simulated_ms;
        self.worst = self.worst.max(Some(outcome.verdict));
    }

    /// How often each outcome befell each step; the rows with empty cells first.
    pub fn steps(&self) -> String {
        let count = |step: &str, outcome| {
            self.steps.get(step).and_then(|cells| cells.get(&outcome)).copied().unwrap_or(0)
        };
        let mut rows: Vec<(usize, &str)> = self
            .known_steps
            .iter()
            .map(|step| {
                let full = StepOutcome::ALL.iter().filter(|(outcome, _)| count(step, *outcome) > 0);
                (full.count(), *step)
            })
            .collect();
        rows.sort_unstable();
        let mut table = Table::new();
        table.load_style(NOTHING);
        table.set_header(["step"].into_iter().chain(StepOutcome::ALL.map(|(_, name)| name)));
        for (_, step) in rows {
            let cells = StepOutcome::ALL.map(|(outcome, _)| match count(step, outcome) {
                0 => "-".to_owned(),
                count => count.to_string(),
            });
            table.add_row([step.to_owned()].into_iter().chain(cells));
        }
        table.to_string()
    }

    /// Steps and outcomes that no run has covered.
    fn untried(&self) -> Vec<String> {
        let cells = self.known_steps.iter().flat_map(|step| {
            StepOutcome::ALL.iter().filter_map(move |(outcome, name)| {
                let cells = self.steps.get(*step);
                let none = cells.is_none_or(|cells| !cells.contains_key(outcome));
                none.then(|| format!("{step} {name}"))
            })
        });
        cells.collect()
    }

    /// What no run has reached, for runs of everything: of a few scenarios it says nothing.
    pub fn never(&self) -> String {
        let reached = |name: &&str| self.probes.get(*name).is_some_and(|count| *count > 0);
        let never = self.known_probes.iter().copied().filter(|name| !reached(name));
        let never: Vec<_> = never.collect();
        let mut lines = Vec::new();
        if !never.is_empty() {
            lines.push(format!("never reached: {}", never.join(", ")));
        }
        let untried = self.untried();
        if !untried.is_empty() {
            let (some, all) = (untried.len(), self.known_steps.len() * StepOutcome::ALL.len());
            let named = untried.iter().take(UNTRIED_NAMED).cloned().collect::<Vec<_>>().join(", ");
            let more = if some > UNTRIED_NAMED { ", …" } else { "" };
            lines.push(format!("steps: {some} of {all} outcomes never happened: {named}{more}"));
        }
        lines.join("\n")
    }

    /// The table, a line for each run that failed, and the line of numbers.
    pub fn show(&self, wall_seconds: f64) -> String {
        let mut table = Table::new();
        table.load_style(NOTHING);
        table.set_header(["scenario", "seeds", "faults that bit", "probes", "result"]);
        for (name, row) in &self.rows {
            let reached = row.probes.values().filter(|count| **count > 0).count();
            table.add_row([
                name.clone(),
                row.seeds.to_string(),
                format!("{} of {}", row.bit, row.faults),
                format!("{reached} of {}", self.known_probes.len()),
                row.result(),
            ]);
        }
        let mut text = format!("{table}\n");
        if self.not_decided > 0 {
            let count = self.not_decided;
            text.push_str(&format!("not decided: {count} histories were too long to search\n"));
        }
        for FailedRun { scenario, seed, what, file, .. } in &self.failed {
            text.push_str(&format!("failed: {scenario}:{seed}: {what} ({})\n", file.display()));
        }
        text.push_str(&self.summary(wall_seconds).to_string());
        text
    }

    /// The numbers of all runs together.
    pub fn summary(&self, wall_seconds: f64) -> Summary {
        Summary {
            seeds: self.runs,
            failed: self.rows.values().flat_map(|row| row.failures.values()).sum(),
            wall_seconds,
            simulated_seconds: self.simulated_ms as f64 / 1_000.0,
            checks: self.oracles.values().sum(),
            oracles: self.oracles.len(),
            not_decided: self.not_decided,
        }
    }
}

/// The numbers of many runs.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Summary {
    pub seeds: u64,
    pub failed: u64,
    pub wall_seconds: f64,
    pub simulated_seconds: f64,
    /// The facts that oracles have looked at.
    pub checks: u64,
    pub oracles: usize,
    /// The histories that were too long to search.
    pub not_decided: u64,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Summary { seeds, wall_seconds, simulated_seconds, checks, oracles, .. } = self;
        write!(
            f,
            "{seeds} seeds in {wall_seconds:.1} s: {:.1} seeds/s, {simulated_seconds:.0} simulated \
             seconds ({:.0} per second of wall time), {checks} checks by {oracles} oracles",
            *seeds as f64 / wall_seconds,
            simulated_seconds / wall_seconds,
        )?;
        match self.failed {
            0 => Ok(()),
            failed => write!(f, ", {failed} failed"),
        }
    }
}

impl Row {
    fn result(&self) -> String {
        if self.failures.is_empty() {
            return "ok".to_owned();
        }
        let failures = self.failures.iter();
        let parts = failures.map(|(verdict, count)| format!("{count} {}", verdict.word()));
        parts.collect::<Vec<_>>().join(", ")
    }
}
