//! Reports for GitHub Actions: annotations on standard output, and a page of the job.

use std::path::Path;

use super::{Outcome, Tally, headline};

/// The command that makes an annotation of a run that failed: a line for standard output.
pub fn annotation(outcome: &Outcome, story: &str) -> String {
    let title = format!("{} seed {}: {}", outcome.scenario, outcome.seed, headline(outcome));
    format!("::error title={}::{}", property(&title), data(story))
}

/// The page of a job, in Markdown.
pub fn page(tally: &Tally, wall_seconds: f64, never: &str, replay: &str) -> String {
    let mut page = String::from("## Simulation\n\n");
    if !tally.failed.is_empty() {
        page.push_str("| failed | what broke | replay |\n|---|---|---|\n");
        for failed in &tally.failed {
            let (scenario, seed, what) = (&failed.scenario, failed.seed, cell(&failed.what));
            let command = cell(&replay_of(&failed.file, replay));
            page.push_str(&format!("| {scenario}:{seed} | {what} | `{command}` |\n"));
        }
        page.push('\n');
    }
    page.push_str(&format!("```text\n{}\n{never}\n```\n", tally.show(wall_seconds)));
    page
}

fn replay_of(file: &Path, replay: &str) -> String {
    format!("{replay} {}", file.display())
}

/// A text in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}

/// A text as the message of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A text as a property of a command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
