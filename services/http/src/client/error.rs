//! The errors of a call, which say whether the request may have been applied.

use std::time::Duration;

use drydock_core::error::{BoxError, Kind, RemoteError};
use http::{HeaderMap, StatusCode, header};

use crate::api::error_body::{ErrorBody, kind_of};

/// The error of a call that got no answer with a status of 2xx.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The server answered with a status that is not 2xx.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// The request did not reach the server, and was not applied.
    #[error("the request to `{authority}` was not sent")]
    NotSent {
        authority: String,
        #[source]
        source: BoxError,
    },
    /// The request was sent and not fully answered: it may have been applied, or still be.
    #[error("the request to `{authority}` was sent and not fully answered")]
    Unknown {
        authority: String,
        #[source]
        source: BoxError,
    },
}

impl ClientError {
    pub fn remote(&self) -> Option<&RemoteError> {
        match self {
            ClientError::Remote(remote) => Some(remote),
            ClientError::NotSent { .. } | ClientError::Unknown { .. } => None,
        }
    }

    /// Whether the request may have changed something. A server that gave up in the middle (500,
    /// 503 for a store or service behind it, 504) does not know either.
    pub fn may_have_applied(&self) -> bool {
        match self {
            ClientError::NotSent { .. } => false,
            ClientError::Unknown { .. } => true,
            ClientError::Remote(remote) => match remote.kind {
                Kind::Internal | Kind::Timeout => true,
                Kind::Unavailable => !matches!(remote.code.as_str(), "maintenance" | "not_ready"),
                _ => false,
            },
        }
    }
}

/// Reads the error of an answer that is not 2xx; if the body is not ours, only the status and the
/// header `Retry-After` count.
pub fn remote_error(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> RemoteError {
    let kind = kind_of(status);
    let (code, message) = match serde_json::from_slice::<ErrorBody>(body) {
        Ok(body) => (body.code, body.message),
        Err(_) => {
            let message = format!("the server answered {status} without an explanation");
            (kind.default_code().to_owned(), message)
        }
    };
    RemoteError { kind, code, message, retry_after: retry_after(headers) }
}

/// A number of seconds. A date is not understood: it would be that of another clock.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}
