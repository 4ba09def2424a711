//! Coordination in etcd 3.4 or newer, over gRPC.
//!
//! | file | holds |
//! |---|---|
//! | `settings` | endpoints, credentials, TLS, time-outs |
//! | `link` | one HTTP/2 connection with one member |
//! | `members` | the choice of the member to ask |
//! | `leader` | finding the leader, so that it is asked |
//! | `call` | one request: time-out, token, failover |
//! | `outcome` | the outcome of a request that failed |
//! | `wire` | requests and answers as etcd's messages |
//! | `watch` | whole revisions out of a stream of responses |
//! | `store` | [`Etcd`]: the trait |
//! | `space` | the space that the members take up, and giving it back |
//! | `survey` | the status of each member |
//!
//! Invariants:
//! - all calls ask the same member at a time; a call that finds it silent or unfit moves all calls
//!   to the next member. The connection of a silent member is cut, and its watches with it;
//! - a write is sent again only if it surely had no effect: no byte of it left, or etcd refused it
//!   before it was proposed. Reads and renewals are sent to the next member;
//! - every dial, every call and the beginning of every watch has a time-out, on tokio's clock;
//! - every request demands that its member has a leader: a member that is cut off from the others
//!   refuses at once instead of keeping its clients waiting.
//!
//! A watch that breaks ends with an error and is not restarted here: its reader knows the revision
//! to continue from, and must watch anew after a compaction in any case.
//!
//! Absent on purpose: locks and elections of etcd's own, progress notifications (releases before
//! 3.4.25 and 3.5.8 sent them ahead of events), and discovery of members.

mod call;
mod leader;
mod link;
mod members;
mod outcome;
mod settings;
mod space;
mod store;
mod survey;
mod watch;
mod wire;

pub use settings::{Endpoint, EtcdError, EtcdSettings, EtcdUser};
pub use store::Etcd;
pub use survey::{MemberStatus, MemberSurvey};
