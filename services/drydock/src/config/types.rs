//! Every key of the configuration, with its default.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use drydock_configstore::SealAnew;
use drydock_core::store::StoreSettings;
use drydock_http::server::HttpSettings;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::stores::{CoordinationConfig, ObjectsConfig};

/// The whole configuration. What has no default is absent until some layer sets it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Separates deployments that share a coordination store or a bucket.
    pub cluster: String,
    /// Where read models live, and what is kept in files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_dir: Option<PathBuf>,
    /// What callers of configstore must present.
    #[serde(skip_serializing)]
    pub internal_token: Option<SecretString>,
    pub encryption: EncryptionConfig,
    /// What administrators present to the gateway.
    #[serde(skip_serializing)]
    pub admin_token: Option<SecretString>,
    pub log: LogConfig,
    pub configstore: ServiceConfig,
    pub gateway: GatewayConfig,
    pub instance: InstanceConfig,
    pub http: HttpSettings,
    pub store: StoreSettings,
    pub coordination: CoordinationConfig,
    pub objects: ObjectsConfig,
}

/// Keys that no default shows, and whether they are secret.
pub(super) const WITHOUT_DEFAULT: [(&str, Secrecy); 16] = [
    ("data_dir", Secrecy::Public),
    ("internal_token", Secrecy::Secret),
    ("admin_token", Secrecy::Secret),
    ("encryption.keys", Secrecy::Secret),
    ("coordination.user", Secrecy::Public),
    ("coordination.password", Secrecy::Secret),
    ("coordination.ca_file", Secrecy::Public),
    ("coordination.cert_file", Secrecy::Public),
    ("coordination.key_file", Secrecy::Public),
    ("objects.bucket", Secrecy::Public),
    ("objects.endpoint", Secrecy::Public),
    ("objects.access_key", Secrecy::Public),
    ("objects.secret_key", Secrecy::Secret),
    ("objects.session_token", Secrecy::Secret),
    ("objects.credentials_file", Secrecy::Public),
    ("objects.ca_file", Secrecy::Public),
];

/// How secrets are encrypted at rest.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EncryptionConfig {
    /// When secrets move to the first key.
    pub seal_anew: SealAnew,
    /// `name:64 hexadecimal digits`, with commas between: the first encrypts, all decrypt.
    #[serde(skip_serializing)]
    pub keys: Option<SecretString>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrecy {
    Public,
    Secret,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogConfig {
    pub format: LogFormat,
    /// A level, or directives such as `info,drydock_core=debug`.
    pub level: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceConfig {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewayConfig {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where `serve gateway` finds the instances of configstore: `host:port` each.
    pub configstore: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstanceConfig {
    /// How long an instance counts as live after it was last heard of.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub lease_ttl: Duration,
    /// How long requests in flight may go on when maintenance begins.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub maintenance_drain: Duration,
    /// Threads that read from the read model.
    pub readers: usize,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            cluster: "default".to_owned(),
            data_dir: None,
            internal_token: None,
            admin_token: None,
            encryption: EncryptionConfig::default(),
            log: LogConfig { format: LogFormat::Text, level: "info".to_owned() },
            configstore: ServiceConfig { listen: SocketAddr::from(([127, 0, 0, 1], 8001)) },
            gateway: GatewayConfig {
                listen: SocketAddr::from(([127, 0, 0, 1], 8000)),
                configstore: vec!["127.0.0.1:8001".to_owned()],
            },
            instance: InstanceConfig {
                lease_ttl: Duration::from_secs(10),
                maintenance_drain: Duration::from_secs(10),
                readers: 4,
            },
            http: HttpSettings::default(),
            store: StoreSettings::default(),
            coordination: CoordinationConfig::default(),
            objects: ObjectsConfig::default(),
        }
    }
}
