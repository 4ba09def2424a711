use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use drydock_core::error::{Code, Kind};
use uuid::Uuid;

use super::{RunsReply, Token};

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
    Runs(RunsReply),
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
    /// Whether every instance reads a newer version of the schema than is written.
    pub behind: bool,
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

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Answer::Ok(Reply::Done) => f.write_str("ok"),
            Answer::Ok(Reply::Named { id, name }) => write!(f, "ok {name} {id}"),
            Answer::Ok(Reply::Changed { id, revision }) => write!(f, "ok {id} at {revision}"),
            Answer::Ok(Reply::Token(token)) => write!(f, "ok {token:?}"),
            Answer::Ok(Reply::Runs(reply)) => write!(f, "ok {reply}"),
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

/// Long bytes in an event: their length and hash.
pub struct Digest<'a>(pub &'a [u8]);

impl fmt::Display for Digest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hash = blake3::hash(self.0).to_hex();
        write!(f, "{} bytes {}", self.0.len(), &hash[..8])
    }
}
