//! Members that share one replicated state machine.
//!
//! There is no Raft: every member sees a prefix of one history. A member that lags has applied
//! less of it, a member that is cut off cannot propose, and there is a leader whenever a majority
//! runs and is connected. Pure: time comes in as an argument.
//!
//! Deliberately simple: a lagging member shares leases, alarms, term and compactions with the
//! others; only its keys are old.

mod bug;
mod config;
mod members;
mod ops;

#[cfg(test)]
mod tests;

pub use bug::Bug;
pub use config::{Config, MemberConfig};
pub use members::{Cluster, Member};
