//! The command line.

use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand};

use crate::plan::Fidelity;

/// Runs Drydock in a deterministic simulation. Without a command: the standard suite.
#[derive(Debug, Parser)]
#[command(name = "drydock-sim", version, after_help = EXIT_CODES)]
pub struct Args {
    #[command(flatten)]
    pub suite: SuiteArgs,
    #[command(subcommand)]
    pub command: Option<Command>,
}

const EXIT_CODES: &str = "Exit codes: 0 fine, 1 the simulator failed, 2 usage, 4 nothing selected, \
100 a property is violated, 101 not deterministic, 102 something never ended, 103 all faults of a \
plan hit nothing, 130 interrupted before anything failed.";

#[derive(Debug, Clone, clap::Args)]
pub struct SuiteArgs {
    /// How long fresh seeds are run, as `60s` or `10m`.
    #[arg(long, default_value = "60s", value_parser = duration)]
    pub time: Duration,
    /// How many plans run at once; by default as many as there are cores.
    #[arg(long)]
    pub jobs: Option<usize>,
    /// The first seed; by default any.
    #[arg(long)]
    pub first_seed: Option<u64>,
    #[command(flatten)]
    pub report: ReportArgs,
    /// How the product reaches coordination and objects in fresh plans.
    #[arg(long, value_enum, default_value = "wire")]
    pub fidelity: Fidelity,
}

/// What is told of the runs, and where.
#[derive(Debug, Clone, clap::Args)]
pub struct ReportArgs {
    /// What stdout holds: stories and a table for people, or a JSON object a line for programs, one
    /// for each run and one for all.
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,
    /// Also writes a report in JUnit's XML to this file.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Also makes annotations for GitHub Actions of failures, and adds a page to the file that
    /// `GITHUB_STEP_SUMMARY` names.
    #[arg(long, conflicts_with = "format")]
    pub github: bool,
    /// Tells all violations and faults of a failure, not only the first of each oracle.
    #[arg(long)]
    pub verbose: bool,
    /// Also shows how often what happened at each code point.
    #[arg(long, conflicts_with = "format")]
    pub steps: bool,
    /// Does not make the first failing plan smaller at the end.
    #[arg(long)]
    pub no_shrink: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Shows scenarios, faults, oracles, probes and mutants.
    List(ListArgs),
    /// Runs chosen scenarios with chosen seeds.
    Run(RunArgs),
    /// Runs single plans and tells their story.
    Replay(ReplayArgs),
    /// Makes a page that shows a run: hosts, calls, faults, and what caused what.
    Open(super::open::OpenArgs),
    /// Makes failing plans smaller, as long as they fail in the same way.
    Shrink(ShrinkArgs),
    /// Runs plans twice, in two processes, and compares every event.
    Verify(VerifyArgs),
    /// Breaks the product on purpose and sees whether the suite finds out.
    Mutants(MutantArgs),
    /// Runs the plan on standard input in this process.
    #[command(hide = true)]
    Child(ChildArgs),
}

#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// Shows it as one JSON object.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct RunArgs {
    /// Names of scenarios, `SCENARIO:SEED`, or `all`.
    #[arg(required_unless_present = "against")]
    pub scenarios: Vec<String>,
    /// Runs the workload and the oracles on the deployment that this file names, for 60 s or
    /// `--time`. Everything in it may be changed, deleted and replaced.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["scenarios", "seeds", "shard"])]
    pub against: Option<PathBuf>,
    /// Of a deployment; by default 8.
    #[arg(long, requires = "against")]
    pub clients: Option<usize>,
    /// This seed alone.
    #[arg(long, conflicts_with = "seeds")]
    pub seed: Option<u64>,
    /// Seeds from the first to before the last, as `0..100`.
    #[arg(long, value_parser = seeds)]
    pub seeds: Option<Range<u64>>,
    /// Stops after this time; without seeds, fresh ones until then.
    #[arg(long, value_parser = duration)]
    pub time: Option<Duration>,
    /// How many plans run at once; by default as many as there are cores.
    #[arg(long)]
    pub jobs: Option<usize>,
    /// Begins nothing more after the first failure.
    #[arg(long)]
    pub until_failure: bool,
    #[command(flatten)]
    pub report: ReportArgs,
    /// How the product reaches coordination and objects.
    #[arg(long, value_enum, default_value = "wire")]
    pub fidelity: Fidelity,
    /// Only this part of the work, as `1/8`.
    #[arg(long, value_parser = shard)]
    pub shard: Option<Shard>,
}

#[derive(Debug, Clone, Copy)]
pub struct Shard {
    /// From 1.
    pub number: u64,
    pub of: u64,
}

#[derive(Debug, clap::Args)]
pub struct ReplayArgs {
    /// Plan files, `SCENARIO:SEED`, or a seed for all scenarios.
    #[arg(required = true)]
    pub plans: Vec<String>,
    /// Of plans that are not files: those say themselves.
    #[arg(long, value_enum, default_value = "wire")]
    pub fidelity: Fidelity,
    /// Stops after this simulated time, without asking the oracles.
    #[arg(long, value_parser = duration)]
    pub until: Option<Duration>,
    /// Also shows the product's own log from this level on, between the events. Libraries are left
    /// out unless they are named, as in `info,h2=debug`.
    #[arg(long)]
    pub log: Option<String>,
    /// Also writes the trace, which `open --trace` shows, to this file.
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// Shows only the lines of this host; may be given more than once. Log lines stay.
    #[arg(long)]
    pub host: Vec<String>,
    /// Shows only the lines that hold this text, such as a key, an id or `#12`, a call's number.
    #[arg(long)]
    pub grep: Option<String>,
    /// Shows only this call, by its number, with all that it has caused.
    #[arg(long, value_name = "NUMBER", value_parser = call)]
    pub call: Option<u64>,
    /// Shows only what names this object, by a key, an id or a name, with the answers to it.
    #[arg(long, value_name = "TEXT")]
    pub object: Option<String>,
    /// Of the product's log, shows only lines of this level and graver ones.
    #[arg(long, value_parser = ["error", "warn", "info", "debug", "trace"])]
    pub level: Option<String>,
    /// Tells all violations and faults of a failure, not only the first of each oracle.
    #[arg(long)]
    pub verbose: bool,
}

