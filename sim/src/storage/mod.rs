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

mod accept;
mod disk;
mod embedded;
mod etcd;
mod etcd_faults;
mod files;
mod past;
mod s3;
mod s3_faults;
mod stores;
mod whole;

#[cfg(test)]
mod tests;

pub use accept::Accepts;
pub use past::Past;
pub use stores::Stores;
pub use whole::Storage;
