//! What clients and operators asked, and what they were told.
//!
//! Every call is noted when it is made and when it ends. A call that ended without a definite
//! answer may have taken effect, or may still: the oracles allow both.

mod gateway;
mod server;
mod tree;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use drydock_core::error::{Code, Kind};
use uuid::Uuid;

pub use gateway::{Act, By, GatewayCall, Token};
pub use server::Server;
pub use tree::{MARKER, Text, TreeCall};

use crate::recorder::{Recorder, Seq};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    CreateUser {
        name: String,
    },
    GetUser {
        name: String,
    },
    RenameUser {
        name: String,
        to: String,
    },
    DeleteUser {
        name: String,
    },
    ListUsers {
        reads: Reads,
    },
    CreateOrg {
        name: String,
        owner: String,
    },
    DeleteOrg {
        name: String,
    },
    SetMember {
        org: String,
        user: String,
        role: Role,
    },
    RemoveMember {
        org: String,
        user: String,
    },
    ListMembers {
        org: String,
    },
    Tree(TreeCall),
    /// Of a person, to a gateway. Those of operators go to gateways and instances, all others to
    /// instances.
    Gateway(GatewayCall),
    Status,
    Maintenance,
    Resume,
    Export,
    Import {
        body: Bytes,
        intent: Intent,
    },
    Lineages,
    /// Back to the last state of a lineage, which is that of the export `body`.
    GoBack {
        lineage: Uuid,
        body: Bytes,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    Linearizable,
    /// Whatever the instance has.
    Local,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    Owner,
    Member,
}

/// What an import should come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intent {
    /// The stream is whole.
    Restore,
    /// The stream is whole, and must only be looked at.
    DryRun,
    /// The stream is damaged and must be refused.
    Damaged,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    Done,
    Named {
        id: Uuid,
        name: String,
    },
    /// An object after its change.
    Changed {
        id: Uuid,
        revision: u64,
    },
    Token(Token),
    List(Vec<Named>),
    /// Values by the names of variables.
    Environment(BTreeMap<String, String>),
    Status(Status),
    Export(Bytes),
    Imported {
        position: u64,
        digest: String,
    },
    /// Those that are kept, with their last positions.
    Lineages(Vec<(Uuid, u64)>),
    WentBack {
        position: u64,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    pub id: Uuid,
    pub name: String,
}

/// What the maintenance status says, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    pub maintenance: bool,
    pub generation: u64,
    pub ready: bool,
    pub instances: usize,
    pub position: Option<u64>,
    /// Up to where the log came back when the coordination store was lost last.
    pub recovered: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Ok(Reply),
    Refused {
        kind: Kind,
        code: String,
        message: String,
    },
    /// The request never left.
    NotSent(String),
    /// It left, and there was no answer, or none that can be read.
    Unknown(String),
}

impl Answer {
    pub fn ok(&self) -> Option<&Reply> {
        match self {
            Answer::Ok(reply) => Some(reply),
            _ => None,
        }
    }

    pub fn code(&self) -> Option<&str> {
        match self {
            Answer::Refused { code, .. } => Some(code),
            _ => None,
        }
    }

    pub fn is_code(&self, wanted: Code) -> bool {
        self.code() == Some(wanted.as_str())
    }

    /// Whether the call certainly had no effect and never will.
    pub fn had_no_effect(&self) -> bool {
        match self {
            Answer::Ok(_) | Answer::Unknown(_) => false,
            Answer::NotSent(_) => true,
            Answer::Refused { kind, .. } => match kind {
                Kind::Internal | Kind::Timeout => false,
                Kind::Unavailable => {
                    self.is_code(Code::Maintenance) || self.is_code(Code::NotReady)
                }
                _ => true,
            },
        }
    }

    /// Whether the call may or may not have had its effect.
    pub fn is_open(&self) -> bool {
        self.ok().is_none() && !self.had_no_effect()
    }
}

/// One call. Without `ended` it was never answered.
#[derive(Debug, Clone)]
pub struct Operation {
    pub client: String,
    pub server: Server,
    pub call: Call,
    pub called: Seq,
    pub called_at: Duration,
    pub ended: Option<Ended>,
}

#[derive(Debug, Clone)]
pub struct Ended {
    pub seq: Seq,
    pub at: Duration,
    pub answer: Answer,
}

impl Operation {
    pub fn answer(&self) -> Option<&Answer> {
        self.ended.as_ref().map(|ended| &ended.answer)
    }

    pub fn reply(&self) -> Option<&Reply> {
        self.answer().and_then(Answer::ok)
    }

    /// Whether nobody knows what became of it.
    pub fn is_open(&self) -> bool {
        self.answer().is_none_or(Answer::is_open)
    }

