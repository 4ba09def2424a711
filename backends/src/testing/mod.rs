//! Real servers for tests: processes on loopback, in folders of their own, gone with their guards.
//!
//! Which programs there are the environment says: [`ETCD`] and [`WEED`] name them. Where one is
//! missing the test says so and passes, unless `CI` is set: there nothing may be left out.
//!
//! A port is free when it is asked for; another process may be quicker. Who starts a server
//! therefore tries a few times.

mod etcd;
mod process;
mod program;
mod proxy;
mod weed;

pub use etcd::{EtcdServers, ServerTls};
pub use process::{Process, free_addresses};
pub use program::{ETCD, WEED, program};
pub use proxy::{Proxy, Way};
pub use weed::Weed;
