//! The keys of TLS between clients, the gateway and the services. Files are in PEM.

use std::path::PathBuf;

use drydock_backends::connect::{Identity, ServerTls, TlsSettings};
use serde::{Deserialize, Serialize};

/// TLS of one listener. Without a certificate it speaks plain HTTP.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListenTls {
    /// The certificate, followed by the chain to its issuer; read again when it changes.
    pub cert_file: Option<PathBuf>,
    pub key_file: Option<PathBuf>,
    /// Authorities of clients: every client must present a certificate of one of them.
    pub client_ca_file: Option<PathBuf>,
}

/// TLS of calls to services behind `https`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallTls {
    /// Authorities that are trusted; by default the machine's.
    pub ca_file: Option<PathBuf>,
    /// The certificate to present to services that ask for one.
    pub cert_file: Option<PathBuf>,
    pub key_file: Option<PathBuf>,
}

impl ListenTls {
    /// `None`: plain HTTP.
    pub fn server(&self) -> Option<ServerTls> {
        let identity = identity(&self.cert_file, &self.key_file)?;
        Some(ServerTls { identity, client_ca_file: self.client_ca_file.clone() })
    }
}

impl CallTls {
    pub fn settings(&self) -> TlsSettings {
        let identity = identity(&self.cert_file, &self.key_file);
        TlsSettings { ca_file: self.ca_file.clone(), identity }
    }
}

fn identity(cert_file: &Option<PathBuf>, key_file: &Option<PathBuf>) -> Option<Identity> {
    Some(Identity { cert_file: cert_file.clone()?, key_file: key_file.clone()? })
}
