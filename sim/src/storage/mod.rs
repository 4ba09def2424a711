//! What the product's coordination and objects are in a run, and what the oracles learn from them.
//!
//! | fidelity | coordination | objects |
//! |---|---|---|
//! | `wire` | the etcd client and simulated etcd members | the S3 client and a simulated S3 |
//! | `embedded` | the embedded store on a simulated disk | synced files on the same disk |
//! | `direct` | the reference implementation in memory | in memory |
//!
//! Either way the same faults of a plan are carried out, every state that there ever was is kept,
//! and everything that happens gets an event.

mod direct;
mod embedded;
mod faults;
mod fidelity;
pub mod seams;
mod traced;
mod wire;

#[cfg(test)]
mod tests;

pub use faults::StorageFaults;
pub use fidelity::Storage;
pub use seams::Accepts;
