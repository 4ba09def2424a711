//! From arguments to a command.

use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use tokio::runtime::Runtime;

use super::args::{Cli, Command, ConfigAction, ConfigArgs, GatewayArgs};
use super::exit::Failure;
use super::objects::session::Session;
use super::objects::{group, org, project, remote_source, secret, token, user, variable};
use super::{doctor, examine, export, import, lineages, logging, maintenance, output, serve};
use crate::config::{ConfigError, Loaded, Sources, load};

/// Runs the process's command line.
pub fn main() -> ExitCode {
    // Clap prints by itself: help and version end with 0, everything else with 2.
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn run(cli: Cli) -> Result<(), Failure> {
    match cli.command {
        Command::Serve { role, config } => {
            let config = read_config(&config)?.config;
            logging::to_stderr(&config.log);
            runtime()?.block_on(serve::run(role, config))
        }
        Command::Maintenance { action, server } => {
            runtime()?.block_on(maintenance::run(action, &server))
        }
        Command::Export { file, server } => runtime()?.block_on(export::run(&file, &server)),
        Command::Import { file, dry_run, server } => {
            runtime()?.block_on(import::run(&file, dry_run, &server))
        }
        Command::Lineages { action, server } => runtime()?.block_on(lineages::run(action, &server)),
        Command::Store { action } => {
            let store = action.store();
            let config = read_config(&store.config)?.config;
            logging::to_stderr(&config.log);
            runtime()?.block_on(examine::run(&action, config, store.json))
        }
        Command::User { action, gateway } => with(&gateway, |it| user::run(it, action)),
        Command::Token { action, gateway } => with(&gateway, |it| token::run(it, action)),
        Command::Org { action, gateway } => with(&gateway, |it| org::run(it, action)),
        Command::Group { action, gateway } => with(&gateway, |it| group::run(it, action)),
        Command::Project { action, gateway } => with(&gateway, |it| project::run(it, action)),
        Command::Secret { action, gateway } => with(&gateway, |it| secret::run(it, action)),
        Command::Variable { action, gateway } => with(&gateway, |it| variable::run(it, action)),
        Command::RemoteSource { action, gateway } => {
            with(&gateway, |it| remote_source::run(it, action))
        }
        Command::Completion { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "drydock", &mut script);
            output::line(String::from_utf8_lossy(&script).trim_end())
        }
        Command::Check { json, config } => {
            let config = read_config(&config)?.config;
            logging::to_stderr(&config.log);
            runtime()?.block_on(doctor::run(config, json))
        }
        Command::Config { action: ConfigAction::Print { config } } => {
            output::line(read_config(&config)?.print().trim_end())
        }
    }
}

/// Runs a command with a session at the gateway.
fn with<F>(args: &GatewayArgs, run: impl FnOnce(Session) -> F) -> Result<(), Failure>
where
    F: Future<Output = Result<(), Failure>>,
{
    let session = Session::new(args)?;
    runtime()?.block_on(run(session))
}

fn read_config(args: &ConfigArgs) -> Result<Loaded, ConfigError> {
    load(&Sources {
        file: args.config.as_deref(),
        env: &|name| std::env::var(name).ok(),
        flags: args.flags(),
    })
}

fn runtime() -> Result<Runtime, Failure> {
    Runtime::new().map_err(|error| Failure::because("the runtime cannot be started", error))
}
