//! The simulated world: hosts, network and time. Turmoil stays inside this folder.

mod ambient;
mod clock;
mod cluster;
mod net;
mod stream;

pub use clock::{SimClock, host_elapsed};
pub use cluster::{Backstage, Cluster, Stop};
pub use net::SimNet;

#[cfg(test)]
mod tests;
