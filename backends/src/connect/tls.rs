//! TLS: trusted authorities and the client's own certificate.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::VerifierBuilderError;
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

use super::refused::is_mismatch;

/// The name of HTTP/2 in TLS's negotiation.
pub const HTTP_2: &[u8] = b"h2";

/// Files of certificates, in PEM.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsSettings {
    /// The trusted authorities; none: those of the operating system, or of the files that
    /// `SSL_CERT_FILE` and `SSL_CERT_DIR` name.
    pub ca_file: Option<PathBuf>,
    /// The certificate and key that are presented to servers that ask for them.
    pub identity: Option<Identity>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The certificate, followed by the chain to its issuer.
    pub cert_file: PathBuf,
    pub key_file: PathBuf,
}

#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("`{}` cannot be read as PEM", path.display())]
    File { path: PathBuf, source: pem::Error },
    #[error("`{}` holds no certificate", path.display())]
    NoCertificate { path: PathBuf },
    #[error("no trusted certificates on this machine")]
    NoRoots,
    #[error(
        "the key in `{}` does not belong to the certificate in `{}`",
        key.display(),
        cert.display()
    )]
    Mismatch { cert: PathBuf, key: PathBuf },
    #[error("a certificate or key cannot be used")]
    Unusable(#[from] rustls::Error),
    #[error("the authorities of clients cannot be used")]
    Authorities(#[source] VerifierBuilderError),
}

impl From<TlsError> for io::Error {
    fn from(error: TlsError) -> io::Error {
        io::Error::other(error)
    }
}

/// A connector that offers `protocols` in the handshake.
pub fn connector(settings: &TlsSettings, protocols: &[&[u8]]) -> Result<TlsConnector, TlsError> {
    let roots = match &settings.ca_file {
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(path)? {
                roots.add(certificate)?;
            }
            roots
        }
        None => native_roots()?,
    };
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    let mut config = match &settings.identity {
        Some(Identity { cert_file, key_file }) => {
            let config = config.with_client_auth_cert(certificates(cert_file)?, key(key_file)?);
            config.map_err(|error| unusable(error, cert_file, key_file))?
        }
        None => config.with_no_client_auth(),
    };
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Tells a pair that is none from other problems with its files.
pub(super) fn unusable(error: rustls::Error, cert: &Path, key: &Path) -> TlsError {
    match is_mismatch(&error) {
        true => TlsError::Mismatch { cert: cert.to_owned(), key: key.to_owned() },
        false => TlsError::Unusable(error),
    }
}

pub(super) fn key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let key = PrivateKeyDer::from_pem_file(path);
    key.map_err(|source| TlsError::File { path: path.to_owned(), source })
}

pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let failed = |source| TlsError::File { path: path.to_owned(), source };
    let found = CertificateDer::pem_file_iter(path).map_err(failed)?;
    let found = found.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    if found.is_empty() {
        return Err(TlsError::NoCertificate { path: path.to_owned() });
    }
    Ok(found)
}

fn native_roots() -> Result<RootCertStore, TlsError> {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "a trusted certificate cannot be read");
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        return Err(TlsError::NoRoots);
    }
    Ok(roots)
}
