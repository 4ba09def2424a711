//! Real servers for tests: processes on loopback, in folders of their own, that end with their
//! guards.
//!
//! The environment variables [`ETCD`] and [`WEED`] name the programs. A test that needs one is
//! marked as ignored, so that a run without servers never counts it as passed; `.ci/test` brings
//! the servers and runs all tests.
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
pub use program::{CHROMIUM, ETCD, PYTHON, WEED, program};
pub use proxy::{LinkState, Proxy};
pub use weed::Weed;
