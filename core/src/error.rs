//! Errors for clients, kept apart from causes that are only logged.
//!
//! [`ApiError`] is the one type that may reach a client: its kind, code and message are public, its
//! source never is. Layers below have small enums of their own; a boundary answers with the *first*
//! [`ApiError`] in the chain of causes, or with `internal` if there is none. A client of another
//! service returns [`RemoteError`]; a boundary does not show that to its own caller.
//!
//! Absent on purpose: HTTP. The mapping of kinds to status codes is in `services/http`.

mod class;
mod code;
mod failure;

use std::error::Error;
use std::fmt;
use std::panic::Location;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use class::FailureClass;
pub use code::Code;
pub use failure::{ActionError, Failure};

/// Any error that travels up to a boundary.
pub type BoxError = Box<dyn Error + Send + Sync>;

macro_rules! names {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($variant,)* }

        impl $name {
            pub const ALL: &[$name] = &[$($name::$variant,)*];

            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = ();
            fn from_str(text: &str) -> Result<$name, ()> {
                match text { $($text => Ok($name::$variant),)* _ => Err(()) }
            }
        }
    };
}

names! {
    /// The kind of failure: it decides the status, and whether to try again.
    Kind {
        BadRequest = "bad_request",
        Unauthorized = "unauthorized",
        Forbidden = "forbidden",
        NotExist = "not_exist",
        Gone = "gone",
        MethodNotAllowed = "method_not_allowed",
        Conflict = "conflict",
        PreconditionFailed = "precondition_failed",
        TooLarge = "too_large",
        UnsupportedMediaType = "unsupported_media_type",
        Unprocessable = "unprocessable",
        TooManyRequests = "too_many_requests",
        Internal = "internal",
        Unavailable = "unavailable",
        Timeout = "timeout",
    }
}

impl Kind {
    /// The code of an error that names none.
    pub fn default_code(self) -> &'static str {
        match self {
            Kind::Timeout => Code::DeadlineExceeded.as_str(),
            Kind::TooLarge => Code::BodyTooLarge.as_str(),
            other => other.as_str(),
        }
    }

    /// The message of an error that has none.
    pub fn default_message(self) -> &'static str {
        match self {
            Kind::BadRequest => "the request is not valid",
            Kind::Unauthorized => "the request needs a valid token",
            Kind::Forbidden => "the token does not allow this",
            Kind::NotExist => "the object does not exist",
            Kind::Gone => "what was there is gone",
            Kind::MethodNotAllowed => "this path does not allow the method",
            Kind::Conflict => "the request conflicts with the state of the object",
            Kind::PreconditionFailed => "the object has changed",
            Kind::TooLarge => "the request is too large",
            Kind::UnsupportedMediaType => "the media type is not supported",
            Kind::Unprocessable => "the content could not be processed",
            Kind::TooManyRequests => "too many requests",
            Kind::Internal => "internal server error",
            Kind::Unavailable => "the service is not available",
            Kind::Timeout => "the request did not finish before its deadline",
        }
    }
}

/// An error for a client, around a cause that the client must not see.
pub struct ApiError {
    kind: Kind,
    code: Option<Code>,
    message: Option<String>,
    source: Option<BoxError>,
    place: &'static Location<'static>,
}

impl ApiError {
    #[track_caller]
    pub fn new(kind: Kind) -> ApiError {
        ApiError { kind, code: None, message: None, source: None, place: Location::caller() }
    }

    pub fn with_code(mut self, code: Code) -> ApiError {
        self.code = Some(code);
        self
    }

    pub fn with_message(mut self, message: impl Into<String>) -> ApiError {
        self.message = Some(message.into());
        self
    }

    /// Adds the cause. It is logged, never shown.
    pub fn with_source(mut self, source: impl Into<BoxError>) -> ApiError {
        self.source = Some(source.into());
        self
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The public code; never empty.
    pub fn code(&self) -> &'static str {
        self.code.map_or(self.kind.default_code(), Code::as_str)
    }

    /// The public message; never empty.
    pub fn message(&self) -> &str {
        self.message.as_deref().unwrap_or(self.kind.default_message())
    }

    /// The place in the code that made the error.
    pub fn place(&self) -> &'static Location<'static> {
        self.place
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code(), self.message())
    }
}

