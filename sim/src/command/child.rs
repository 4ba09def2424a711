//! The process of one simulation: a plan comes in, an outcome goes out.

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use drydock_harness::fleet;
use drydock_harness::fleet::exit::{FINE, Failure};
use drydock_harness::record::Sink;
use drydock_harness::world::shim;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::{EnvFilter, Layer};

use super::args::ChildArgs;
use crate::plan::Plan;
use crate::product::Listener;
use crate::run::{self, Options};

/// Hash seeds and the like, the same in every run.
const ENTROPY: u64 = 0;

pub fn run(args: &ChildArgs) -> Result<u8, Failure> {
    shim::check().map_err(|error| Failure::Simulator(error.to_string()))?;
    shim::seed_entropy(ENTROPY);
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let plan: Plan = fleet::Plan::parse("standard input", &text)?;
    let story = match &args.events {
        Some(path) => Some(Story::create(path)?),
        None => None,
    };
    let listeners = match (&args.log, &story) {
        (Some(level), Some(story)) => vec![show_log(level, story)?],
        _ => Vec::new(),
    };
    let trace = match &args.trace {
        Some(path) => Some(Box::new(BufWriter::new(File::create(path)?)) as Sink),
        None => None,
    };
    let trace_log = args.log.as_deref().map(log_filter).transpose()?;
    let sink = story.map(|story| Box::new(story) as Sink);
    let options = Options { sink, trace, trace_log, listeners, until_ms: args.until_ms };
    let outcome = run::run(&plan, options);
    let json = serde_json::to_vec(&outcome).expect("an outcome is plain data");
    std::io::stdout().write_all(&json)?;
    Ok(FINE)
}

/// The file of a run's events. The product's log goes between them, in the order in which all of it
/// happened.
#[derive(Clone)]
struct Story(Arc<Mutex<BufWriter<File>>>);

impl Story {
    fn create(path: &Path) -> std::io::Result<Story> {
        Ok(Story(Arc::new(Mutex::new(BufWriter::new(File::create(path)?)))))
    }

    fn file(&self) -> MutexGuard<'_, BufWriter<File>> {
        self.0.lock().expect("no holder of this lock panics")
    }
}

impl Write for Story {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.file().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file().flush()
    }
}

fn show_log(level: &str, story: &Story) -> Result<Listener, Failure> {
    let filter = log_filter(level)?;
    let story = story.clone();
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(move || story.clone())
        // Such errors would be printed to stderr, which panics when it cannot be written.
        .log_internal_errors(false)
        .with_timer(SimulatedTime);
    Ok(lines.with_filter(filter).boxed())
}

/// What of the log is shown: libraries only if they are named.
pub fn log_filter(level: &str) -> Result<EnvFilter, Failure> {
    let refused = |error| Failure::Usage(format!("`{level}` is not a log level: {error}"));
    if level.parse::<LevelFilter>().is_err() && !level.contains('=') {
        return Err(Failure::Usage(format!(
            "`{level}` is not a log level: use error, warn, info, debug or trace"
        )));
    }
    let quiet = ["h2", "hyper", "hyper_util", "tower", "tonic", "turmoil", "rustls"];
    let unnamed = quiet.iter().filter(|library| !level.contains(*library));
    let directives: Vec<_> = unnamed.map(|library| format!("{library}=off")).collect();
    EnvFilter::try_new([&[level.to_owned()], directives.as_slice()].concat().join(","))
        .map_err(refused)
}

struct SimulatedTime;

impl FormatTime for SimulatedTime {
    fn format_time(&self, writer: &mut Writer<'_>) -> std::fmt::Result {
        let now = drydock_harness::world::host_elapsed().unwrap_or_default();
        write!(writer, "{:>10.3} log           ", now.as_secs_f64())
    }
}
