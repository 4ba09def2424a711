//! Where what a suite has to say goes: to people, programs, test reports and pages of a CI system.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use drydock_harness::fleet::exit::Failure;
use drydock_harness::fleet::{Job, output};
use drydock_harness::report::{self, Detail, Outcome, Tally, Verdict, github, json, junit};
use indicatif::ProgressBar;

use super::args::{Format, ReportArgs};
use super::replay::COMMANDS;

/// Failures that are told in full; all are named at the end.
const SHOWN_FAILURES: usize = 5;
/// The file that the page of a job is added to.
const PAGE: &str = "GITHUB_STEP_SUMMARY";

/// The reports of one suite.
pub struct Reports<'a> {
    args: &'a ReportArgs,
    tally: Tally,
    junit: Option<(PathBuf, junit::Junit)>,
    bar: ProgressBar,
    shown: usize,
}

impl<'a> Reports<'a> {
    /// # Errors
    /// Where a report is to be written and cannot be: better now than after an hour.
    pub fn new(args: &'a ReportArgs, tally: Tally, bar: ProgressBar) -> Result<Self, Failure> {
        let junit = match &args.junit {
            Some(file) => {
                create(file)?;
                Some((file.clone(), junit::Junit::default()))
            }
            None => None,
        };
        Ok(Reports { args, tally, junit, bar, shown: 0 })
    }

    /// Says something that is no part of a report.
    pub fn say(&self, text: impl std::fmt::Display) -> Result<(), Failure> {
        say(self.args.format, text)
    }

    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Takes a run: keeps the plan of one that failed, and tells it.
    pub fn add(&mut self, job: &Job, outcome: &Outcome, wall_ms: u64) -> Result<(), Failure> {
        self.tally.add(outcome);
        let file = match outcome.verdict {
            Verdict::Fine => None,
            _ => Some(job.keep(&report::short(outcome))?),
        };
        if let Some(file) = &file {
            self.tally.add_failed(outcome, file.clone());
        }
        let story = |detail| Some(report::failure(outcome, file.as_deref()?, COMMANDS, detail));
        if let Some((_, junit)) = &mut self.junit {
            junit.add(outcome, wall_ms, story(Detail::Everything));
        }
        let failed = self.tally.failed.len();
        let failed = if failed > 0 { format!(", {failed} failed") } else { String::new() };
        self.bar.set_message(format!("{} {}{failed}", outcome.scenario, outcome.seed));
        self.bar.inc(1);
        let detail = if self.args.verbose { Detail::Everything } else { Detail::Short };
        match (self.args.format, story(detail)) {
            (Format::Json, _) => {
                output::line(json::run(outcome, wall_ms, file.as_deref(), COMMANDS))
            }
            (Format::Text, Some(story)) if self.shown < SHOWN_FAILURES => {
                self.shown += 1;
                self.bar.suspend(|| {
                    if self.args.github {
                        output::line(github::annotation(outcome, &story))?;
                    }
                    output::line(format_args!("{story}\n"))
                })
            }
            (Format::Text, _) => Ok(()),
        }
    }

    /// Tells the sum of all runs. `is_whole`: whether everything was to be reached.
    pub fn end(self, wall_seconds: f64, is_whole: bool, code: u8) -> Result<(), Failure> {
        self.bar.finish_and_clear();
        let never = if is_whole { self.tally.never() } else { String::new() };
        match self.args.format {
            Format::Json => output::line(json::summary(&self.tally, wall_seconds, code))?,
            Format::Text => {
                if self.args.steps {
                    output::line(format_args!("{}\n", self.tally.steps()))?;
                }
                if !never.is_empty() {
                    output::line(&never)?;
                }
                output::line(self.tally.show(wall_seconds))?;
            }
        }
        if let Some((file, junit)) = self.junit {
            write(&file, &junit.to_xml("drydock-sim"), &mut create(&file)?)?;
        }
        if let Some(page) = std::env::var_os(PAGE).filter(|_| self.args.github) {
            let page = PathBuf::from(page);
            let text = github::page(&self.tally, wall_seconds, &never, COMMANDS.replay);
            let opened = OpenOptions::new().create(true).append(true).open(&page);
            write(&page, &text, &mut opened.map_err(|error| cannot_write(&page, &error))?)?;
        }
        Ok(())
    }
}

/// Says something that is no part of a report: a program that reads stdout does not see it.
pub fn say(format: Format, text: impl std::fmt::Display) -> Result<(), Failure> {
    match format {
        Format::Text => output::line(text),
        Format::Json => {
            output::note(text);
            Ok(())
        }
    }
}

fn create(file: &Path) -> Result<File, Failure> {
    File::create(file).map_err(|error| cannot_write(file, &error))
}

fn write(file: &Path, text: &str, opened: &mut File) -> Result<(), Failure> {
    opened.write_all(text.as_bytes()).map_err(|error| cannot_write(file, &error))
}

fn cannot_write(file: &Path, error: &std::io::Error) -> Failure {
    Failure::Simulator(format!("the report `{}` cannot be written: {error}", file.display()))
}
