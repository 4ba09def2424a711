//! What may go wrong, as data of a plan.
//!
//! A family of faults is one file: what they are, how reports call them, what they do to the world
//! when they begin and end ([`Act`](drydock_harness::fault::Act)s, or changes of a simulated
//! server), and what counts as a hit. A fault that hit nothing is inert: it proves nothing.

mod coordination;
mod etcd;
mod kind;
mod link;
mod objects;
mod process;
mod watch;

pub use coordination::{CoordinationFault, Replacement};
pub use etcd::{Asked, EtcdFault};
pub use kind::{About, Effect, Fault, FaultKind, about};
pub use link::LinkFault;
pub use objects::ObjectsFault;
pub use process::ProcessFault;
pub use watch::WatchFault;
