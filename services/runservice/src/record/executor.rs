use std::collections::BTreeSet;

use drydock_api::names::Name;
use drydock_api::runservice::types::{ExecutorId, Label};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Era;

/// A registered executor, as stored: a hash of its token, never the token. A heartbeat changes it
/// only when what it says differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Executor {
    pub id: ExecutorId,
    pub name: Name,
    /// The SHA-256 of the token, in hexadecimal. The token is random, so the hash does not reveal
    /// it.
    pub token_hash: String,
    /// The labels of the registration, and those of the last heartbeat.
    pub labels: BTreeSet<Label>,
    /// The labels that the registration fixed.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub fixed_labels: BTreeSet<Label>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arch: Option<String>,
    /// The greatest number of attempts at once; 0 before the first heartbeat.
    pub limit: u32,
    /// The executor's number of its starts; 0 before the first heartbeat. Lower ones are refused.
    pub session: u64,
    /// The era in which it last said what it holds, if attempts were to be reconciled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub era: Option<Era>,
    /// A disabled executor gets no tasks.
    pub enabled: bool,
    /// The executor is to end its attempts and to ask for no more.
    pub drain: bool,
    pub revision: u64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}
