//! The arguments that say which server is called, and with which token.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::config::Environment;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StoredService {
    Configstore,
    Runservice,
}

#[derive(Debug, Clone, Copy, Args)]
pub struct ServiceArgs {
    /// The service that is meant
    #[arg(long, value_enum, default_value = "configstore", global = true)]
    pub service: StoredService,
}

/// The service to call, and the token for it.
#[derive(Debug, Args)]
pub struct ServerArgs {
    #[command(flatten)]
    pub of: ServiceArgs,
    /// The service's URL; by default read from the data directory, or http://127.0.0.1:8001 for
    /// configstore and :8002 for runservice [variable: DRYDOCK_URL]
    #[arg(long, global = true)]
    pub url: Option<String>,
    /// Call the service through this gateway, with the admin token
    #[arg(long, value_name = "URL", global = true, conflicts_with = "url")]
    pub gateway: Option<String>,
    /// The internal token, or for --gateway the admin token; better set as the variables
    /// DRYDOCK_INTERNAL_TOKEN and DRYDOCK_TOKEN
    #[arg(long, global = true)]
    pub token: Option<String>,
    /// The data directory of `drydock serve all`, from which token and address are read [variable:
    /// DRYDOCK_DATA_DIR]
    #[arg(long, value_name = "DIR", global = true)]
    pub data_dir: Option<PathBuf>,
    #[command(flatten)]
    pub tls: TlsArgs,
}

/// The gateway to call, and the token for it.
#[derive(Debug, Args)]
pub struct GatewayArgs {
    /// The gateway's URL; by default read from the data directory, or http://127.0.0.1:8000
    /// [variable: DRYDOCK_GATEWAY]
    #[arg(long, value_name = "URL", global = true)]
    pub gateway: Option<String>,
    /// A user's token, or the admin token; better set as the variable DRYDOCK_TOKEN
    #[arg(long, global = true)]
    pub token: Option<String>,
    /// The data directory of `drydock serve all`, from which address and admin token are read
    /// [variable: DRYDOCK_DATA_DIR]
    #[arg(long, value_name = "DIR", global = true)]
    pub data_dir: Option<PathBuf>,
    /// Print the gateway's answer as JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// Delete without asking; needed where there is no terminal
    #[arg(long, global = true)]
    pub yes: bool,
    #[command(flatten)]
    pub tls: TlsArgs,
}

/// Files for URLs that begin with `https`, in PEM.
#[derive(Debug, Clone, Default, Args)]
pub struct TlsArgs {
    /// Trust the authorities of this file, in place of those that the machine trusts [variable:
    /// DRYDOCK_CA]
    #[arg(long = "ca", value_name = "FILE", global = true)]
    pub ca_file: Option<PathBuf>,
    /// The certificate to present to a server that asks for one [variable: DRYDOCK_CLIENT_CERT]
    #[arg(long = "client-cert", value_name = "FILE", global = true)]
    pub cert_file: Option<PathBuf>,
    /// The key of that certificate [variable: DRYDOCK_CLIENT_KEY]
    #[arg(long = "client-key", value_name = "FILE", global = true)]
    pub key_file: Option<PathBuf>,
}

impl ServerArgs {
    /// Takes from the environment what no flag says. An empty flag counts as none.
    pub fn or(self, environment: &Environment) -> ServerArgs {
        let url = given(self.url);
        let gateway = given(self.gateway);
        // A flag for one outranks a variable for the other.
        let url = match gateway {
            None => url.or_else(|| environment.get("DRYDOCK_URL")),
            Some(_) => None,
        };
        let token = match gateway {
            None => "DRYDOCK_INTERNAL_TOKEN",
            Some(_) => "DRYDOCK_TOKEN",
        };
        ServerArgs {
            of: self.of,
            url,
            gateway,
            token: given(self.token).or_else(|| environment.get(token)),
            data_dir: file(self.data_dir, environment, "DRYDOCK_DATA_DIR"),
            tls: self.tls.or(environment),
        }
    }
}

impl GatewayArgs {
    /// Takes from the environment what no flag says. An empty flag counts as none.
    pub fn or(self, environment: &Environment) -> GatewayArgs {
        GatewayArgs {
            gateway: given(self.gateway).or_else(|| environment.get("DRYDOCK_GATEWAY")),
            token: given(self.token).or_else(|| environment.get("DRYDOCK_TOKEN")),
            data_dir: file(self.data_dir, environment, "DRYDOCK_DATA_DIR"),
            json: self.json,
            yes: self.yes,
            tls: self.tls.or(environment),
        }
    }
}

impl TlsArgs {
    fn or(self, environment: &Environment) -> TlsArgs {
        TlsArgs {
            ca_file: file(self.ca_file, environment, "DRYDOCK_CA"),
            cert_file: file(self.cert_file, environment, "DRYDOCK_CLIENT_CERT"),
            key_file: file(self.key_file, environment, "DRYDOCK_CLIENT_KEY"),
        }
    }
}

fn file(flag: Option<PathBuf>, environment: &Environment, variable: &str) -> Option<PathBuf> {
    flag.or_else(|| environment.get(variable).map(Into::into))
}

fn given(flag: Option<String>) -> Option<String> {
    flag.filter(|text| !text.is_empty())
}
