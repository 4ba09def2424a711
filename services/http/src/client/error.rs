//! Why there is no answer that says success.

use drydock_core::error::{BoxError, Kind, RemoteError};
use http::StatusCode;

use crate::api::error_body::{ErrorBody, kind_of};

/// Why there is no answer that says success.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Answered, with a status that is not 2xx.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// Never reached the server: not applied.
    #[error("the request to `{authority}` was not sent")]
    NotSent {
        authority: String,
        #[source]
        source: BoxError,
    },
    /// Sent, but not fully answered: may have been applied, or still be.
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
    /// 503 for what lies behind it, 504) does not know either.
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

/// What an answer that is not 2xx says; if the body is not ours, what its status says.
pub fn remote_error(status: StatusCode, body: &[u8]) -> RemoteError {
    let kind = kind_of(status);
    match serde_json::from_slice::<ErrorBody>(body) {
        Ok(body) => RemoteError { kind, code: body.code, message: body.message },
        Err(_) => RemoteError {
            kind,
            code: kind.default_code().to_owned(),
            message: format!("the server answered {status} without an explanation"),
        },
    }
}
