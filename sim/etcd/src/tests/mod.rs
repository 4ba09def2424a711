//! The services through the real etcd-client, over streams in memory and with paused time.

mod client;
mod faults;
mod harness;
mod hooks;
mod watchers;
