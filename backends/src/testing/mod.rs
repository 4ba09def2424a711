//! Real servers for tests: processes on loopback, in folders of their own, that end with their
//! guards.
//!
//! The environment variables [`ETCD`] and [`WEED`] name the programs. If a program is missing, the
//! test says so and passes, unless `CI` is set: there no test may be left out.
//!
//! A port that was free may be taken before the server listens on it; so starting a server is tried
//! a few times.

mod etcd;
mod process;
mod program;
mod proxy;
mod weed;

pub use etcd::{EtcdServers, ServerTls};
pub use process::{Process, free_addresses};
pub use program::{ETCD, WEED, program};
pub use proxy::{LinkState, Proxy};
pub use weed::Weed;
