//! A run until its end: a live tree of its tasks on a terminal, a line for each change elsewhere.

use std::collections::BTreeMap;
use std::io::IsTerminal;

use drydock_api::names::TreeRef;
use drydock_api::runservice::types::RunView;
use drydock_core::env::{Clock, SystemClock};
use drydock_http::api::page::Consistency;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tokio::signal::ctrl_c;
use tokio::time::{Instant, sleep};

use super::retry::{Patience, pause};
use super::tree::{Row, placed, rows, state, succeeded, word};
use crate::cli::exit::Failure;
use crate::cli::objects::session::{Session, failed};
use crate::cli::output::{self, Tone};

/// The width of the longest word for a task's state.
const WORD: usize = 9;

/// Watches a run until its end, and shows how it ended. Fails if it did not succeed. Ctrl-C ends
/// the command, not the run.
pub async fn run(session: &Session, project: &TreeRef, number: u64) -> Result<(), Failure> {
    let ended = tokio::select! {
        ended = until_final(session, project, number) => ended?,
        interrupted = ctrl_c() => {
            interrupted.map_err(|error| Failure::because("signals cannot be watched", error))?;
            let which = format!("{project} {number}");
            output::note(format!(
                "run {number} goes on: `drydock run watch {which}` shows it, and `drydock run stop \
                 {which}` stops it"
            ));
            return Err(Failure::Interrupted);
        }
    };
    show(session, &ended)?;
    if succeeded(&ended) { Ok(()) } else { Err(Failure::Silent) }
}

/// Shows a run with its tasks.
pub fn show(session: &Session, run: &RunView) -> Result<(), Failure> {
    if session.is_json() {
        return session.show(run);
    }
    let (word, tone) = state(&run.run);
    let mut text = format!("{}: {}\n", title(run), output::toned(tone, &word));
    for error in &run.run.setup_errors {
        text += &format!("  {}\n", output::shown(error));
    }
    let rows = rows(run, SystemClock::default().wall());
    let width = rows.iter().map(|row| row.depth * 2 + row.name.len()).max().unwrap_or_default();
    for row in rows {
        let name = format!("{:indent$}{}", "", row.name, indent = row.depth * 2);
        let word = output::toned(row.tone, row.word);
        text += &format!("  {name:width$}  {word}");
        if !row.detail.is_empty() {
            let pad = WORD.saturating_sub(row.word.len());
            text += &format!("{:pad$}  {}", "", output::shown(&row.detail));
        }
        text.push('\n');
    }
    output::styled(text.trim_end())
}

fn title(run: &RunView) -> String {
    format!("run {} {}", run.run.number, output::shown(&run.run.name))
}

async fn until_final(
    session: &Session,
    project: &TreeRef,
    number: u64,
) -> Result<RunView, Failure> {
    let (runs, mut patience) = (session.gateway.runs(), Patience::default());
    let (begun, mut display) = (Instant::now(), Display::of(session));
    loop {
        let found = runs.run(&session.ctx, project, number, Consistency::Linearizable).await;
        match found {
            Ok(answer) => {
                patience.renew();
                display.update(&answer.body)?;
                if answer.body.run.phase.is_final() {
                    return Ok(answer.body);
                }
            }
            Err(error) => patience.endure(error, |text| display.note(text)).map_err(failed)?,
        }
        sleep(pause(begun)).await;
    }
}

/// How progress is shown.
enum Display {
    Tree(Box<Tree>),
    Lines(BTreeMap<String, String>),
    Nothing,
}

impl Display {
    fn of(session: &Session) -> Display {
        if session.is_json() {
            Display::Nothing
        } else if std::io::stderr().is_terminal() {
            Display::Tree(Box::default())
        } else {
            Display::Lines(BTreeMap::new())
        }
    }

    fn note(&self, text: String) {
        match self {
            Display::Tree(tree) => tree.bars.suspend(|| output::note(text)),
            Display::Lines(_) | Display::Nothing => output::note(text),
        }
    }

    fn update(&mut self, run: &RunView) -> Result<(), Failure> {
        match self {
            Display::Nothing => {}
            Display::Tree(tree) => tree.update(run),
            Display::Lines(known) => {
                for (name, state) in states(run) {
                    if known.get(&name) != Some(&state) {
                        output::line(format!("{name}: {state}"))?;
                        known.insert(name, state);
                    }
                }
            }
        }
        Ok(())
    }
}

/// The states of the run and of its tasks, of which each change is a line. How the run ended is
/// shown with everything else.
fn states(run: &RunView) -> Vec<(String, String)> {
    let mut states = Vec::new();
    if !run.run.phase.is_final() {
        states.push((title(run), state(&run.run).0));
    }
    for (_, task) in placed(run) {
        let reason = task.reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
        let attempt = task.attempt.as_ref().filter(|attempt| attempt.number > 1);
        let attempt = attempt.map(|it| format!(", attempt {}", it.number)).unwrap_or_default();
        states.push((task.name.to_string(), format!("{}{reason}{attempt}", word(task))));
    }
    states
}

/// The tree on stderr; it goes when it is dropped.
#[derive(Default)]
struct Tree {
    bars: MultiProgress,
    head: Option<ProgressBar>,
    tasks: BTreeMap<String, ProgressBar>,
}

impl Tree {
    fn update(&mut self, run: &RunView) {
        let bars = &self.bars;
        let new_bar = || bars.add(ProgressBar::new_spinner());
        let (word, tone) = state(&run.run);
        let head = self.head.get_or_insert_with(new_bar);
        head.set_style(style("{prefix}: ", tone));
        head.set_prefix(title(run));
        head.set_message(word);
        head.tick();
        let rows = rows(run, SystemClock::default().wall());
        let width = rows.iter().map(|row| row.depth * 2 + row.name.len()).max().unwrap_or_default();
        for Row { name, depth, word, tone, detail } in rows {
            let bar = self.tasks.entry(name.clone()).or_insert_with(new_bar);
            let spinner =
                if tone == Tone::Active { "  {prefix} {spinner} " } else { "  {prefix}   " };
            bar.set_style(style(spinner, tone));
            bar.set_prefix(format!("{:<width$}", format!("{:1$}{name}", "", depth * 2)));
            bar.set_message(format!("{word:<WORD$}  {}", output::shown(&detail)));
            bar.tick();
        }
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        // The same is printed once more, to stay.
        let _ = self.bars.clear();
    }
}

fn style(before: &str, tone: Tone) -> ProgressStyle {
    let colour = match tone {
        Tone::Good => "{wide_msg:.green}",
        Tone::Bad => "{wide_msg:.red}",
        Tone::Active => "{wide_msg:.yellow}",
        Tone::Quiet => "{wide_msg:.dim}",
    };
    ProgressStyle::with_template(&format!("{before}{colour}")).expect("the templates are ours")
}
