//! Failures as types: what an operation can refuse is a type of its own, from which its codes
//! follow. The compiler compares what an action returns with what its operation declares.
//!
//! [`ApiError`] on purpose does not turn into an [`ActionError`]: it may have any code.

use std::convert::Infallible;
use std::fmt;
use std::panic::Location;

use super::{ApiError, BoxError, Code};

/// One refusal, or all refusals of an operation. Its text is shown to the client.
pub trait Failure: fmt::Display + Send + Sync + 'static {
    /// Every code that a value of this type can have.
    fn codes() -> Vec<Code>;

    fn code(&self) -> Code;
}

impl<F: Failure> From<F> for ApiError {
    #[track_caller]
    fn from(failure: F) -> ApiError {
        let code = failure.code();
        ApiError::new(code.kind()).with_code(code).with_message(failure.to_string())
    }
}

/// The error of an action whose operation can refuse what `F` says.
#[derive(Debug)]
pub enum ActionError<F> {
    /// Is answered with its code and its text.
    Refused { failure: F, place: &'static Location<'static>, source: Option<BoxError> },
    /// Is answered as the store's own errors are.
    Internal(BoxError),
}

impl<F> ActionError<F> {
    /// An error of which no client is told.
    pub fn internal(error: impl Into<BoxError>) -> ActionError<F> {
        ActionError::Internal(error.into())
    }

    /// A refusal with its cause, which is logged, never shown.
    #[track_caller]
    pub fn because(refusal: impl Into<F>, source: impl Into<BoxError>) -> ActionError<F> {
        let (failure, place) = (refusal.into(), Location::caller());
        ActionError::Refused { failure, place, source: Some(source.into()) }
    }

    /// The same error among the failures of which `F` is one.
    pub fn widen<G: From<F>>(self) -> ActionError<G> {
        match self {
            ActionError::Refused { failure, place, source } => {
                ActionError::Refused { failure: failure.into(), place, source }
            }
            ActionError::Internal(error) => ActionError::Internal(error),
        }
    }
}

impl<F: Failure> ActionError<F> {
    /// The error as it travels up to a boundary, which answers with the first [`ApiError`] in it.
    pub fn boxed(self) -> BoxError {
        match self {
            ActionError::Refused { failure, place, source } => {
                ApiError { place, source, ..ApiError::from(failure) }.into()
            }
            ActionError::Internal(error) => error,
        }
    }
}

impl<R: Failure, F: From<R>> From<R> for ActionError<F> {
    #[track_caller]
    fn from(refusal: R) -> ActionError<F> {
        let (failure, place) = (F::from(refusal), Location::caller());
        ActionError::Refused { failure, place, source: None }
    }
}

impl<F> From<serde_json::Error> for ActionError<F> {
    fn from(error: serde_json::Error) -> ActionError<F> {
        ActionError::internal(error)
    }
}

/// No refusal at all.
impl Failure for Infallible {
    fn codes() -> Vec<Code> {
        Vec::new()
    }

    fn code(&self) -> Code {
        match *self {}
    }
}

/// Defines refusals: each is a struct with a text, and has the code of the same name, or the one
/// that is named. They are no errors of the standard library: what takes any of those (such as
/// `BoxError`) would answer them as `internal`.
#[macro_export]
macro_rules! refusals {
    (@code $name:ident) => { $crate::error::Code::$name };
    (@code $name:ident $code:ident) => { $crate::error::Code::$code };
    ($(
        $(#[$doc:meta])*
        $name:ident $(($($field:ident: $type:ty),*))? $(as $code:ident)? = $text:literal;
    )*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name $(($(pub $type),*))?;

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                let $name $(($($field),*))? = self;
                write!(f, $text)
            }
        }

        impl $crate::error::Failure for $name {
            fn codes() -> Vec<$crate::error::Code> {
                vec![$crate::refusals!(@code $name $($code)?)]
            }

            fn code(&self) -> $crate::error::Code {
                $crate::refusals!(@code $name $($code)?)
            }
        }
    )*};
}

/// Defines the failures of operations: each is an enum with one variant for each refusal, which has
/// the refusal's name.
#[macro_export]
macro_rules! failures {
    ($($(#[$doc:meta])* $name:ident { $($refusal:ident),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub enum $name { $($refusal($refusal)),* }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                match self { $($name::$refusal(refusal) => refusal.fmt(f)),* }
            }
        }

        impl $crate::error::Failure for $name {
            fn codes() -> Vec<$crate::error::Code> {
                [$(<$refusal as $crate::error::Failure>::codes()),*].concat()
            }

            fn code(&self) -> $crate::error::Code {
                match self { $($name::$refusal(refusal) => refusal.code()),* }
            }
        }

        $(impl From<$refusal> for $name {
            fn from(refusal: $refusal) -> $name {
                $name::$refusal(refusal)
            }
        })*
    )*};
}
