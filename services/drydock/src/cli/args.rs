//! The arguments of `drydock`, as clap parses them.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use uuid::Uuid;

pub use super::config_args::ConfigArgs;
use super::executor_args::ExecutorAction;
use super::objects::args::{
    GroupAction, OrgAction, ProjectAction, RemoteSourceAction, SecretAction, TokenAction,
    UserAction, VariableAction,
};
use super::run_args::{CacheAction, RunAction};
pub use super::server_args::{GatewayArgs, ServerArgs, ServiceArgs, StoredService, TlsArgs};

/// The control plane of a CI/CD system.
///
/// Exit codes: 0 done, 1 failed, 2 command line not understood, 78 configuration not valid, 130
/// ended by Ctrl-C.
#[derive(Debug, Parser)]
#[command(name = "drydock", version, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run services until SIGTERM or Ctrl-C
    Serve {
        /// The services to run; `all` runs every service in one process
        role: ServeRole,
        /// Run the tasks of runs on this machine, too; only with `all`
        #[arg(long)]
        executor: bool,
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Take a service out of operation, or bring it back
    Maintenance {
        #[command(subcommand)]
        action: MaintenanceAction,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Export all objects of a service to a file
    Export {
        /// The file to write; `-` is stdout
        #[arg(default_value = "-")]
        file: PathBuf,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Replace all objects of a service by an export; the service must be in maintenance, unless
    /// with --dry-run
    Import {
        /// The file to read, plain or compressed with zstd; `-` is stdin
        file: PathBuf,
        /// Validate the file, and change nothing
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Verify a backup without any service
    Backup {
        #[command(subcommand)]
        action: BackupAction,
    },
    /// List the lineages that are kept, or restore one
    Lineages {
        #[command(subcommand)]
        action: LineagesAction,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Inspect, clean or verify the store of a service that does not run
    Store {
        #[command(subcommand)]
        action: StoreAction,
    },
    /// Manage users
    User {
        #[command(subcommand)]
        action: UserAction,
        #[command(flatten)]
        gateway: GatewayArgs,
    },
    /// Manage the tokens of a user
    Token {
        #[command(subcommand)]
        action: TokenAction,
        #[command(flatten)]
        gateway: GatewayArgs,
    },
    /// Manage organizations and their members
    Org {
        #[command(subcommand)]
        action: OrgAction,
        #[command(flatten)]
        gateway: GatewayArgs,
    },
    /// Manage project groups, which have paths such as `org/acme/web`
    Group {
        #[command(subcommand)]
        action: GroupAction,
        #[command(flatten)]
        gateway: GatewayArgs,
    },
    /// Manage projects, which have paths such as `org/acme/web/site`
    Project {
        #[command(subcommand)]
        action: ProjectAction,
        #[command(flatten)]
        gateway: GatewayArgs,
    },
    /// Manage the secrets of a project or a project group; their values are never shown
    Secret {
        #[command(subcommand)]
        action: SecretAction,
        #[command(flatten)]
        gateway: GatewayArgs,
    },
    /// Manage the variables of a project or a project group
    Variable {
        #[command(subcommand)]
        action: VariableAction,
        #[command(flatten)]
        gateway: GatewayArgs,
    },
    /// Manage remote sources: servers with the repositories of projects
    RemoteSource {
        #[command(subcommand)]
        action: RemoteSourceAction,
        #[command(flatten)]
        gateway: GatewayArgs,
    },
    /// Check files that define runs; start, show, follow and stop runs
    Run {
        #[command(subcommand)]
        action: RunAction,
        #[command(flatten)]
        gateway: GatewayArgs,
    },
    /// List and delete what runs of a project have left in its cache
    Cache {
        #[command(subcommand)]
        action: CacheAction,
        #[command(flatten)]
        gateway: GatewayArgs,
    },
    /// Run the executor of this machine, or manage executors
    Executor {
        #[command(subcommand)]
        action: ExecutorAction,
    },
    /// Run the steps of one attempt; the executor starts this
    #[command(hide = true)]
    Supervise { folder: PathBuf },
    /// Pack what patterns match in this folder; the supervisor starts this
    #[command(hide = true)]
    Pack {
        #[arg(last = true)]
        patterns: Vec<OsString>,
    },
    /// Unpack archives into this folder; the supervisor starts this
    #[command(hide = true)]
    Unpack,
    /// Pack for a cache what a request names in this folder; the supervisor starts this
    #[command(hide = true)]
    SaveCache { request: String },
    /// Unpack into this folder what the executor finds in the cache; the supervisor starts this
    #[command(hide = true)]
    RestoreCache { request: String },
    /// Print the completion script of a shell
    Completion { shell: clap_complete::Shell },
    /// Check the configured stores, and report what is missing, slow or unsafe
    Check {
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Print the configuration
    Config {
        #[command(subcommand)]
        action: ConfigAction,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ServeRole {
    All,
    Configstore,
    Gateway,
    Runservice,
}

#[derive(Debug, Subcommand)]
pub enum MaintenanceAction {
    /// Switch maintenance on
    On {
        /// The reason, which the status shows
        #[arg(long)]
        reason: Option<String>,
        #[command(flatten)]
        wait: WaitArgs,
    },
    /// Switch maintenance off
    Off {
        #[command(flatten)]
        wait: WaitArgs,
    },
    /// Show the mode and the instances
    Status {
        /// Print the service's answer as JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub enum BackupAction {
    /// Make every check that an import would make, that of the encryption keys included
    Verify {
        /// The export to read, plain or compressed with zstd; `-` is stdin
        file: PathBuf,
        #[command(flatten)]
        of: ServiceArgs,
        #[command(flatten)]
        config: ConfigArgs,
    },
}

#[derive(Debug, Subcommand)]
pub enum LineagesAction {
    /// List the lineages that are kept, oldest first
    List {
        /// Print the service's answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// Restore the last state of a lineage; the service must be in maintenance
    Restore {
        /// The lineage's id, as `list` shows it
        lineage: Uuid,
        /// Restore without asking; needed where there is no terminal
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, Subcommand)]
pub enum StoreAction {
    /// Show positions, lineages, sizes, instances and locks
    Inspect(StoreArgs),
    /// Delete objects to which nothing refers any more
    Gc {
        /// Print the objects' keys, and delete nothing
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        store: StoreArgs,
    },
    /// Read and verify all data; the exit code is 1 if there are findings
    Verify(StoreArgs),
    /// Go on from what objects hold if the embedded coordination store is damaged
    Recover {
        /// Recover without asking; needed where there is no terminal
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        store: StoreArgs,
    },
}

impl StoreAction {
    pub fn store(&self) -> &StoreArgs {
        match self {
            StoreAction::Inspect(store) | StoreAction::Verify(store) => store,
            StoreAction::Gc { store, .. } | StoreAction::Recover { store, .. } => store,
        }
    }
}

#[derive(Debug, Args)]
pub struct StoreArgs {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub of: ServiceArgs,
    #[command(flatten)]
    pub config: ConfigArgs,
}

#[derive(Debug, Args)]
pub struct WaitArgs {
    /// Wait at most this long until every instance has switched; fail if one has not
    #[arg(long, value_name = "DURATION", num_args = 0..=1, default_missing_value = "60s",
          value_parser = duration)]
    pub wait: Option<Duration>,
}

#[derive(Debug, Subcommand)]
pub enum ConfigAction {
    /// Print every value and its origin; secrets are hidden
    Print {
        #[command(flatten)]
        config: ConfigArgs,
    },
}

/// A service with a store.
fn duration(text: &str) -> Result<Duration, String> {
    let parsed = text.parse::<jiff::SignedDuration>().map(Duration::try_from);
    match parsed {
        Ok(Ok(duration)) => Ok(duration),
        _ => Err("must be a duration such as `30s`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_passes_claps_own_checks() {
        Cli::command().debug_assert();
    }

    #[test]
    fn wait_may_come_with_or_without_a_duration() {
        let wait = |args: &[&str]| {
            let cli = Cli::try_parse_from([&["drydock", "maintenance"], args].concat()).unwrap();
            match cli.command {
                Command::Maintenance { action: MaintenanceAction::Off { wait }, .. } => wait.wait,
                _ => None,
            }
        };
        assert_eq!(wait(&["off"]), None);
        assert_eq!(wait(&["off", "--wait"]), Some(Duration::from_secs(60)));
        assert_eq!(wait(&["off", "--wait", "5s"]), Some(Duration::from_secs(5)));
    }
}
