//! `run --against`: the workload and the oracles on a deployment.

use std::path::Path;
use std::time::Duration;

use drydock_harness::fleet::exit::{self, Failure};
use drydock_harness::fleet::output;
use drydock_harness::report::Verdict;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::args::RunArgs;
use crate::against::{self, Deployment};

const TIME: Duration = Duration::from_secs(60);
const CLIENTS: usize = 8;

pub async fn run(args: &RunArgs, file: &Path) -> Result<u8, Failure> {
    let deployment = Deployment::read(file)?;
    let seed = args.seed.unwrap_or_else(super::suite::fresh_seed);
    let (time, clients) = (args.time.unwrap_or(TIME), args.clients.unwrap_or(CLIENTS));
    let plan = against::plan(&deployment, seed, clients, time);
    let stop = CancellationToken::new();
    end_at_signal(stop.clone())?;
    let instances = deployment.instances.len();
    output::line(format_args!("seed {seed}: {clients} clients of {instances} instances"))?;
    let found = against::run(&deployment, &plan, stop).await?;
    output::line(against::show(&found))?;
    Ok(exit::code(match (&found.checks.violations[..], &found.checks.pending[..]) {
        ([], []) => Verdict::Fine,
        ([], _) => Verdict::Stuck,
        _ => Verdict::Violated,
    }))
}

/// The first signal ends the load, the second one the process.
fn end_at_signal(stop: CancellationToken) -> std::io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::spawn(async move {
        let mut next = async || {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        };
        next().await;
        output::note(format_args!("the load ends, what was seen is judged; again: at once"));
        stop.cancel();
        next().await;
        std::process::exit(exit::INTERRUPTED.into());
    });
    Ok(())
}
