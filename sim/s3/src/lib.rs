//! A simulated S3: a server that speaks its protocol over HTTP.
//!
//! | module | holds |
//! |---|---|
//! | [`server`], [`net`] | connections: reads requests, lets faults interfere, writes answers |
//! | [`request`], [`auth`] | what is asked, and by whom |
//! | [`api`] | what each operation does and answers |
//! | [`state`] | buckets, objects and uploads as a pure state machine |
//! | [`error`], [`wire`] | answers as S3 words them |
//! | [`interference`], [`settings`] | faults, and the habits of other servers |
//! | [`dump`] | all state as a file |
//!
//! Invariants: time comes from a [`Clock`], randomness from a generator that the caller seeds; the
//! same requests at the same times get the same answers, byte for byte; an answer that says done is
//! true at once for everybody, but for faults and personalities that say otherwise. All is held in
//! memory.
//!
//! Deliberately absent: versions of objects, access control beyond signatures, encryption, object
//! lock, lifecycle rules, notifications, S3 Select.

pub mod api;
pub mod auth;
pub mod dump;
pub mod error;
pub mod interference;
pub mod net;
mod over;
pub mod request;
pub mod server;
pub mod settings;
pub mod state;
pub mod wire;

#[cfg(test)]
mod tests;

pub use error::Code;
pub use interference::{Answer, Asked, Call, Calm, Interference, Outcome, Strike};
pub use net::Accept;
pub use request::operation::Operation;
pub use server::{S3, serve};
pub use settings::{Clock, ConditionalWrites, Personality, Settings};
pub use state::Object;
