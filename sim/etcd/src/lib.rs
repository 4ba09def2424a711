//! A simulated etcd: a cluster of one or three members, spoken to over gRPC.
//!
//! Time, failures and the streams it is served over come from outside,
//! so that it runs in a simulation and on real TCP alike.
//!
//! | module | holds |
//! |---|---|
//! | [`machine`] | the replicated state: keys with their history, leases, alarms |
//! | [`cluster`] | members, leader and who lags; bugs of old etcd versions |
//! | [`node`] | one member as clients meet it: waiting, time-outs, injected faults |
//! | `watchers` | what the watchers of a stream are told |
//! | `service` | the gRPC services |
//! | [`mod@serve`], [`net`] | connections, and where they come from |
//! | [`authority`] | repairs what old Go clients send |
//! | [`dump`] | all state as JSON |
//!
//! Absent: authentication (there are no users, and none can be added), changes of the membership,
//! learners, snapshots, downgrades, the HTTP gateway, TLS. A request for one of these is answered
//! `Unimplemented`.

pub mod authority;
pub mod cluster;
pub mod dump;
pub mod error;
pub mod faults;
pub mod machine;
pub mod net;
pub mod node;
pub mod serve;
mod service;
pub mod trace;
mod watchers;

#[cfg(test)]
mod tests;

pub use cluster::{Bug, Cluster, Config, MemberConfig};
pub use error::Error;
pub use faults::{Call, Failure, Faults, Injection, Method, NoFaults, Observer, Watching};
pub use net::Accept;
pub use node::{Clock, Etcd, Node};
pub use serve::serve;
