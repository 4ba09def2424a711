//! A server that speaks S3 over HTTP, without knowing who uses it.
//!
//! | module | holds |
//! |---|---|
//! | [`server`] | connections: reads requests, lets faults interfere, writes answers |
//! | [`request`], [`form`], [`operation`], [`auth`] | what is asked, and by whom |
//! | [`api`] | what each operation does and answers |
//! | [`state`] | buckets, objects and uploads as a pure state machine |
//! | [`error`], [`xml`], [`reply`] | answers as S3 words them |
//! | [`interference`], [`settings`] | faults, and the habits of other servers |
//!
//! Invariants: time and randomness come from [`Env`](drydock_core::env::Env); the same requests at
//! the same times get the same answers, byte for byte; an answer that says done is true at once for
//! everybody, but for faults and personalities that say otherwise. All is held in memory.
//!
//! Deliberately absent: versions of objects, access control beyond signatures, encryption, object
//! lock, lifecycle rules, notifications, S3 Select.

pub mod api;
pub mod auth;
pub mod digest;
pub mod dump;
pub mod error;
pub mod form;
pub mod interference;
pub mod operation;
pub mod reply;
pub mod request;
pub mod server;
pub mod settings;
pub mod state;
pub mod xml;

#[cfg(test)]
mod tests;

pub use error::Code;
pub use interference::{Call, Calm, Interference, Outcome, Strike};
pub use operation::Operation;
pub use server::{S3, serve};
pub use settings::{ConditionalWrites, Personality, Settings};
pub use state::Object;
