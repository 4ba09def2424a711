//! The arguments of `drydock executor`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use drydock_api::names::Ref;
use drydock_api::runservice::types::Label;

use super::config_args::ConfigArgs;
use super::server_args::{ServerArgs, ServiceArgs, StoredService, TlsArgs};
use crate::config::Environment;

#[derive(Debug, Subcommand)]
pub enum ExecutorAction {
    /// Run the executor of this machine. SIGTERM or Ctrl-C lets its tasks end first; a second one
    /// leaves them to the next start
    Run {
        #[command(flatten)]
        config: ConfigArgs,
    },
    #[command(flatten)]
    Manage(ManageAction),
}

#[derive(Debug, Subcommand)]
pub enum ManageAction {
    /// Register an executor, and show its token, which is shown this once
    Register {
        name: String,
        /// A label that the executor has whatever its own configuration says
        #[arg(long = "label", value_name = "LABEL")]
        labels: Vec<Label>,
        /// Write the token to this file, for its owner only, instead of showing it
        #[arg(long, value_name = "FILE")]
        token_file: Option<PathBuf>,
        #[command(flatten)]
        server: RunserviceArgs,
    },
    /// List all executors
    List {
        #[command(flatten)]
        server: RunserviceArgs,
    },
    /// Let an executor end its tasks, and take no more
    Drain {
        /// The executor, by name or id
        executor: Ref,
        #[command(flatten)]
        server: RunserviceArgs,
    },
    /// Let an executor take tasks again
    Enable {
        /// The executor, by name or id
        executor: Ref,
        #[command(flatten)]
        server: RunserviceArgs,
    },
    /// End the registration of an executor; the tasks that it runs are lost
    Remove {
        /// The executor, by name or id
        executor: Ref,
        /// Remove without asking; needed where there is no terminal
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        server: RunserviceArgs,
    },
}

/// Runservice, and the token for it.
#[derive(Debug, Args)]
pub struct RunserviceArgs {
    /// The URL of runservice; by default read from the data directory, or http://127.0.0.1:8002
    /// [variable: DRYDOCK_URL]
    #[arg(long)]
    pub url: Option<String>,
    /// The internal token; better set as the variable DRYDOCK_INTERNAL_TOKEN
    #[arg(long)]
    pub token: Option<String>,
    /// The data directory of `drydock serve all`, from which token and address are read [variable:
    /// DRYDOCK_DATA_DIR]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Print the service's answer as JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub tls: TlsArgs,
}

impl ManageAction {
    pub fn server(&self) -> &RunserviceArgs {
        match self {
            ManageAction::Register { server, .. }
            | ManageAction::List { server }
            | ManageAction::Drain { server, .. }
            | ManageAction::Enable { server, .. }
            | ManageAction::Remove { server, .. } => server,
        }
    }
}

impl RunserviceArgs {
    /// The same for commands of operators, with the environment for what no flag says.
    pub fn server(&self, environment: &Environment) -> ServerArgs {
        let args = ServerArgs {
            of: ServiceArgs { service: StoredService::Runservice },
            url: self.url.clone(),
            gateway: None,
            token: self.token.clone(),
            data_dir: self.data_dir.clone(),
            tls: self.tls.clone(),
        };
        args.or(environment)
    }
}
