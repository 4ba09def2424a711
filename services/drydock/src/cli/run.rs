//! Runs the command that the arguments name.

use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use drydock_executor::archive::{self, ArchiveError};
use drydock_executor::supervisor::supervise;
use nix::sys::stat::{Mode, umask};
use tokio::runtime::Runtime;

use super::args::{BackupAction, Cli, Command, ConfigAction, ConfigArgs, GatewayArgs, StoreAction};
use super::executor;
use super::executor_args::ExecutorAction;
use super::exit::{Failure, USAGE};
use super::logging::Log;
use super::objects::session::Session;
use super::objects::{group, org, project, remote_source, secret, token, user, variable};
use super::run_args::RunAction;
use super::{
    backup, doctor, examine, export, import, lineages, logging, maintenance, output, recover, runs,
    serve,
};
use crate::config::{Config, ConfigError, Environment, Loaded, Sources, load};

/// Runs the process's command line.
pub fn main() -> ExitCode {
    // What libraries make is for its owner only, too.
    umask(Mode::S_IRWXG | Mode::S_IRWXO);
    let done = match Cli::try_parse() {
        Ok(cli) => run(cli),
        Err(error) if error.use_stderr() => {
            // There is nothing to do if stderr cannot be written.
            let _ = error.print();
            return USAGE.into();
        }
        // Help, or the version.
        Err(error) => error.print().or_else(output::unless_closed),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn run(cli: Cli) -> Result<(), Failure> {
    let environment = Environment::of_process()?;
    let environment = &environment;
    match cli.command {
        Command::Serve { role, executor, config } => {
            let (config, log) = prepare(&config, environment)?;
            let repeats = log.repeats.clone();
            runtime()?.block_on(async {
                tokio::spawn(repeats.count());
                serve::run(role, executor, config).await
            })
        }
        Command::Executor { action: ExecutorAction::Run { config } } => {
            let (config, log) = prepare(&config, environment)?;
            let repeats = log.repeats.clone();
            runtime()?.block_on(async {
                tokio::spawn(repeats.count());
                executor::run::run(config).await
            })
        }
        Command::Store { action } => {
            let store = action.store();
            let (config, _logs) = prepare(&store.config, environment)?;
            match action {
                StoreAction::Recover { yes, .. } => runtime()?.block_on(recover::run(&config, yes)),
                _ => runtime()?.block_on(examine::run(&action, config, store.json)),
            }
        }
        Command::Backup { action: BackupAction::Verify { file, of, config } } => {
            let (config, _logs) = prepare(&config, environment)?;
            runtime()?.block_on(backup::verify(&file, of.service, config))
        }
        Command::Check { json, config } => {
            let (config, _logs) = prepare(&config, environment)?;
            runtime()?.block_on(doctor::run(config, json))
        }
        other => {
            if let Some(warning) = environment.warning() {
                output::note(format!("warning: {warning}"));
            }
            call(other, environment)
        }
    }
}

/// Runs a command that keeps no log.
fn call(command: Command, environment: &Environment) -> Result<(), Failure> {
    match command {
        Command::Maintenance { action, server } => {
            runtime()?.block_on(maintenance::run(action, &server.or(environment)))
        }
        Command::Export { file, server } => {
            runtime()?.block_on(export::run(&file, &server.or(environment)))
        }
        Command::Import { file, dry_run, server } => {
            runtime()?.block_on(import::run(&file, dry_run, &server.or(environment)))
        }
        Command::Lineages { action, server } => {
            runtime()?.block_on(lineages::run(action, &server.or(environment)))
        }
        Command::User { action, gateway } => {
            with(gateway.or(environment), |it| user::run(it, action))
        }
        Command::Token { action, gateway } => {
            with(gateway.or(environment), |it| token::run(it, action))
        }
        Command::Org { action, gateway } => {
            with(gateway.or(environment), |it| org::run(it, action))
        }
        Command::Group { action, gateway } => {
            with(gateway.or(environment), |it| group::run(it, action))
        }
        Command::Project { action, gateway } => {
            with(gateway.or(environment), |it| project::run(it, action))
        }
        Command::Secret { action, gateway } => {
            with(gateway.or(environment), |it| secret::run(it, action))
        }
        Command::Variable { action, gateway } => {
            with(gateway.or(environment), |it| variable::run(it, action))
        }
        Command::RemoteSource { action, gateway } => {
            with(gateway.or(environment), |it| remote_source::run(it, action))
        }
        Command::Run { action: RunAction::Check { file }, gateway } => {
            runs::check::run(&file, gateway.json)
        }
        Command::Run { action, gateway } => {
            with(gateway.or(environment), |it| runs::command::run(it, action))
        }
        Command::Cache { action, gateway } => {
            with(gateway.or(environment), |it| runs::command::run_on_cache(it, action))
        }
        Command::Executor { action: ExecutorAction::Manage(action) } => {
            let server = action.server().server(environment);
            runtime()?.block_on(executor::manage::run(action, &server))
        }
        Command::Supervise { folder } => supervise(&folder)
            .map_err(|error| Failure::because("the attempt cannot be supervised", error)),
        Command::Pack { patterns } => packed(archive::pack(&patterns)),
        Command::Unpack => packed(archive::unpack()),
        Command::SaveCache { request } => packed(archive::save_cache(&request)),
        Command::RestoreCache { request } => packed(archive::restore_cache(&request)),
        Command::Completion { shell } => completion(shell),
        Command::Config { action: ConfigAction::Print { config } } => {
            output::line(read_config(&config, environment)?.print().trim_end())
        }
        Command::Serve { .. }
        | Command::Executor { action: ExecutorAction::Run { .. } }
        | Command::Store { .. }
        | Command::Backup { .. }
        | Command::Check { .. } => {
            unreachable!("these keep a log")
        }
    }
}

/// Prints the script with which a shell completes arguments.
fn completion(shell: clap_complete::Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "drydock", &mut script);
    output::program(String::from_utf8_lossy(&script).trim_end())
}

/// Runs a command with a session at the gateway.
fn with<F>(args: GatewayArgs, run: impl FnOnce(Session) -> F) -> Result<(), Failure>
where
    F: Future<Output = Result<(), Failure>>,
{
    let session = Session::new(&args)?;
    runtime()?.block_on(run(session))
}

/// Reads the configuration, and begins to log as it says.
fn prepare(args: &ConfigArgs, environment: &Environment) -> Result<(Config, Log), Failure> {
    let config = read_config(args, environment)?.config;
    let logs = logging::begin(&config.log)?;
    if let Some(warning) = environment.warning() {
        tracing::warn!("{warning}");
    }
    Ok((config, logs))
}

fn read_config(args: &ConfigArgs, environment: &Environment) -> Result<Loaded, ConfigError> {
    load(&Sources {
        file: args.config.as_deref(),
        env: &|name| environment.get(name),
        flags: args.flags(),
    })
}

fn runtime() -> Result<Runtime, Failure> {
    Runtime::new().map_err(|error| Failure::because("the runtime cannot be started", error))
}

/// The end of a process that packs or unpacks for a step.
fn packed(done: Result<(), ArchiveError>) -> Result<(), Failure> {
    done.map_err(|error| {
        Failure::because("the files of the step cannot be kept or laid out", error)
    })
}
