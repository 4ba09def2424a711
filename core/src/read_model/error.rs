//! The errors of a store, and the one place that maps them to errors for clients.

use super::version::VersionError;
use crate::checkpoint::CheckpointError;
use crate::context::Interrupted;
use crate::coord;
use crate::db::DbError;
use crate::error::{
    ActionError, ApiError, BoxError, Chain, Code, FailureClass, Kind, first_api_error,
};
use crate::fault::Injected;
use crate::log::commit::CommitError;
use crate::log::format::FormatError;
use crate::log::segment::SegmentError;
use crate::objects::ObjectError;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the read model is not loaded")]
    NotReady,
    #[error("the store is in maintenance")]
    Maintenance,
    #[error("the store is shutting down")]
    Closed,
    /// A background task must not publish its result any more.
    #[error("the task's lock was lost, or somebody else came first")]
    Fenced,
    /// The transaction may have been committed.
    #[error("the store stopped before the transaction was answered")]
    Abandoned,
    #[error("the queue of transactions is full")]
    Busy,
    #[error("as many exports are under way as are allowed")]
    TooManyExports,
    #[error("the transaction holds `{bytes}` bytes, the limit is `{limit}`")]
    TooLarge { bytes: usize, limit: usize },
    /// Object storage failed for a whole batch.
    #[error("object storage is unavailable: {0}")]
    StorageUnavailable(String),
    /// The batch failed as a whole.
    #[error("the batch failed: {0}")]
    Failed(String),
    #[error(
        "object storage belongs to another coordination store: lineage `{theirs}` was begun there, \
         lineage `{ours}` is in force here"
    )]
    Foreign { ours: uuid::Uuid, theirs: uuid::Uuid },
    #[error(
        "object storage holds nothing of lineage `{lineage}`, which is in force in the \
         coordination store: it is another bucket, or its content is lost"
    )]
    OtherObjects { lineage: uuid::Uuid },
    /// It is recovered with the next load.
    #[error("the coordination store was set back: objects hold other commits than it names")]
    SetBack,
    /// The commit is in the log, and a step after it failed. Whoever asked must not take the
    /// cause's word that nothing happened.
    #[error("the commit was made, and a step after it failed")]
    AfterCommit(#[source] Box<StoreError>),
    #[error("the log is broken: {0}")]
    BrokenLog(String),
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    #[error(transparent)]
    Coordination(#[from] coord::Error),
    #[error(transparent)]
    Objects(#[from] ObjectError),
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    #[error(transparent)]
    Segment(#[from] SegmentError),
    #[error(transparent)]
    Bootstrap(#[from] BootstrapError),
    #[error(transparent)]
    Commit(#[from] CommitError),
    #[error(transparent)]
    Format(#[from] FormatError),
    #[error(transparent)]
    Version(#[from] VersionError),
    #[error(transparent)]
    Injected(#[from] Injected),
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Why the first boot of a store failed.
#[derive(Debug, thiserror::Error)]
pub enum BootstrapError {
    #[error(transparent)]
    Coordination(#[from] coord::Error),
    #[error(transparent)]
    Objects(#[from] ObjectError),
    #[error(transparent)]
    Format(#[from] FormatError),
    #[error(transparent)]
    Injected(#[from] Injected),
}

impl BootstrapError {
    fn class(&self) -> FailureClass {
        match self {
            BootstrapError::Coordination(error) => error.class(),
            BootstrapError::Objects(error) => error.class(),
            BootstrapError::Format(_) | BootstrapError::Injected(_) => FailureClass::Other,
        }
    }
}

impl StoreError {
    /// What the failure means, whichever error of a layer below it wraps.
    pub fn class(&self) -> FailureClass {
        match self {
            StoreError::Coordination(error) => error.class(),
            StoreError::Objects(error) => error.class(),
            StoreError::Checkpoint(error) => error.class(),
            StoreError::Segment(error) => error.class(),
            StoreError::Bootstrap(error) => error.class(),
            StoreError::Commit(error) => error.class(),
            StoreError::StorageUnavailable(_) => FailureClass::ObjectsUnavailable,
            StoreError::Interrupted(_) | StoreError::Db(DbError::Interrupted(_)) => {
                FailureClass::Interrupted
            }
            StoreError::Db(DbError::Full(_)) => FailureClass::ReadModelFull,
            StoreError::Abandoned => FailureClass::OutcomeUnknown,
            StoreError::AfterCommit(cause) => match cause.class() {
                // These say nothing about an effect.
                open if open.is_transient() => open,
                FailureClass::Other if cause.public().is_none() => FailureClass::Other,
                _ => FailureClass::OutcomeUnknown,
            },
            StoreError::NotReady
            | StoreError::Maintenance
            | StoreError::Closed
            | StoreError::Fenced
            | StoreError::Busy
            | StoreError::TooManyExports
            | StoreError::TooLarge { .. }
            | StoreError::Failed(_)
            | StoreError::Foreign { .. }
            | StoreError::OtherObjects { .. }
            | StoreError::SetBack
            | StoreError::BrokenLog(_)
            | StoreError::Format(_)
            | StoreError::Version(_)
            | StoreError::Injected(_)
            | StoreError::Db(_) => FailureClass::Other,
        }
    }

    /// The error that a client sees; `None`: an internal error.
    fn public(&self) -> Option<(Kind, Code, &'static str)> {
        Some(match self {
            StoreError::NotReady | StoreError::Closed | StoreError::SetBack => {
                (Kind::Unavailable, Code::NotReady, "the service is not ready")
            }
            StoreError::Maintenance => {
                (Kind::Unavailable, Code::Maintenance, "the service is in maintenance")
            }
            StoreError::Busy => {
                (Kind::TooManyRequests, Code::TooManyRequests, "too many writes are waiting")
            }
            StoreError::TooManyExports => {
                (Kind::TooManyRequests, Code::TooManyRequests, "too many exports are under way")
            }
            StoreError::TooLarge { .. } => (
                Kind::TooLarge,
                Code::TransactionTooLarge,
                "the change is too large for one commit",
            ),
            StoreError::Version(VersionError::Unwritable { .. }) => (
                Kind::Unavailable,
                Code::UpgradePending,
                "older instances are running that would not understand the change",
            ),
            StoreError::Abandoned => {
                let message = "the service stopped before the request was finished";
                (Kind::Timeout, Code::DeadlineExceeded, message)
            }
            other => return public_class(other.class()),
        })
    }
}

fn public_class(class: FailureClass) -> Option<(Kind, Code, &'static str)> {
    Some(match class {
        FailureClass::CoordinationUnavailable => (
            Kind::Unavailable,
            Code::CoordinationUnavailable,
            "the coordination store does not answer",
        ),
        FailureClass::CoordinationFull => {
            (Kind::Unavailable, Code::CoordinationFull, "the coordination store has no space left")
        }
        FailureClass::ReadModelFull => (
            Kind::Unavailable,
            Code::ReadModelFull,
            "the disk of the instance's read model has no space left",
        ),
        FailureClass::ObjectsUnavailable => {
            (Kind::Unavailable, Code::StorageUnavailable, "object storage does not answer")
        }
        FailureClass::Interrupted => (
            Kind::Timeout,
            Code::DeadlineExceeded,
            "the request did not finish before its deadline",
        ),
        FailureClass::OutcomeUnknown => {
            (Kind::Timeout, Code::DeadlineExceeded, "whether the change took place is not known")
        }
        FailureClass::Other => return None,
    })
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> ApiError {
        match error.public() {
            Some((kind, code, message)) => {
                ApiError::new(kind).with_code(code).with_message(message).with_source(error)
            }
            None => ApiError::new(Kind::Internal).with_source(error),
        }
    }
}

impl<F> From<StoreError> for ActionError<F> {
    fn from(error: StoreError) -> ActionError<F> {
        ActionError::Internal(error.boxed())
    }
}

impl<F> From<Injected> for ActionError<F> {
    fn from(error: Injected) -> ActionError<F> {
        StoreError::Injected(error).into()
    }
}

impl StoreError {
    /// The same failure for another caller: errors of the seams cannot be cloned.
    pub(crate) fn duplicate(&self) -> StoreError {
        match self {
            StoreError::NotReady | StoreError::SetBack => StoreError::NotReady,
            StoreError::Maintenance => StoreError::Maintenance,
            StoreError::Closed => StoreError::Closed,
            other => match other.public() {
                Some((Kind::Unavailable, Code::StorageUnavailable, _)) => {
                    StoreError::StorageUnavailable(Chain(other).to_string())
                }
                Some((Kind::Unavailable, Code::CoordinationFull, _)) => {
                    let reason = Chain(other).to_string();
                    StoreError::Coordination(coord::Error::NoSpace { reason })
                }
                Some((Kind::Unavailable, Code::ReadModelFull, _)) => {
                    StoreError::Db(DbError::Full(Chain(other).to_string()))
                }
                Some((Kind::Timeout, ..)) => match other {
                    StoreError::Commit(CommitError::Lost { id, position }) => {
                        StoreError::Commit(CommitError::Lost { id: *id, position: *position })
                    }
                    _ => StoreError::Abandoned,
                },
                Some((Kind::Unavailable, ..)) => {
                    let reason = Chain(other).to_string();
                    StoreError::Coordination(coord::Error::Unavailable { reason })
                }
                _ => StoreError::Failed(Chain(other).to_string()),
            },
        }
    }

    /// The error for the caller: an [`ApiError`] with this one as its source.
    pub fn boxed(self) -> BoxError {
        Box::new(ApiError::from(self))
    }
}

impl<F> ActionError<F> {
    /// The same error, which a boundary answers as [`StoreError`] says.
    pub(crate) fn translated(self) -> ActionError<F> {
        match self {
            ActionError::Internal(error) => ActionError::Internal(translate(error)),
            refused => refused,
        }
    }
}

/// Maps the error of a closure: an error of the database becomes an [`ApiError`].
pub(crate) fn translate(error: BoxError) -> BoxError {
    if first_api_error(error.as_ref()).is_some() {
        return error;
    }
    match error.downcast::<DbError>().map(|db| StoreError::Db(*db)) {
        Ok(db) => db.boxed(),
        Err(other) => other.downcast::<StoreError>().map_or_else(|other| other, |it| it.boxed()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A client takes `maintenance` and `not_ready` as a promise that nothing was changed.
    #[test]
    fn what_fails_after_a_commit_is_never_answered_as_if_nothing_had_happened() {
        let causes = [
            StoreError::NotReady,
            StoreError::Closed,
            StoreError::SetBack,
            StoreError::Maintenance,
            StoreError::Busy,
            StoreError::Db(DbError::Full("it is".to_owned())),
            StoreError::Fenced,
            StoreError::TooLarge { bytes: 2, limit: 1 },
            StoreError::StorageUnavailable("out".to_owned()),
        ];
        for cause in causes {
            let text = cause.to_string();
            let error = ApiError::from(StoreError::AfterCommit(Box::new(cause)));
            let open = match error.kind() {
                Kind::Timeout | Kind::Internal => true,
                Kind::Unavailable => error.code() == Code::StorageUnavailable.as_str(),
                _ => false,
            };
            assert!(open, "`{text}` is answered as {} {}", error.kind(), error.code());
        }
    }
}
