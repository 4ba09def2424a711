//! Objects as they are stored: with fields that no client may see, and without fields that are
//! looked up for an answer.
//!
//! Users, organizations and remote sources are answered as they are stored, so the contract has
//! their types. What is left of a deleted user or organization is no answer ([`DeletedOwner`]).

mod member;
mod owner;
mod scoped;
mod token;
mod tree;

use jiff::Timestamp;
use serde::Serialize;

pub use member::Member;
pub use owner::{DeletedOwner, is_owner};
pub use scoped::{Identity, ScopedRecord, Secret, Variable};
pub use token::{LinkedAccount, Token};
pub use tree::{Project, ProjectGroup};

use drydock_api::configstore::types::{Org, RemoteSource, User};
use drydock_http::api::precondition::etag;

/// The fields that every stored object has.
pub trait Stored: Serialize {
    fn revision(&self) -> u64;

    /// Counts one more change.
    fn touch(&mut self, now: Timestamp);

    /// The hash of the fields that clients can change and see.
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
