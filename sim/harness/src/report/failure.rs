//! The story of a run that failed, for a person.

use std::path::Path;

use super::{Outcome, Verdict};

/// Lines of a fault story.
const STORY_LINES: usize = 10;
/// Pending things that are named.
const PENDING_LINES: usize = 5;

/// The commands that take the plan of a run that failed, without their argument.
#[derive(Debug, Clone, Copy)]
pub struct Commands {
    pub replay: &'static str,
    /// Shows the picture, if there is one.
    pub open: Option<&'static str>,
}

impl Commands {
    pub(super) fn replay(self, file: &Path) -> String {
        format!("{} {}", self.replay, file.display())
    }

    pub(super) fn open(self, file: &Path) -> Option<String> {
        Some(format!("{} {}", self.open?, file.display()))
    }
}

/// How much of a failure is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// The first violation of each oracle, and the first faults.
    Short,
    Everything,
}

impl Detail {
    fn at_most(self, few: usize) -> usize {
        match self {
            Detail::Short => few,
            Detail::Everything => usize::MAX,
        }
    }
}

/// What broke, in one line.
pub fn headline(outcome: &Outcome) -> String {
    let text = match outcome.verdict {
        Verdict::Fine => "nothing broke".to_owned(),
        Verdict::Inert => "every fault of the plan hit nothing".to_owned(),
        Verdict::Broken => format!("the simulator failed: {}", why_broken(outcome)),
        Verdict::Stuck => {
            let first = outcome.checks.pending.first();
            format!("did not come to an end: {}", first.map_or("something", String::as_str))
        }
        Verdict::Violated => match outcome.checks.violations.first() {
            Some(violation) => format!("{}: {}", violation.oracle, violation.sentence),
            None => "an oracle is violated".to_owned(),
        },
    };
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What broke and the run's fingerprint, in two lines: what a plan's file keeps of it.
pub fn short(outcome: &Outcome) -> String {
    format!("{}\nfingerprint: {}", headline(outcome), outcome.fingerprint)
}

/// What broke, the story of the faults, the run's fingerprint, the plan's file, and the commands
/// that take it.
pub fn failure(outcome: &Outcome, file: &Path, commands: Commands, detail: Detail) -> String {
    let mut text = format!("FAIL {} seed {}: ", outcome.scenario, outcome.seed);
    match outcome.verdict {
        Verdict::Broken | Verdict::Inert => text.push_str(&format!("{}\n", headline(outcome))),
        Verdict::Stuck => {
            text.push_str("after the faults, this did not come to an end:\n");
            for pending in outcome.checks.pending.iter().take(detail.at_most(PENDING_LINES)) {
                text.push_str(&format!("  {pending}\n"));
            }
        }
        Verdict::Violated | Verdict::Fine => text.push_str(&violations(outcome, detail)),
    }
    let mut bit: Vec<_> = outcome.faults.iter().filter(|fault| fault.hits > 0).collect();
    bit.sort_by_key(|fault| fault.at_ms);
    for fault in bit.iter().take(detail.at_most(STORY_LINES)) {
        text.push_str(&format!("{}  (hit {})\n", fault.story, fault.hits));
    }
    let more = bit.len().saturating_sub(detail.at_most(STORY_LINES));
    if more > 0 {
        text.push_str(&format!("  and {more} more faults\n"));
    }
    if !outcome.fingerprint.is_empty() {
        text.push_str(&format!("fingerprint: {}\n", outcome.fingerprint));
    }
    text.push_str(&format!("plan: {}\nreplay: {}", file.display(), commands.replay(file)));
    if let Some(open) = commands.open(file) {
        text.push_str(&format!("\nopen: {open}"));
    }
    text
}

/// One violation of each oracle, or all of them: a misleading one hides no other.
fn violations(outcome: &Outcome, detail: Detail) -> String {
    let (mut text, mut told) = (String::new(), Vec::new());
    for violation in &outcome.checks.violations {
        if detail == Detail::Short && told.contains(&&violation.oracle) {
            continue;
        }
        told.push(&violation.oracle);
        text.push_str(&format!("{}: {}\n", violation.oracle, violation.sentence));
        for fact in &violation.facts {
            text.push_str(&format!("  {fact}\n"));
        }
    }
    let more = outcome.checks.violations.len() - told.len();
    if more > 0 {
        text.push_str(&format!("  and {more} more violations of these oracles (--verbose)\n"));
    }
    text
}

fn why_broken(outcome: &Outcome) -> &str {
    outcome.broken.as_deref().unwrap_or("it ended without a word")
}
