//! What clients and operators asked, and what they were told.
//!
//! Every call is noted when it is made and when it ends. A call that ended without a definite
//! answer may have taken effect, or may still: the oracles allow both.

mod answer;
mod call;
mod domain;
mod gateway;
mod runs;
mod tree;

pub use answer::{Answer, Named, Reply, Status};
pub use call::{Call, Intent, Reads, Role, Server};
pub use domain::{Drydock, History, Operation};
pub use gateway::{Act, By, GatewayCall, Token};
pub use runs::{BadCall, LogName, LogSeen, RunSeen, RunsCall, RunsReply};
pub use tree::{MARKER, Text, TreeCall};
