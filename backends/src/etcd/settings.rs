//! The settings of an etcd cluster.

use std::time::Duration;

use http::Uri;
use http::uri::Scheme;
use secrecy::SecretString;

use crate::connect::{TlsError, TlsSettings};

/// etcd's own default.
const DEFAULT_QUOTA_BYTES: u64 = 2 << 30;

/// The members' endpoints, credentials and time-outs.
#[derive(Debug, Clone)]
pub struct EtcdSettings {
    /// `http://host:port` or `https://host:port`, in the order in which they are asked.
    pub endpoints: Vec<String>,
    pub user: Option<EtcdUser>,
    /// Whether calls ask the member that leads, if it is one of the endpoints.
    pub prefer_leader: bool,
    /// For endpoints behind `https`.
    pub tls: TlsSettings,
    /// The limit from dialling a member to a connection, TLS and authentication included.
    pub dial_timeout: Duration,
    /// The limit from a request to its answer, for each member asked.
    pub call_timeout: Duration,
    /// The members' `--quota-backend-bytes`, for releases before 3.6, which do not tell it.
    pub quota_bytes: u64,
    /// How long a connection in use may be quiet before it is probed. etcd cuts connections that
    /// are probed more often than every 5 s (its `--grpc-keepalive-min-time`).
    pub keep_alive_interval: Duration,
    /// How long the answer to a probe may take.
    pub keep_alive_timeout: Duration,
}

#[derive(Debug, Clone)]
pub struct EtcdUser {
    pub name: String,
    pub password: SecretString,
}

impl EtcdSettings {
    /// Settings without credentials; their time-outs let a read find a second member within
    /// the 3 s that a store waits for its coordination.
    pub fn new(endpoints: Vec<String>) -> EtcdSettings {
        EtcdSettings {
            endpoints,
            user: None,
            prefer_leader: true,
            tls: TlsSettings::default(),
            dial_timeout: Duration::from_secs(1),
            call_timeout: Duration::from_secs(2),
            quota_bytes: DEFAULT_QUOTA_BYTES,
            keep_alive_interval: Duration::from_secs(6),
            keep_alive_timeout: Duration::from_secs(3),
        }
    }
}

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EtcdError {
    #[error("no endpoint of etcd is named")]
    NoEndpoint,
    #[error("endpoint `{endpoint}` is not of the form `http://host:port` or `https://host:port`")]
    Endpoint { endpoint: String },
    #[error("TLS for etcd cannot be set up")]
    Tls(#[from] TlsError),
}

/// An endpoint, taken apart.
#[derive(Debug, Clone)]
pub struct Endpoint {
    pub scheme: Scheme,
    pub host: String,
    /// `host:port`.
    pub authority: http::uri::Authority,
}

impl Endpoint {
    pub fn parse(endpoint: &str) -> Result<Endpoint, EtcdError> {
        let bad = || EtcdError::Endpoint { endpoint: endpoint.to_owned() };
        let parts = endpoint.parse::<Uri>().map_err(|_| bad())?.into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err(bad());
        };
        let known = scheme == Scheme::HTTP || scheme == Scheme::HTTPS;
        let path = parts.path_and_query.is_none_or(|path| path == "/");
        let port = authority.port_u16().is_some_and(|port| port > 0);
        let plain = port && !authority.as_str().contains('@');
        if !(known && path && plain) {
            return Err(bad());
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Endpoint { scheme, host, authority })
    }

    pub fn is_secure(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_have_a_scheme_a_host_and_a_port() {
        for good in ["http://127.0.0.1:2379", "https://etcd-1.example:2379/", "http://[::1]:1"] {
            Endpoint::parse(good).unwrap();
        }
        for bad in ["", "etcd:2379", "http://etcd", "ftp://a:1", "http://a:1/b", "http://u@a:1"] {
            let error = Endpoint::parse(bad).unwrap_err().to_string();
            assert!(error.contains(&format!("`{bad}`")), "{error}");
        }
    }
}