#[derive(Debug, clap::Args)]
pub struct ShrinkArgs {
    /// Plan files, `SCENARIO:SEED`, or a seed for all scenarios. A result of an earlier search goes
    /// on where that one stopped.
    #[arg(required = true)]
    pub plans: Vec<String>,
    /// Of plans that are not files: those say themselves.
    #[arg(long, value_enum, default_value = "wire")]
    pub fidelity: Fidelity,
    /// How long each plan may be worked on.
    #[arg(long, default_value = "60s", value_parser = duration)]
    pub time: Duration,
    /// How many plans are tried at once; by default as many as there are cores.
    #[arg(long)]
    pub jobs: Option<usize>,
}

#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    /// Plan files, `SCENARIO:SEED`, or a seed for all scenarios; none: seeds over all scenarios.
    pub plans: Vec<String>,
    /// Of plans that are not files: those say themselves.
    #[arg(long, value_enum, default_value = "wire")]
    pub fidelity: Fidelity,
    /// How many plans, if none is named.
    #[arg(long, default_value_t = 26)]
    pub count: u64,
}

#[derive(Debug, clap::Args)]
pub struct MutantArgs {
    /// Names of mutants; none: all.
    pub names: Vec<String>,
    /// Where the patch files are.
    #[arg(long)]
    pub dir: Option<PathBuf>,
    /// How long the suite may look for each of them.
    #[arg(long, default_value = "60s", value_parser = duration)]
    pub time: Duration,
}

#[derive(Debug, clap::Args)]
pub struct ChildArgs {
    /// Where to write every event.
    #[arg(long)]
    pub events: Option<PathBuf>,
    /// Where to write the trace.
    #[arg(long)]
    pub trace: Option<PathBuf>,
    #[arg(long)]
    pub until_ms: Option<u64>,
    /// Writes the product's log between the events.
    #[arg(long)]
    pub log: Option<String>,
}

pub fn duration(text: &str) -> Result<Duration, String> {
    let units = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)];
    let parsed = units.iter().find_map(|(unit, ms)| {
        let number: f64 = text.strip_suffix(unit)?.parse().ok()?;
        (number >= 0.0).then(|| Duration::from_secs_f64(number * f64::from(*ms) / 1_000.0))
    });
    parsed.ok_or_else(|| format!("`{text}` is not a time such as `60s`, `10m` or `1h`"))
}

/// A call's number, as lines have it or without its sign.
fn call(text: &str) -> Result<u64, String> {
    let number = text.strip_prefix('#').unwrap_or(text).parse();
    number.map_err(|_| format!("`{text}` is not the number of a call, such as `12`"))
}

fn seeds(text: &str) -> Result<Range<u64>, String> {
    let parsed = text
        .split_once("..")
        .and_then(|(first, last)| Some(first.parse().ok()?..last.parse().ok()?));
    parsed.ok_or_else(|| format!("`{text}` is not a range such as `0..100`"))
}

fn shard(text: &str) -> Result<Shard, String> {
    let parsed = text.split_once('/').and_then(|(number, of)| {
        let shard = Shard { number: number.parse().ok()?, of: of.parse().ok()? };
        (1..=shard.of).contains(&shard.number).then_some(shard)
    });
    parsed.ok_or_else(|| format!("`{text}` is not a part such as `1/8`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_seeds_and_shards_are_read_or_refused_by_name() {
        assert_eq!(duration("1.5s"), Ok(Duration::from_millis(1_500)));
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert!(duration("60").is_err_and(|error| error.contains("`60`")));
        assert_eq!(seeds("3..9"), Ok(3..9));
        assert!(seeds("3-9").is_err());
        assert!(shard("2/8").is_ok_and(|shard| shard.number == 2 && shard.of == 8));
        assert!(shard("0/8").is_err() && shard("9/8").is_err());
    }

    #[test]
    fn the_commands_of_the_pages_are_understood() {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
        let mut count = 0;
        for page in ["docs/simulation-in-ci.md", "sim/corpus/README.md", "CONTRIBUTING.md"] {
            let text = std::fs::read_to_string(format!("{root}/{page}")).unwrap();
            let lines = text.lines().map(|line| line.trim().trim_start_matches("run: "));
            for line in lines.filter(|line| line.starts_with("cargo sim ")) {
                let command = line.split(['|', '#']).next().unwrap();
                let words = command.split_whitespace().skip(2);
                let parsed = Args::try_parse_from(["drydock-sim"].into_iter().chain(words));
                assert!(parsed.is_ok(), "{page}: `{line}`: {}", parsed.unwrap_err());
                count += 1;
            }
        }
        assert!(count >= 6, "{count} commands were looked at");
    }
}
