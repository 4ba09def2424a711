//! The keys of the coordination store and of the objects.

use std::path::PathBuf;
use std::time::Duration;

use drydock_backends::connect::{ConnectSettings, Identity, TlsSettings};
use drydock_backends::etcd::{EtcdSettings, EtcdUser};
use drydock_backends::objects::{Addressing, Credentials, CredentialsFile, S3Settings};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

/// The coordination store. All keys but `kind` are for etcd.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoordinationConfig {
    pub kind: CoordinationKind,
    /// `http://host:port` or `https://host:port`, in the order in which they are tried.
    pub endpoints: Vec<String>,
    #[serde(skip_serializing)]
    pub user: Option<String>,
    #[serde(skip_serializing)]
    pub password: Option<SecretString>,
    /// Certificates that are trusted, in PEM; by default the machine's.
    #[serde(skip_serializing)]
    pub ca_file: Option<PathBuf>,
    /// The client's certificate, for servers that ask for one.
    #[serde(skip_serializing)]
    pub cert_file: Option<PathBuf>,
    #[serde(skip_serializing)]
    pub key_file: Option<PathBuf>,
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub dial_timeout: Duration,
    /// The bound of a call to one member.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub call_timeout: Duration,
    /// etcd's `--quota-backend-bytes`; needed where it is set, for releases before 3.6.
    pub quota_bytes: u64,
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub keep_alive_interval: Duration,
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub keep_alive_timeout: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CoordinationKind {
    /// Stored in the data directory, for one process.
    Embedded,
    Etcd,
}

/// The objects. All keys but `kind` are for S3.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectsConfig {
    pub kind: ObjectsKind,
    #[serde(skip_serializing)]
    pub bucket: Option<String>,
    pub region: String,
    /// `http://host:port` or `https://host`; by default AWS.
    #[serde(skip_serializing)]
    pub endpoint: Option<String>,
    pub addressing: AddressingConfig,
    /// Without `access_key` and `credentials_file` the credentials are found as AWS's own tools
    /// find them: from variables, a web identity, or the role of a container or a machine.
    #[serde(skip_serializing)]
    pub access_key: Option<String>,
    #[serde(skip_serializing)]
    pub secret_key: Option<SecretString>,
    #[serde(skip_serializing)]
    pub session_token: Option<SecretString>,
    /// A credentials file in the format of AWS's own tools, read again for every request.
    #[serde(skip_serializing)]
    pub credentials_file: Option<PathBuf>,
    /// The profile in the credentials file.
    pub credentials_profile: String,
    /// Certificates that are trusted, in PEM; by default the machine's.
    #[serde(skip_serializing)]
    pub ca_file: Option<PathBuf>,
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub connect_timeout: Duration,
    /// The bound from the request's first byte to the head of the answer, the upload included.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub answer_timeout: Duration,
    /// How long the body of an answer may bring nothing.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub idle_timeout: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectsKind {
    /// Stored in the data directory.
    Files,
    S3,
}

/// Whether the bucket is named by the path or by the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AddressingConfig {
    Path,
    VirtualHost,
}

impl Default for CoordinationConfig {
    fn default() -> CoordinationConfig {
        let endpoints = vec!["http://127.0.0.1:2379".to_owned()];
        let settings = EtcdSettings::new(endpoints);
        CoordinationConfig {
            kind: CoordinationKind::Embedded,
            endpoints: settings.endpoints,
            user: None,
            password: None,
            ca_file: None,
            cert_file: None,
            key_file: None,
            dial_timeout: settings.dial_timeout,
            call_timeout: settings.call_timeout,
            quota_bytes: settings.quota_bytes,
            keep_alive_interval: settings.keep_alive_interval,
            keep_alive_timeout: settings.keep_alive_timeout,
        }
    }
}

impl Default for ObjectsConfig {
    fn default() -> ObjectsConfig {
        let connect = ConnectSettings::default();
        ObjectsConfig {
            kind: ObjectsKind::Files,
            bucket: None,
            region: "us-east-1".to_owned(),
            endpoint: None,
            addressing: AddressingConfig::Path,
            access_key: None,
            secret_key: None,
            session_token: None,
            credentials_file: None,
            credentials_profile: "default".to_owned(),
            ca_file: None,
            connect_timeout: connect.connect_timeout,
            answer_timeout: connect.answer_timeout,
            idle_timeout: connect.idle_timeout,
        }
    }
}

impl CoordinationConfig {
    pub fn etcd(&self) -> EtcdSettings {
        let user = self.user.clone().zip(self.password.clone());
        let identity = self.cert_file.clone().zip(self.key_file.clone());
        EtcdSettings {
            user: user.map(|(name, password)| EtcdUser { name, password }),
            tls: TlsSettings {
                ca_file: self.ca_file.clone(),
                identity: identity.map(|(cert_file, key_file)| Identity { cert_file, key_file }),
            },
            dial_timeout: self.dial_timeout,
            call_timeout: self.call_timeout,
            quota_bytes: self.quota_bytes,
            keep_alive_interval: self.keep_alive_interval,
            keep_alive_timeout: self.keep_alive_timeout,
            ..EtcdSettings::new(self.endpoints.clone())
        }
    }
}

impl ObjectsConfig {
    /// `None` without a bucket.
    pub fn s3(&self) -> Option<S3Settings> {
        let credentials = match (&self.access_key, &self.secret_key, &self.credentials_file) {
            (Some(access_key), Some(secret_key), _) => Credentials::Keys {
                access_key: access_key.clone(),
                secret_key: secret_key.clone(),
                session_token: self.session_token.clone(),
            },
            (_, _, Some(path)) => Credentials::File(CredentialsFile {
                path: path.clone(),
                profile: self.credentials_profile.clone(),
            }),
            _ => Credentials::Environment,
        };
        Some(S3Settings {
            bucket: self.bucket.clone()?,
            region: self.region.clone(),
            endpoint: self.endpoint.clone(),
            addressing: match self.addressing {
                AddressingConfig::Path => Addressing::Path,
                AddressingConfig::VirtualHost => Addressing::VirtualHost,
            },
            credentials,
            connect: ConnectSettings {
                tls: TlsSettings { ca_file: self.ca_file.clone(), identity: None },
                connect_timeout: self.connect_timeout,
                answer_timeout: self.answer_timeout,
                idle_timeout: self.idle_timeout,
                ..ConnectSettings::default()
            },
        })
    }
}
