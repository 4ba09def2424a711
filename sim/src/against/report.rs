//! What a person reads of a run against a deployment.

use comfy_table::Table;
use comfy_table::presets::NOTHING;

use super::drive::Found;
use crate::check::ORACLES;
use crate::history::{Answer, Operation};

/// Violations that are told in full.
const SHOWN: usize = 5;
/// Pending things that are named.
const PENDING: usize = 5;

/// What broke, a line for each oracle, and a line of numbers.
pub fn show(found: &Found) -> String {
    let checks = &found.checks;
    let mut text = String::new();
    for violation in checks.violations.iter().take(SHOWN) {
        text.push_str(&format!("FAIL {}: {}\n", violation.oracle, violation.sentence));
        for fact in &violation.facts {
            text.push_str(&format!("  {fact}\n"));
        }
    }
    let more = checks.violations.len().saturating_sub(SHOWN);
    if more > 0 {
        text.push_str(&format!("and {more} more violations\n"));
    }
    if !checks.pending.is_empty() {
        text.push_str("FAIL after the load, this did not come to an end:\n");
    }
    for pending in checks.pending.iter().take(PENDING) {
        text.push_str(&format!("  {pending}\n"));
    }
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_header(["oracle", "checks", "result"]);
    for (oracle, _) in ORACLES {
        let count = checks.counts.get(*oracle).copied().unwrap_or(0);
        table.add_row([(*oracle).to_owned(), count.to_string(), result(found, oracle)]);
    }
    text.push_str(&format!("{table}\n"));
    let count = |wanted: &dyn Fn(&Operation) -> bool| {
        found.operations.iter().filter(|operation| wanted(operation)).count()
    };
    let refused = count(&|it| matches!(it.answer(), Some(Answer::Refused { .. })));
    text.push_str(&format!(
        "{} calls in {:.1} s: {} succeeded, {refused} refused, {} not sent, {} in doubt",
        found.operations.len(),
        found.took.as_secs_f64(),
        count(&|it| it.reply().is_some()),
        count(&|it| matches!(it.answer(), Some(Answer::NotSent(_)))),
        count(&|it| matches!(it.answer(), Some(Answer::Unknown(_)) | None)),
    ));
    text
}

fn result(found: &Found, oracle: &str) -> String {
    let checks = &found.checks;
    let violations = checks.violations.iter().filter(|violation| violation.oracle == oracle);
    let unjudged = checks.not_judged.iter().find(|(of, _)| of == oracle);
    let undecided = checks.not_decided.iter().filter(|(of, _)| of == oracle).count();
    match (violations.count(), unjudged) {
        (0, Some((_, why))) => format!("not judged: {why}"),
        (0, None) if undecided > 0 => format!("ok, {undecided} histories not decided"),
        (0, None) => "ok".to_owned(),
        (count, _) => format!("{count} violations"),
    }
}
