//! Classifies failures in object_store's terms.

use std::error::Error;
use std::io;

use object_store::client::{HttpError, HttpErrorKind};

/// Finds the kind as object_store does for its own client, so that callers see no difference.
pub fn classify(error: hyper_util::client::legacy::Error) -> HttpError {
    let kind = if error.is_connect() { HttpErrorKind::Connect } else { kind(&error) };
    HttpError::new(kind, error)
}

pub fn kind(error: &(dyn Error + 'static)) -> HttpErrorKind {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<hyper::Error>() {
            if error.is_closed() || error.is_incomplete_message() || error.is_body_write_aborted() {
                return HttpErrorKind::Request;
            }
            if error.is_timeout() {
                return HttpErrorKind::Timeout;
            }
        }
        if let Some(error) = error.downcast_ref::<io::Error>() {
            match error.kind() {
                io::ErrorKind::TimedOut => return HttpErrorKind::Timeout,
                io::ErrorKind::ConnectionAborted
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::BrokenPipe
                | io::ErrorKind::UnexpectedEof => return HttpErrorKind::Interrupted,
                _ => {}
            }
        }
        next = error.source();
    }
    HttpErrorKind::Unknown
}

/// The error of a wait that took too long.
pub fn timed_out(what: &str) -> HttpError {
    let error = io::Error::new(io::ErrorKind::TimedOut, format!("no {what} in time"));
    HttpError::new(HttpErrorKind::Timeout, error)
}
