//! The executor: runs the steps of attempts on this machine.
//!
//! So far there is what needs no service: how secrets are kept out of logs (`mask`).
//!
//! Absent so far: the protocol to runservice, claims, heartbeats and the shipping of logs.

pub mod mask;