    /// When it ended; never, if it did not.
    pub fn end_seq(&self) -> Seq {
        self.ended.as_ref().map_or(Seq::MAX, |ended| ended.seq)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let called = self.called_at.as_secs_f64();
        let (client, server, call) = (&self.client, self.server, &self.call);
        write!(f, "{called:.3}s {client} → {server}: {call}")?;
        match &self.ended {
            Some(ended) => write!(f, " = {} at {:.3}s", ended.answer, ended.at.as_secs_f64()),
            None => f.write_str(" = never answered"),
        }
    }
}

/// All calls of a run.
#[derive(Clone)]
pub struct History {
    recorder: Recorder,
    operations: Arc<Mutex<Vec<Operation>>>,
}

impl History {
    pub fn new(recorder: &Recorder) -> History {
        History { recorder: recorder.clone(), operations: Arc::default() }
    }

    /// Notes a call; the number is for [`ended`](Self::ended).
    pub fn called(&self, client: &str, server: Server, call: Call) -> usize {
        let mut operations = self.lock();
        let number = operations.len();
        let called = self.recorder.event(client, format_args!("#{number} → {server}: {call}"));
        operations.push(Operation {
            client: client.to_owned(),
            server,
            call,
            called,
            called_at: self.recorder.now(),
            ended: None,
        });
        number
    }

    pub fn ended(&self, number: usize, answer: Answer) {
        let client = self.lock()[number].client.clone();
        let seq = self.recorder.event(&client, format_args!("#{number} = {answer}"));
        let at = self.recorder.now();
        self.lock()[number].ended = Some(Ended { seq, at, answer });
    }

    pub fn operations(&self) -> Vec<Operation> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Operation>> {
        self.operations.lock().expect("no holder of this lock panics")
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Call::CreateUser { name } => write!(f, "create user {name}"),
            Call::GetUser { name } => write!(f, "get user {name}"),
            Call::RenameUser { name, to } => write!(f, "rename user {name} to {to}"),
            Call::DeleteUser { name } => write!(f, "delete user {name}"),
            Call::ListUsers { reads } => write!(f, "list users, {reads:?}"),
            Call::CreateOrg { name, owner } => write!(f, "create org {name} of {owner}"),
            Call::DeleteOrg { name } => write!(f, "delete org {name}"),
            Call::SetMember { org, user, role } => write!(f, "make {user} {role:?} of {org}"),
            Call::RemoveMember { org, user } => write!(f, "remove {user} from {org}"),
            Call::ListMembers { org } => write!(f, "list members of {org}"),
            Call::Tree(call) => call.fmt(f),
            Call::Gateway(call) => call.fmt(f),
            Call::Status => f.write_str("maintenance status"),
            Call::Maintenance => f.write_str("maintenance on"),
            Call::Resume => f.write_str("maintenance off"),
            Call::Export => f.write_str("export"),
            Call::Import { body, intent } => {
                write!(f, "import {} ({intent:?})", Digest(body))
            }
            Call::Lineages => f.write_str("lineages"),
            Call::GoBack { lineage, .. } => write!(f, "go back to lineage {lineage}"),
        }
    }
}

/// Long bytes in an event: their length and hash.
struct Digest<'a>(&'a [u8]);

impl fmt::Display for Digest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hash = blake3::hash(self.0).to_hex();
        write!(f, "{} bytes {}", self.0.len(), &hash[..8])
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Answer::Ok(Reply::Done) => f.write_str("ok"),
            Answer::Ok(Reply::Named { id, name }) => write!(f, "ok {name} {id}"),
            Answer::Ok(Reply::Changed { id, revision }) => write!(f, "ok {id} at {revision}"),
            Answer::Ok(Reply::Token(token)) => write!(f, "ok {token:?}"),
            Answer::Ok(Reply::List(list)) => {
                f.write_str("ok [")?;
                for (at, Named { id, name }) in list.iter().enumerate() {
                    let comma = if at == 0 { "" } else { ", " };
                    write!(f, "{comma}{name} {id}")?;
                }
                f.write_str("]")
            }
            Answer::Ok(Reply::Environment(values)) => {
                write!(f, "ok values of {:?}", values.keys().collect::<Vec<_>>())
            }
            Answer::Ok(Reply::Status(status)) => {
                let mode = if status.maintenance { "maintenance" } else { "normal" };
                let ready = if status.ready { "ready" } else { "not ready" };
                let (generation, instances) = (status.generation, status.instances);
                write!(f, "ok {mode} {generation} {ready}, {instances} instances")
            }
            Answer::Ok(Reply::Export(bytes)) => write!(f, "ok {}", Digest(bytes)),
            Answer::Ok(Reply::Imported { position, digest }) => {
                write!(f, "ok at position {position}, digest {digest}")
            }
            Answer::Ok(Reply::Lineages(lineages)) => write!(f, "ok {} lineages", lineages.len()),
            Answer::Ok(Reply::WentBack { position }) => write!(f, "ok at position {position}"),
            Answer::Refused { kind, code, .. } => write!(f, "{kind} {code}"),
            Answer::NotSent(why) => write!(f, "not sent: {why}"),
            Answer::Unknown(why) => write!(f, "unknown: {why}"),
        }
    }
}
