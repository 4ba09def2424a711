//! Logs of attempts, which are no commits until they are complete.
//!
//! | module | holds |
//! |---|---|
//! | `keys` | the names of objects, and which parts follow each other |
//! | `part` | one piece of a log in object storage |
//! | `tails` | the newest bytes, in the memory of the instance to which an executor sends them |
//! | `assembly` | a complete log of the parts that are stored |
//! | `seal` | makes complete logs of parts, once an attempt has ended |
//! | `leftovers` | deletes what nobody needs any more |
//! | `read` | the bytes of a log from any place, whichever instance is asked |
//!
//! Invariants: a byte at an offset never changes, so pieces that overlap agree and an append needs
//! no commit; no object is overwritten; a log is called complete only if its size and digest are
//! those that the executor reported; objects are deleted only after the commit that replaces them.

mod assembly;
pub mod expiry;
mod keys;
pub mod leftovers;
mod metrics;
mod part;
pub mod read;
pub mod seal;
mod tails;

use drydock_api::runservice::types::{AttemptId, LogStep};
use drydock_core::env::Env;
use drydock_core::objects::{ObjectError, Objects};
use drydock_core::store::Store;

use keys::{LogKeys, Parts};
pub use metrics::LogMetrics;
pub use tails::{AppendError, Tails};

/// The logs in object storage, as one instance sees them. Cheap to clone.
#[derive(Clone)]
pub struct Logs {
    pub env: Env,
    objects: Objects,
    keys: LogKeys,
}

impl Logs {
    pub fn new(env: Env, store: &Store) -> Logs {
        let keys = LogKeys::new(store.object_keys());
        Logs { env, objects: store.objects().clone(), keys }
    }

    /// The parts of a log that follow each other from its beginning.
    async fn parts(&self, attempt: AttemptId, step: LogStep) -> Result<Parts, ObjectError> {
        let found = match self.objects.list(&self.keys.parts(attempt, step)).await {
            // No part was stored yet.
            Err(ObjectError::NotExist(_)) => Vec::new(),
            found => found?,
        };
        Ok(Parts::contiguous(&found))
    }
}
