//! The class of a failure: its meaning to a caller, whichever errors wrap it.
//!
//! Invariant: an error that wraps another has the class of that one. So the answer to a request,
//! and whether it is tried again, does not depend on the path that a failure took.

/// The meaning of a failure. Each error type has a method that answers it, and asks its cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureClass {
    /// The coordination store did not answer, or refused for now.
    CoordinationUnavailable,
    /// The coordination store has no space left. The request changed nothing.
    CoordinationFull,
    /// The disk of this instance's read model is full. The request changed nothing.
    ReadModelFull,
    /// Object storage did not answer, or refused for now.
    ObjectsUnavailable,
    /// The caller's time was over, or it has gone.
    Interrupted,
    /// It cannot be known whether the request took effect.
    OutcomeUnknown,
    /// None of these: trying again does not help.
    Other,
}

impl FailureClass {
    /// Whether the systems below may do the same soon.
    pub fn is_transient(self) -> bool {
        matches!(self, FailureClass::CoordinationUnavailable | FailureClass::ObjectsUnavailable)
    }
}
