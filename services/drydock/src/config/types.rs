//! Every key of the configuration, with its default.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use drydock_configstore::Reencrypt;
use drydock_core::store::StoreSettings;
use drydock_http::server::HttpSettings;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::executor::ExecutorConfig;
use super::runservice::RunserviceConfig;
use super::stores::{CoordinationConfig, ObjectsConfig};
use super::tls::{CallTls, ListenTls};

/// The whole configuration. A key without a default is absent until a layer sets it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The deployment's name. It separates deployments that share a coordination store or a bucket.
    pub cluster: String,
    /// The directory of read models, and of all data that is kept in files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_dir: Option<PathBuf>,
    /// The token that callers of configstore and runservice must present.
    #[serde(skip_serializing)]
    pub internal_token: Option<SecretString>,
    pub encryption: EncryptionConfig,
    /// The token that administrators present to the gateway.
    #[serde(skip_serializing)]
    pub admin_token: Option<SecretString>,
    pub log: LogConfig,
    pub configstore: ServiceConfig,
    pub gateway: GatewayConfig,
    pub runservice: RunserviceConfig,
    pub executor: ExecutorConfig,
    pub instance: InstanceConfig,
    pub http: HttpSettings,
    pub store: StoreSettings,
    pub coordination: CoordinationConfig,
    pub objects: ObjectsConfig,
}

/// The keys without a default, and whether they are secret.
pub(super) const WITHOUT_DEFAULT: [(&str, Secrecy); 37] = [
    ("data_dir", Secrecy::Public),
    ("internal_token", Secrecy::Secret),
    ("admin_token", Secrecy::Secret),
    ("encryption.keys", Secrecy::Secret),
    ("executor.token", Secrecy::Secret),
    ("executor.tls.ca_file", Secrecy::Public),
    ("executor.tls.cert_file", Secrecy::Public),
    ("executor.tls.key_file", Secrecy::Public),
    ("log.audit_file", Secrecy::Public),
    ("instance.advertise", Secrecy::Public),
    ("instance.tls.ca_file", Secrecy::Public),
    ("instance.tls.cert_file", Secrecy::Public),
    ("instance.tls.key_file", Secrecy::Public),
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
    ("configstore.tls.cert_file", Secrecy::Public),
    ("configstore.tls.key_file", Secrecy::Public),
    ("configstore.tls.client_ca_file", Secrecy::Public),
    ("gateway.tls.cert_file", Secrecy::Public),
    ("gateway.tls.key_file", Secrecy::Public),
    ("gateway.tls.client_ca_file", Secrecy::Public),
    ("runservice.tls.cert_file", Secrecy::Public),
    ("runservice.tls.key_file", Secrecy::Public),
    ("runservice.tls.client_ca_file", Secrecy::Public),
    ("gateway.services.ca_file", Secrecy::Public),
    ("gateway.services.cert_file", Secrecy::Public),
    ("gateway.services.key_file", Secrecy::Public),
];

/// How secrets are encrypted at rest.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EncryptionConfig {
    /// When secrets that are encrypted under other keys move to the first key.
    pub seal_anew: Reencrypt,
    /// `name:64 hexadecimal digits`, separated by commas: the first key encrypts, all decrypt.
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
    /// The file to which the audit's lines are appended as JSON; without it they are in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit_file: Option<PathBuf>,
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
    /// The address and port to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    #[serde(default, skip_serializing)]
    pub tls: ListenTls,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewayConfig {
    /// The address and port to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The instances of configstore that `serve gateway` calls, each `host:port`, or all
    /// `https://host:port`.
    pub configstore: Vec<String>,
    /// The instances of runservice that `serve gateway` calls, in the same way.
    pub runservice: Vec<String>,
    #[serde(default, skip_serializing)]
    pub tls: ListenTls,
    #[serde(default, skip_serializing)]
    pub services: CallTls,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstanceConfig {
    /// How long an instance counts as live after its last heartbeat.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub lease_ttl: Duration,
    /// How long requests in flight may go on when maintenance begins.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub maintenance_drain: Duration,
    /// The number of threads that read from the read model.
    pub readers: usize,
    /// The host, with or without a port, by which others reach this instance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advertise: Option<String>,
    /// Whether changes are forwarded to the one instance that commits for all.
    pub forward: bool,
    /// Of calls to the other instances of the same service.
    #[serde(default, skip_serializing)]
    pub tls: CallTls,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            cluster: "default".to_owned(),
            data_dir: None,
            internal_token: None,
            admin_token: None,
            encryption: EncryptionConfig::default(),
            log: LogConfig { format: LogFormat::Text, level: "info".to_owned(), audit_file: None },
            configstore: ServiceConfig {
                listen: SocketAddr::from(([127, 0, 0, 1], 8001)),
                tls: ListenTls::default(),
            },
            gateway: GatewayConfig {
                listen: SocketAddr::from(([127, 0, 0, 1], 8000)),
                configstore: vec!["127.0.0.1:8001".to_owned()],
                runservice: vec!["127.0.0.1:8002".to_owned()],
                tls: ListenTls::default(),
                services: CallTls::default(),
            },
            runservice: RunserviceConfig::default(),
            executor: ExecutorConfig::default(),
            instance: InstanceConfig {
                lease_ttl: Duration::from_secs(10),
                maintenance_drain: Duration::from_secs(10),
                readers: 4,
                advertise: None,
                forward: true,
                tls: CallTls::default(),
            },
            http: HttpSettings::default(),
            store: StoreSettings::default(),
            coordination: CoordinationConfig::default(),
            objects: ObjectsConfig::default(),
        }
    }
}
