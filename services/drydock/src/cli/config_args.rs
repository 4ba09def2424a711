//! The flags of the configuration.

use std::path::PathBuf;

use clap::Args;

/// Flags for keys of the configuration. A flag wins over the variable, the file and the default.
#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// The configuration file, in TOML
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The directory of read models, and of all data that is kept in files [variable:
    /// DRYDOCK_DATA_DIR]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<String>,
    /// The address and port of configstore; port 0 takes a free one [variable:
    /// DRYDOCK_CONFIGSTORE_LISTEN]
    #[arg(long, value_name = "ADDRESS")]
    configstore_listen: Option<String>,
    /// The address and port of runservice [variable: DRYDOCK_RUNSERVICE_LISTEN]
    #[arg(long, value_name = "ADDRESS")]
    runservice_listen: Option<String>,
    /// The address and port of the gateway [variable: DRYDOCK_GATEWAY_LISTEN]
    #[arg(long, value_name = "ADDRESS")]
    gateway_listen: Option<String>,
    /// The instances of configstore that `serve gateway` calls [variable:
    /// DRYDOCK_GATEWAY_CONFIGSTORE]
    #[arg(long, value_name = "HOST:PORT,…")]
    gateway_configstore: Option<String>,
    /// The instances of runservice that `serve gateway` calls [variable:
    /// DRYDOCK_GATEWAY_RUNSERVICE]
    #[arg(long, value_name = "HOST:PORT,…")]
    gateway_runservice: Option<String>,
    /// The instances of runservice that `executor run` calls [variable:
    /// DRYDOCK_EXECUTOR_RUNSERVICE]
    #[arg(long, value_name = "HOST:PORT,…")]
    executor_runservice: Option<String>,
    /// The labels of the executor, for tasks that ask for them [variable: DRYDOCK_EXECUTOR_LABELS]
    #[arg(long, value_name = "LABEL,…")]
    executor_labels: Option<String>,
    /// The number of tasks that the executor runs at once [variable: DRYDOCK_EXECUTOR_LIMIT]
    #[arg(long, value_name = "NUMBER")]
    executor_limit: Option<String>,
    /// The token of calls between services; better set as the variable DRYDOCK_INTERNAL_TOKEN,
    /// because other users of the machine can see flags
    #[arg(long, value_name = "TOKEN")]
    internal_token: Option<String>,
    /// The administrators' token; better set as the variable DRYDOCK_ADMIN_TOKEN
    #[arg(long, value_name = "TOKEN")]
    admin_token: Option<String>,
    /// The encryption keys, `name:64 hexadecimal digits,…`; better set as the variable
    /// DRYDOCK_ENCRYPTION_KEYS
    #[arg(long, value_name = "KEYS")]
    encryption_keys: Option<String>,
    /// The deployment's name [variable: DRYDOCK_CLUSTER]
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
    /// The format of the log, `text` or `json` [variable: DRYDOCK_LOG_FORMAT]
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
    /// The level of the log, such as `info` or `info,drydock_core=debug` [variable:
    /// DRYDOCK_LOG_LEVEL]
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
}

impl ConfigArgs {
    /// The keys that are set by flags, with their values.
    pub fn flags(&self) -> Vec<(&'static str, String)> {
        let all = [
            ("data_dir", &self.data_dir),
            ("configstore.listen", &self.configstore_listen),
            ("runservice.listen", &self.runservice_listen),
            ("gateway.listen", &self.gateway_listen),
            ("gateway.configstore", &self.gateway_configstore),
            ("gateway.runservice", &self.gateway_runservice),
            ("executor.runservice", &self.executor_runservice),
            ("executor.labels", &self.executor_labels),
            ("executor.limit", &self.executor_limit),
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
