//! What a person reads: the table of a suite, and the story of a failure.

use std::collections::BTreeMap;
use std::path::Path;

use comfy_table::Table;
use comfy_table::presets::NOTHING;

use super::{Outcome, Verdict};
use crate::fault::PointAct;

/// Lines of a fault story.
const STORY_LINES: usize = 10;
/// Outcomes of steps that no run has covered and that are named.
const UNTRIED_NAMED: usize = 6;
/// Pending things that are named.
const PENDING_LINES: usize = 5;

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
        }
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

    /// The table, what was never reached, and the line of numbers.
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
        let reached = |name: &&str| self.probes.get(*name).is_some_and(|count| *count > 0);
        let never = self.known_probes.iter().copied().filter(|name| !reached(name));
        let never: Vec<_> = never.collect();
        let checks: u64 = self.oracles.values().sum();
        let mut text = format!("{table}\n");
        if !never.is_empty() {
            text.push_str(&format!("never reached: {}\n", never.join(", ")));
        }
        let untried = self.untried();
        if !untried.is_empty() {
            let (some, all) = (untried.len(), self.known_steps.len() * StepOutcome::ALL.len());
            let named = untried.iter().take(UNTRIED_NAMED).cloned().collect::<Vec<_>>().join(", ");
            let more = if some > UNTRIED_NAMED { ", …" } else { "" };
            text.push_str(&format!(
                "steps: {some} of {all} outcomes never happened: {named}{more}\n"
            ));
        }
        if self.not_decided > 0 {
            let count = self.not_decided;
            text.push_str(&format!("not decided: {count} histories were too long to search\n"));
        }
        let simulated = self.simulated_ms as f64 / 1_000.0;
        text.push_str(&format!(
            "{} seeds in {wall_seconds:.1} s: {:.1} seeds/s, {simulated:.0} simulated seconds \
             ({:.0} per second of wall time), {checks} checks by {} oracles",
            self.runs,
            self.runs as f64 / wall_seconds,
            simulated / wall_seconds,
            self.oracles.len(),
        ));
        text
    }
}

impl Row {
    fn result(&self) -> String {
        if self.failures.is_empty() {
            return "ok".to_owned();
        }
        let failures = self.failures.iter();
        let parts = failures.map(|(verdict, count)| format!("{count} {}", word(*verdict)));
        parts.collect::<Vec<_>>().join(", ")
    }
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Fine => "ok",
        Verdict::Inert => "inert",
        Verdict::Stuck => "stuck",
        Verdict::Violated => "violated",
        Verdict::Broken => "simulator broken",
    }
}

/// What broke, the story of the faults, the plan's file, and the command that replays it.
/// `replay`: the command, without its argument.
pub fn failure(outcome: &Outcome, file: &Path, replay: &str) -> String {
    let mut text = format!("FAIL {} seed {}: ", outcome.scenario, outcome.seed);
    match outcome.verdict {
        Verdict::Broken => {
            let why = outcome.broken.as_deref().unwrap_or("it ended without a word");
            text.push_str(&format!("the simulator failed: {why}\n"));
        }
        Verdict::Inert => text.push_str("every fault of the plan hit nothing\n"),
        Verdict::Stuck => {
            text.push_str("after the faults, this did not come to an end:\n");
            for pending in outcome.checks.pending.iter().take(PENDING_LINES) {
                text.push_str(&format!("  {pending}\n"));
            }
        }
        Verdict::Violated | Verdict::Fine => {
            for violation in outcome.checks.violations.iter().take(1) {
                text.push_str(&format!("{}: {}\n", violation.oracle, violation.sentence));
                for fact in &violation.facts {
                    text.push_str(&format!("  {fact}\n"));
                }
            }
            let more = outcome.checks.violations.len().saturating_sub(1);
            if more > 0 {
                text.push_str(&format!("  and {more} more violations\n"));
            }
        }
    }
    let mut bit: Vec<_> = outcome.faults.iter().filter(|fault| fault.hits > 0).collect();
    bit.sort_by_key(|fault| fault.at_ms);
    for fault in bit.iter().take(STORY_LINES) {
        text.push_str(&format!("{}  (hit {})\n", fault.story, fault.hits));
    }
    let more = bit.len().saturating_sub(STORY_LINES);
    if more > 0 {
        text.push_str(&format!("  and {more} more faults\n"));
    }
    let file = file.display();
    text.push_str(&format!("plan: {file}\nreplay: {replay} {file}"));
    text
}
