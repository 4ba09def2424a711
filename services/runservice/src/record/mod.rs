//! Objects as they are stored.
//!
//! Ids are typed, unknown fields are refused, and what can be computed is not stored. Absent on
//! purpose: heartbeats, progress and bytes of logs, which are no commits.

mod attempt;
mod cache;
mod executor;
mod gate;
mod run;
mod task;

use drydock_http::api::precondition::etag;
use jiff::Timestamp;
use serde::Serialize;

pub use attempt::{Attempt, SealedLog, StopOrder};
pub use cache::Cache;
pub use executor::Executor;
pub use gate::{Era, Reconciled, ResumeGate};
pub use run::{RestartOf, Run, RunCounter, RunDefinition, RunEvent, StopRequest};
pub use task::{Approval, ApprovalState, Kept, Task};

/// The fields of objects that change after their creation.
pub trait Stored: Serialize {
    fn revision(&self) -> u64;

    /// Counts one more change.
    fn touch(&mut self, now: Timestamp);

    /// The hash of the object as it is stored.
    fn etag(&self) -> String
    where
        Self: Sized,
    {
        etag(self.revision(), self)
    }
}

macro_rules! stored {
    ($($type:ty)*) => {
        $(impl Stored for $type {
            fn revision(&self) -> u64 {
                self.revision
            }

            fn touch(&mut self, now: Timestamp) {
                self.revision += 1;
                self.updated_at = now;
            }
        })*
    };
}

stored!(Attempt Executor Run Task);
