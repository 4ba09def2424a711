//! What runs cost, beside the programs that they run started directly.
//!
//! ```text
//! cargo bench --bench runs
//! ```
//!
//! Processes of their own, as they are deployed: all services on one machine, one executor, and the
//! command line in front. Each figure stands beside another of the same turn of the same machine:
//!
//! - the time from `run start` to the first line in a terminal that follows the log, beside that
//!   from starting `sh -c echo` to its line;
//! - runs of `true` a second, by elapsed time and by a core that is used, beside `true` started as
//!   often by as many threads;
//! - the time of one more step, beside that of one more `sh -c true`;
//! - the greatest memory of the executor while it ships a log of 100 MB.
//!
//! `BENCH_RUNS` is the number of runs of `true` (1000), `BENCH_FIRST_LINES` how often the first
//! line is waited for (20).

#![expect(clippy::print_stdout, reason = "a benchmark may end when nobody reads it")]

mod figures;
mod installation;

use installation::Installation;

fn main() {
    let installation = Installation::start();
    figures::first_line(&installation, number("BENCH_FIRST_LINES", 20));
    figures::further_step(&installation);
    figures::many_runs(&installation, number("BENCH_RUNS", 1000));
    figures::long_log(&installation);
}

fn number(variable: &str, default: usize) -> usize {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}
