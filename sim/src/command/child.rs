//! The process of one simulation: a plan comes in, an outcome goes out.

use std::io::{BufWriter, Read, Write};

use drydock_harness::fleet;
use drydock_harness::fleet::exit::{FINE, Failure};
use drydock_harness::fleet::output;
use drydock_harness::record::Sink;
use drydock_harness::world::shim;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;

use super::args::ChildArgs;
use crate::plan::Plan;
use crate::run::{self, Options};

/// Hash seeds and the like, the same in every run.
const ENTROPY: u64 = 0;

pub fn run(args: &ChildArgs) -> Result<u8, Failure> {
    shim::check().map_err(|error| Failure::Simulator(error.to_string()))?;
    shim::seed_entropy(ENTROPY);
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let plan: Plan = fleet::Plan::parse("standard input", &text)?;
    if let Some(level) = &args.log {
        show_log(level)?;
    }
    let sink = match &args.events {
        Some(path) => {
            let file = std::fs::File::create(path)?;
            Some(Box::new(BufWriter::new(file)) as Sink)
        }
        None => None,
    };
    let options = Options { sink, until_ms: args.until_ms };
    let outcome = run::run(&plan, options);
    let json = serde_json::to_vec(&outcome).expect("an outcome is plain data");
    std::io::stdout().write_all(&json)?;
    Ok(FINE)
}

fn show_log(level: &str) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(level)
        .map_err(|error| Failure::Usage(format!("`{level}` is not a log level: {error}")))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(output::Log::default)
        // Such errors would be printed to stderr, which panics when it cannot be written.
        .log_internal_errors(false)
        .with_timer(SimulatedTime)
        .init();
    Ok(())
}

struct SimulatedTime;

impl FormatTime for SimulatedTime {
    fn format_time(&self, writer: &mut Writer<'_>) -> std::fmt::Result {
        let now = drydock_harness::world::host_elapsed().unwrap_or_default();
        write!(writer, "{:>10.3}", now.as_secs_f64())
    }
}