impl fmt::Debug for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Chain(self))
    }
}

impl Error for ApiError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}

/// The error that a client of another service returns for every answer that is not 2xx.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("remote answered {kind} `{code}`: {message}")]
pub struct RemoteError {
    pub kind: Kind,
    pub code: String,
    pub message: String,
    /// How long the server wants to be left alone, if it said so.
    pub retry_after: Option<Duration>,
}

/// The first [`ApiError`] in the chain of causes, `error` itself included.
pub fn first_api_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a ApiError> {
    causes(error).find_map(|cause| cause.downcast_ref::<ApiError>())
}

/// `error` and all its causes, outermost first.
pub fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| {
        // The source of an I/O error skips the error that it was made from: that one comes first.
        match error.downcast_ref::<std::io::Error>() {
            Some(io) => io.get_ref().map(|inner| inner as &(dyn Error + 'static)),
            None => (*error).source(),
        }
    })
}

/// Shows an error with its whole chain of causes, and the places where they were made if known.
pub struct Chain<'a>(pub &'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut above = String::new();
        for (depth, cause) in causes(self.0).enumerate() {
            let text = cause.to_string();
            // Some libraries repeat the text of the cause in an error.
            if depth > 0 && above.contains(&text) && !cause.is::<ApiError>() {
                continue;
            }
            if depth > 0 {
                f.write_str(": caused by: ")?;
            }
            f.write_str(&text)?;
            above = text;
            if let Some(api) = cause.downcast_ref::<ApiError>() {
                write!(f, " ({}:{})", api.place.file(), api.place.line())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("layer `{0}`")]
    struct Layer(&'static str, #[source] BoxError);

    #[test]
    fn the_first_api_error_in_the_chain_is_found() {
        let inner = ApiError::new(Kind::Internal).with_message("inner");
        let outer = ApiError::new(Kind::Conflict).with_code(Code::LastOwner).with_source(inner);
        let wrapped = Layer("a", Box::new(Layer("b", Box::new(outer))));
        let found = first_api_error(&wrapped).expect("there is one");
        assert_eq!((found.kind(), found.code()), (Kind::Conflict, "last_owner"));
    }

    #[test]
    fn an_api_error_inside_an_io_error_is_found() {
        let inner = ApiError::new(Kind::Conflict);
        let wrapped = Layer("a", Box::new(std::io::Error::other(inner)));
        assert!(first_api_error(&wrapped).is_some());
    }

    #[test]
    fn a_cause_whose_text_its_error_repeats_is_shown_once() {
        let wrapped = Layer("disk full", Box::new(Layer("disk full", "disk full".into())));
        assert_eq!(Chain(&wrapped).to_string(), "layer `disk full`");
        let wrapped = Layer("a", Box::new(Layer("b", "disk full".into())));
        let told = "layer `a`: caused by: layer `b`: caused by: disk full";
        assert_eq!(Chain(&wrapped).to_string(), told);
    }

    #[test]
    fn a_chain_without_api_error_has_none() {
        let plain = Layer("a", "disk full".into());
        assert!(first_api_error(&plain).is_none());
    }

    #[test]
    fn the_log_line_holds_every_cause_and_the_place() {
        let error = ApiError::new(Kind::Internal).with_source(Layer("a", "disk full".into()));
        let line = Chain(&error).to_string();
        for part in ["internal server error", "error.rs:", "layer `a`", "disk full"] {
            assert!(line.contains(part), "{line}");
        }
    }

    #[test]
    fn the_public_text_never_holds_the_source() {
        let error = ApiError::new(Kind::Internal).with_source("password in the cause");
        assert!(!error.to_string().contains("password"));
        assert!(!error.message().is_empty() && !error.code().is_empty());
    }

    #[test]
    fn kinds_and_codes_read_back_from_their_names() {
        for kind in Kind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(*kind));
        }
        for code in Code::ALL {
            assert_eq!(code.as_str().parse(), Ok(*code));
        }
        let sorted = Code::ALL.windows(2).all(|pair| pair[0].as_str() < pair[1].as_str());
        assert!(sorted, "codes are kept in alphabetical order");
    }
}
