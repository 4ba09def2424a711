//! Objects as stored: with what a client may not see, and without what is looked up for an answer.
//!
//! Users, organizations and remote sources are answered as they are stored: those are in the
//! contract.

mod idempotency;
mod member;
mod secret;
mod token;
mod tree;
mod variable;

use jiff::Timestamp;
use serde::Serialize;

pub use idempotency::IdempotencyRecord;
pub use member::Member;
pub use secret::Secret;
pub use token::{LinkedAccount, Token};
pub use tree::{Project, ProjectGroup};
pub use variable::Variable;

use drydock_api::configstore::types::{Org, RemoteSource, User};
use drydock_http::api::precondition::etag;

/// What every stored object has.
pub trait Stored: Serialize {
    fn revision(&self) -> u64;

    /// Notes one more change.
    fn touch(&mut self, now: Timestamp);

    /// Of what clients can change and see.
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

stored!(User LinkedAccount Org Member ProjectGroup Project Variable RemoteSource);
