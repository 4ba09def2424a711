//! The certificate of a server, which may be replaced while it runs.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use rustls::crypto::{CryptoProvider, ring};
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig};
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

use super::tls::{self, Identity, TlsError};

/// How often it is looked whether the files have changed.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Files of a server, in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerTls {
    /// The certificate that the server presents. It is read again when its files change.
    pub identity: Identity,
    /// The authorities of clients; none: clients need no certificate.
    pub client_ca_file: Option<PathBuf>,
}

impl ServerTls {
    /// Reads the files.
    ///
    /// # Errors
    /// If one cannot be used.
    pub fn acceptor(&self) -> Result<TlsAcceptor, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()?;
        let config = match &self.client_ca_file {
            None => config.with_no_client_auth(),
            Some(path) => {
                let mut roots = RootCertStore::empty();
                for certificate in tls::certificates(path)? {
                    roots.add(certificate)?;
                }
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone());
                config.with_client_cert_verifier(verifier.build().map_err(TlsError::Authorities)?)
            }
        };
        let resolver = Resolver::new(self.identity.clone(), provider)?;
        Ok(TlsAcceptor::from(Arc::new(config.with_cert_resolver(Arc::new(resolver)))))
    }
}

/// Finds the certificate for a handshake: the newest that could be read.
#[derive(Debug)]
struct Resolver {
    identity: Identity,
    provider: Arc<CryptoProvider>,
    current: Mutex<Current>,
}

#[derive(Debug)]
struct Current {
    key: Arc<CertifiedKey>,
    /// When the files were changed and looked at last.
    changed: Option<(SystemTime, SystemTime)>,
    looked: Instant,
}

impl Resolver {
    fn new(identity: Identity, provider: Arc<CryptoProvider>) -> Result<Resolver, TlsError> {
        let changed = changed(&identity);
        let key = read(&identity, &provider)?;
        let current = Current { key, changed, looked: Instant::now() };
        Ok(Resolver { identity, provider, current: Mutex::new(current) })
    }

    fn newest(&self) -> Arc<CertifiedKey> {
        let mut current = self.current.lock().expect("no holder of this lock panics");
        if current.looked.elapsed() < LOOK_AGAIN {
            return current.key.clone();
        }
        current.looked = Instant::now();
        let changed = changed(&self.identity);
        if changed != current.changed {
            match read(&self.identity, &self.provider) {
                Ok(key) => {
                    tracing::info!(file = %self.identity.cert_file.display(), "new certificate");
                    (current.key, current.changed) = (key, changed);
                }
                // The other file may be replaced in a moment.
                Err(error) => {
                    let error = drydock_core::error::Chain(&error);
                    tracing::warn!(%error, "the new certificate cannot be used: the old one stays");
                }
            }
        }
        current.key.clone()
    }
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.newest())
    }
}

fn changed(Identity { cert_file, key_file }: &Identity) -> Option<(SystemTime, SystemTime)> {
    let changed = |path: &PathBuf| std::fs::metadata(path).and_then(|found| found.modified()).ok();
    Some((changed(cert_file)?, changed(key_file)?))
}

fn read(
    Identity { cert_file, key_file }: &Identity,
    provider: &CryptoProvider,
) -> Result<Arc<CertifiedKey>, TlsError> {
    let chain = tls::certificates(cert_file)?;
    let pair = CertifiedKey::from_der(chain, tls::key(key_file)?, provider);
    Ok(Arc::new(pair.map_err(|error| tls::unusable(error, cert_file, key_file))?))
}
