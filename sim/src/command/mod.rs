//! The commands of `drydock-sim`.

mod against;
mod args;
mod child;
mod list;
mod mutants;
mod open;
mod replay;
mod report;
mod shrink;
mod story;
mod suite;
mod verify;

use std::process::ExitCode;

use clap::Parser;

pub use args::{Args, Command};

use drydock_harness::fleet::exit::{self, Failure};
use drydock_harness::fleet::output;
use tokio::signal::unix::{SignalKind, signal};

/// Reads the command line, does what it says, and answers with an exit code of `exit.rs`.
pub fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            let asked_for = !error.use_stderr();
            let printed = error.print().or_else(output::unless_closed);
            return match (asked_for, printed) {
                (false, _) => exit::USAGE.into(),
                (true, Ok(())) => exit::FINE.into(),
                (true, Err(failure)) => failed(&failure),
            };
        }
    };
    // What panics here is the simulator, and Rust's own code would be that of another finding.
    match std::panic::catch_unwind(|| run(args)) {
        Ok(Ok(code)) => code.into(),
        Ok(Err(failure)) => failed(&failure),
        Err(_) => exit::SIMULATOR.into(),
    }
}

fn failed(failure: &Failure) -> ExitCode {
    output::note(format_args!("error: {failure}"));
    failure.exit()
}

fn run(args: Args) -> Result<u8, Failure> {
    // A child is the simulation itself: it must not start the parent's runtime.
    if let Some(Command::Child(child)) = &args.command {
        return child::run(child);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match args.command {
            None => suite::standard(&args.suite).await,
            Some(Command::List(list)) => list::run(&list),
            Some(Command::Run(chosen)) => match &chosen.against {
                Some(file) => against::run(&chosen, file).await,
                None => suite::chosen(&chosen).await,
            },
            Some(Command::Replay(replay)) => unless_interrupted(replay::run(&replay)).await,
            Some(Command::Open(args)) => unless_interrupted(open::run(&args)).await,
            Some(Command::Shrink(args)) => unless_interrupted(shrink::run(&args)).await,
            Some(Command::Verify(verify)) => {
                unless_interrupted(Box::pin(verify::run(&verify))).await
            }
            Some(Command::Mutants(mutants)) => unless_interrupted(mutants::run(&mutants)).await,
            Some(Command::Child(_)) => unreachable!("handled above"),
        }
    })
}

/// Does some work until the process is asked to end. What is dropped then ends its children, which
/// do not hear of a Ctrl-C themselves.
async fn unless_interrupted(
    work: impl Future<Output = Result<u8, Failure>>,
) -> Result<u8, Failure> {
    tokio::select! {
        done = work => done,
        () = interrupted() => Ok(exit::INTERRUPTED),
    }
}

/// Ends when the process is asked to end. A second time, it ends at once.
async fn interrupted() {
    let signals = signal(SignalKind::interrupt()).and_then(|interrupt| {
        let terminate = signal(SignalKind::terminate())?;
        Ok((interrupt, terminate))
    });
    let Ok((mut interrupt, mut terminate)) = signals else {
        return std::future::pending().await;
    };
    let mut next = async move || {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    next().await;
    tokio::spawn(async move {
        next().await;
        std::process::exit(exit::INTERRUPTED.into());
    });
}
