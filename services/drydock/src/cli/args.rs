//! Arguments as clap reads them.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use uuid::Uuid;

use super::objects::args::{
    GroupAction, OrgAction, ProjectAction, RemoteSourceAction, SecretAction, TokenAction,
    UserAction, VariableAction,
};

/// The control plane of a CI/CD system.
///
/// Exit codes: 0 done, 1 failed, 2 command line not understood, 78 configuration not valid.
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
        /// `all`: every service there is, with files below one data directory
        role: ServeRole,
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
    /// Write everything that a service stores to a file
    Export {
        /// Where to write; `-` is stdout
        #[arg(default_value = "-")]
        file: PathBuf,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Replace everything that a service stores; it must be in maintenance
    Import {
        /// What to read, plain or compressed with zstd; `-` is stdin
        file: PathBuf,
        /// Validate only
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// See the lineages that are kept, or go back to one
    Lineages {
        #[command(subcommand)]
        action: LineagesAction,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Look into the store of a service that does not run
    Store {
        #[command(subcommand)]
        action: StoreAction,
    },
    /// Users, at a gateway
    User {
        #[command(subcommand)]
        action: UserAction,
        #[command(flatten)]
        gateway: GatewayArgs,
    },
    /// Tokens of a user
    Token {
        #[command(subcommand)]
        action: TokenAction,
        #[command(flatten)]
        gateway: GatewayArgs,
    },
    /// Organizations and their members
    Org {
        #[command(subcommand)]
        action: OrgAction,
        #[command(flatten)]
        gateway: GatewayArgs,
    },
    /// Project groups; a path such as `org/acme/web` leads to one
    Group {
        #[command(subcommand)]
        action: GroupAction,
        #[command(flatten)]
        gateway: GatewayArgs,
    },
    /// Projects; a path such as `org/acme/web/site` leads to one
    Project {
        #[command(subcommand)]
        action: ProjectAction,
        #[command(flatten)]
        gateway: GatewayArgs,
    },
    /// Secrets of a project or a project group; their values are never shown
    Secret {
        #[command(subcommand)]
        action: SecretAction,
        #[command(flatten)]
        gateway: GatewayArgs,
    },
    /// Variables of a project or a project group
    Variable {
        #[command(subcommand)]
        action: VariableAction,
        #[command(flatten)]
        gateway: GatewayArgs,
    },
    /// Servers that projects' repositories are on
    RemoteSource {
        #[command(subcommand)]
        action: RemoteSourceAction,
        #[command(flatten)]
        gateway: GatewayArgs,
    },
    /// Print a script that completes commands in a shell
    Completion { shell: clap_complete::Shell },
    /// Connect to everything that the configuration names; say what is missing, slow or unsafe
    Check {
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Look at the configuration
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
}

#[derive(Debug, Subcommand)]
pub enum MaintenanceAction {
    /// Switch maintenance on
    On {
        /// Shown in the status
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
        /// Print what the service answered
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub enum LineagesAction {
    /// Show the lineages that are kept, oldest first
    List {
        /// Print what the service answered
        #[arg(long)]
        json: bool,
    },
    /// Go back to the last state of a lineage; the service must be in maintenance
    Restore {
        /// As shown by `list`
        lineage: Uuid,
    },
}

#[derive(Debug, Subcommand)]
pub enum StoreAction {
    /// Show positions, lineages, sizes, instances and locks
    Inspect(StoreArgs),
    /// Delete objects that nothing refers to any more
    Gc {
        /// Only show them
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        store: StoreArgs,
    },
    /// Read and check everything; exit code 1 if something is wrong
    Verify(StoreArgs),
}

impl StoreAction {
    pub fn store(&self) -> &StoreArgs {
        match self {
            StoreAction::Inspect(store) | StoreAction::Verify(store) => store,
            StoreAction::Gc { store, .. } => store,
        }
    }
}

#[derive(Debug, Args)]
pub struct StoreArgs {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub config: ConfigArgs,
}

#[derive(Debug, Args)]
pub struct WaitArgs {
    /// Wait until every instance has followed, at most this long; fail if one has not
    #[arg(long, value_name = "DURATION", num_args = 0..=1, default_missing_value = "60s",
          value_parser = duration)]
    pub wait: Option<Duration>,
}

#[derive(Debug, Subcommand)]
pub enum ConfigAction {
    /// Print every value and where it came from; secrets are hidden
    Print {
        #[command(flatten)]
        config: ConfigArgs,
    },
}

/// Every flag here is a key of the configuration: flag over variable over file over default.
#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// A TOML file
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where everything is kept [variable: DRYDOCK_DATA_DIR]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<String>,
    /// Address and port, 0 for a free one [variable: DRYDOCK_CONFIGSTORE_LISTEN]
    #[arg(long, value_name = "ADDRESS")]
    configstore_listen: Option<String>,
    /// The same for the gateway [variable: DRYDOCK_GATEWAY_LISTEN]
    #[arg(long, value_name = "ADDRESS")]
    gateway_listen: Option<String>,
    /// Where `serve gateway` finds the instances of configstore [variable:
    /// DRYDOCK_GATEWAY_CONFIGSTORE]
    #[arg(long, value_name = "HOST:PORT,…")]
    gateway_configstore: Option<String>,
    /// Better given as the variable DRYDOCK_INTERNAL_TOKEN: flags can be seen by others
    #[arg(long, value_name = "TOKEN")]
    internal_token: Option<String>,
    /// Better given as the variable DRYDOCK_ADMIN_TOKEN
    #[arg(long, value_name = "TOKEN")]
    admin_token: Option<String>,
    /// Better given as the variable DRYDOCK_ENCRYPTION_KEYS: `name:64 hexadecimal digits,…`
    #[arg(long, value_name = "KEYS")]
    encryption_keys: Option<String>,
    /// The deployment's name [variable: DRYDOCK_CLUSTER]
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
    /// `text` or `json` [variable: DRYDOCK_LOG_FORMAT]
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
    /// Such as `info` or `info,drydock_core=debug` [variable: DRYDOCK_LOG_LEVEL]
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
}

impl ConfigArgs {
    /// The keys that were given as flags.
    pub fn flags(&self) -> Vec<(&'static str, String)> {
        let all = [
            ("data_dir", &self.data_dir),
            ("configstore.listen", &self.configstore_listen),
            ("gateway.listen", &self.gateway_listen),
            ("gateway.configstore", &self.gateway_configstore),
            ("internal_token", &self.internal_token),
            ("admin_token", &self.admin_token),
            ("encryption.keys", &self.encryption_keys),
            ("cluster", &self.cluster),
            ("log.format", &self.log_format),
            ("log.level", &self.log_level),
        ];
        let given = all.into_iter().filter_map(|(key, value)| Some((key, value.clone()?)));
        given.collect()
    }
}

/// Which service, and how to prove oneself to it.
#[derive(Debug, Args)]
pub struct ServerArgs {
    /// Where the service listens; by default what the data directory says, or http://127.0.0.1:8001
    #[arg(long, env = "DRYDOCK_URL", global = true)]
    pub url: Option<String>,
    /// The internal token; better given as the variable
    #[arg(long, env = "DRYDOCK_INTERNAL_TOKEN", hide_env_values = true, global = true)]
    pub token: Option<String>,
    /// The data directory of a `drydock serve all`, to read token and address from
    #[arg(long, value_name = "DIR", env = "DRYDOCK_DATA_DIR", global = true)]
    pub data_dir: Option<PathBuf>,
}

/// Which gateway, and who asks.
#[derive(Debug, Args)]
pub struct GatewayArgs {
    /// Where the gateway listens; by default what the data directory says, or http://127.0.0.1:8000
    #[arg(long, value_name = "URL", env = "DRYDOCK_GATEWAY", global = true)]
    pub gateway: Option<String>,
    /// A user's token, or the admin token; better given as the variable
    #[arg(long, env = "DRYDOCK_TOKEN", hide_env_values = true, global = true)]
    pub token: Option<String>,
    /// The data directory of a `drydock serve all`, to read address and admin token from
    #[arg(long, value_name = "DIR", env = "DRYDOCK_DATA_DIR", global = true)]
    pub data_dir: Option<PathBuf>,
    /// Print what the gateway answered
    #[arg(long, global = true)]
    pub json: bool,
}

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
    fn the_definition_is_sound() {
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
