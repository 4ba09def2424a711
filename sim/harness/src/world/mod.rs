//! The simulated world: hosts, network, disks and time. Turmoil stays inside this folder.

mod ambient;
mod clock;
mod cluster;
mod disk;
mod net;
pub mod shim;
mod stream;

pub use ambient::current_host;
pub use clock::{SimClock, host_elapsed};
pub use cluster::{Cluster, FaultHooks, Settings, Stop};
pub use disk::{OpenDisk, SimDisk};
pub use net::{SimListener, SimNet};
pub use stream::{SimStream, last_sender};

#[cfg(test)]
mod tests;
