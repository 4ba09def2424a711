//! The commands of `drydock-sim`.

mod against;
mod args;
mod child;
mod list;
mod mutants;
mod replay;
mod serve;
mod serve_etcd;
mod serve_s3;
mod shrink;
mod suite;
mod verify;

use std::process::ExitCode;

use clap::Parser;

pub use args::{Args, Command};

use drydock_harness::fleet::exit::{self, Failure};
use drydock_harness::fleet::output;

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
                (true, Err(failure)) => report(&failure),
            };
        }
    };
    match run(args) {
        Ok(code) => code.into(),
        Err(failure) => report(&failure),
    }
}

fn report(failure: &Failure) -> ExitCode {
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
            Some(Command::List) => list::run(),
            Some(Command::Run(chosen)) => match &chosen.against {
                Some(file) => against::run(&chosen, file).await,
                None => suite::chosen(&chosen).await,
            },
            Some(Command::Replay(replay)) => replay::run(&replay).await,
            Some(Command::Shrink(args)) => shrink::run(&args).await,
            Some(Command::Verify(verify)) => verify::run(&verify).await,
            Some(Command::Mutants(mutants)) => mutants::run(&mutants).await,
            Some(Command::ServeEtcd(serve)) => serve_etcd::run(serve).await,
            Some(Command::ServeS3(args)) => serve_s3::run(&args).await,
            Some(Command::Child(_)) => unreachable!("handled above"),
        }
    })
}
