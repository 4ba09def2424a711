//! Coordination in etcd 3.4 or newer, over gRPC.
//!
//! | file | holds |
//! |---|---|
//! | `settings` | endpoints, credentials, TLS, time-outs |
//! | `link` | one HTTP/2 connection with one member |
//! | `members` | which member is asked, and when another one |
//! | `leader` | the member that leads, so that it is asked |
//! | `call` | one request: time-out, token, failover |
//! | `outcome` | what became of a request that failed |
//! | `wire` | requests and answers as etcd's messages |
//! | `watch` | whole revisions out of a stream of responses |
//! | `store` | [`Etcd`]: the trait |
//! | `survey` | what each member says of itself |
//!
//! Invariants:
//! - one member is asked at a time, by every call the same; whoever finds it silent or unfit moves
//!   all calls on to the next. A silent member's connection is cut, its watches with it;
//! - a write is sent again only if it surely had no effect: no byte of it left, or etcd refused it
//!   before it was proposed. Reads and renewals are asked of the next member;
//! - every dial, every call and the beginning of every watch has a time-out, on tokio's clock;
//! - every request demands that its member has a leader: one that is cut off from the others
//!   refuses at once instead of keeping its clients waiting.
//!
//! A watch that breaks ends with an error and is not taken up here: who watches knows the revision
//! to go on from, and has to watch anew after a compaction in any case.
//!
//! Absent on purpose: locks and elections of etcd's own, progress notifications (releases before
//! 3.4.25 and 3.5.8 sent them ahead of events), and discovery of members.

mod call;
mod leader;
mod link;
mod members;
mod outcome;
mod settings;
mod store;
mod survey;
mod watch;
mod wire;

pub use settings::{Endpoint, EtcdError, EtcdSettings, EtcdUser};
pub use store::Etcd;
pub use survey::{MemberStatus, MemberSurvey};
