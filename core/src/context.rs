//! The deadline and cancellation of a request, passed down as an argument.
//!
//! Invariant: a child context never outlives its parent. Absent on purpose: values. A context
//! carries only its deadline and cancellation.

use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::error::{ApiError, Code, Kind};

/// Why work was interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Interrupted {
    #[error("the deadline was exceeded")]
    Deadline,
    #[error("the request was cancelled")]
    Cancelled,
}

impl From<Interrupted> for ApiError {
    fn from(interrupted: Interrupted) -> ApiError {
        let message = "the request did not finish before its deadline";
        ApiError::new(Kind::Timeout)
            .with_code(Code::DeadlineExceeded)
            .with_message(message)
            .with_source(interrupted)
    }
}

/// Deadline and cancellation of one piece of work. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Context {
    deadline: Option<Instant>,
    cancelled: CancellationToken,
}

impl Context {
    /// Without deadline, never cancelled: for the roots of background work.
    pub fn background() -> Context {
        Context { deadline: None, cancelled: CancellationToken::new() }
    }

    /// Stops when `token` is cancelled.
    pub fn with_token(token: CancellationToken) -> Context {
        Context { deadline: None, cancelled: token }
    }

    /// A child that ends after `timeout`, or with its parent, whichever is sooner.
    pub fn timeout(&self, timeout: Duration) -> Context {
        let mine = Instant::now() + timeout;
        let deadline = Some(self.deadline.map_or(mine, |parent| parent.min(mine)));
        Context { deadline, cancelled: self.cancelled.child_token() }
    }

    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// The time that is left; `None` without a deadline.
    pub fn remaining(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    pub fn cancel(&self) {
        self.cancelled.cancel();
    }

    pub fn check(&self) -> Result<(), Interrupted> {
        if self.cancelled.is_cancelled() {
            return Err(Interrupted::Cancelled);
        }
        match self.remaining() {
            Some(Duration::ZERO) => Err(Interrupted::Deadline),
            _ => Ok(()),
        }
    }

    /// Resolves when the work should stop.
    pub async fn interrupted(&self) -> Interrupted {
        let deadline = async {
            match self.deadline {
                Some(deadline) => tokio::time::sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.cancelled.cancelled() => Interrupted::Cancelled,
            () = deadline => Interrupted::Deadline,
        }
    }

    /// Runs `work`, and drops it unfinished when the context is over.
    pub async fn run<T>(&self, work: impl Future<Output = T>) -> Result<T, Interrupted> {
        tokio::select! {
            biased;
            done = work => Ok(done),
            why = self.interrupted() => Err(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn child_ends_with_its_parent() {
        let parent = Context::background().timeout(Duration::from_secs(1));
        let child = parent.timeout(Duration::from_secs(9));
        assert_eq!(child.remaining(), Some(Duration::from_secs(1)));
        assert_eq!(child.run(std::future::pending::<()>()).await, Err(Interrupted::Deadline));
    }

    #[tokio::test(start_paused = true)]
    async fn cancelling_a_child_leaves_the_parent_alone() {
        let parent = Context::background();
        let child = parent.timeout(Duration::from_secs(9));
        child.cancel();
        assert_eq!(child.check(), Err(Interrupted::Cancelled));
        assert_eq!(parent.check(), Ok(()));
        let other = parent.timeout(Duration::from_secs(9));
        parent.cancel();
        assert_eq!(other.check(), Err(Interrupted::Cancelled));
    }
}
