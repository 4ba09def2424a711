//! What a failed handshake means, and what to do about it.

use std::io;

use drydock_core::net::BoxStream;
use rustls::pki_types::ServerName;
use rustls::{CertificateError, Error as TlsFailure, InconsistentKeys};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A handshake that failed. Its text says why; the source is what the TLS library says.
#[derive(Debug, thiserror::Error)]
#[error("{meaning}")]
struct Refused {
    meaning: String,
    source: io::Error,
}

/// Speaks TLS on a connection, as the client of this name.
///
/// # Errors
/// If the handshake fails.
pub async fn handshake(
    connector: &TlsConnector,
    name: ServerName<'static>,
    stream: BoxStream,
) -> io::Result<TlsStream<BoxStream>> {
    let host = name.to_str().into_owned();
    connector.connect(name, stream).await.map_err(|error| explained(error, &host))
}

fn explained(source: io::Error, host: &str) -> io::Error {
    let failure = source.get_ref().and_then(|cause| cause.downcast_ref());
    match failure.and_then(|failure| meaning(failure, host)) {
        Some(meaning) => io::Error::new(source.kind(), Refused { meaning, source }),
        None => source,
    }
}

fn meaning(failure: &TlsFailure, host: &str) -> Option<String> {
    use CertificateError as Bad;
    let clock = "or the clock of this machine is wrong";
    Some(match failure {
        TlsFailure::InvalidMessage(_) => {
            format!("`{host}` does not speak TLS at this port: its address begins with `http://`")
        }
        TlsFailure::InvalidCertificate(bad) => match bad {
            Bad::Expired | Bad::ExpiredContext { .. } => {
                format!("the certificate of `{host}` has expired, {clock}")
            }
            Bad::NotValidYet | Bad::NotValidYetContext { .. } => {
                format!("the certificate of `{host}` is not valid yet, {clock}")
            }
            Bad::NotValidForName | Bad::NotValidForNameContext { .. } => {
                format!("the certificate is for another name than `{host}`")
            }
            // Another authority of the same name, or none that is trusted.
            Bad::UnknownIssuer | Bad::BadSignature => format!(
                "the certificate of `{host}` has an issuer that is not trusted: name the issuer's \
                 certificate with `--ca` or `ca_file`"
            ),
            // The library below has no public name for it.
            other if format!("{other:?}").contains("CaUsedAsEndEntity") => format!(
                "the certificate of `{host}` is one of an authority (`CA:TRUE`), which may sign \
                 others and not stand for a server: let it sign one for the server, or make one \
                 with `basicConstraints=CA:FALSE`"
            ),
            _ => return None,
        },
        _ => return None,
    })
}

/// Whether a certificate and a key belong to different pairs.
pub(super) fn is_mismatch(error: &TlsFailure) -> bool {
    matches!(error, TlsFailure::InconsistentKeys(InconsistentKeys::KeyMismatch))
}
