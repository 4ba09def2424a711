//! How a server is set up, and which real ones it may resemble.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::auth::Keys;

/// The wall clock of a server: signatures are compared with it, objects are dated by it.
pub trait Clock: Send + Sync {
    fn now(&self) -> Timestamp;
}

impl<F: Fn() -> Timestamp + Send + Sync> Clock for F {
    fn now(&self) -> Timestamp {
        self()
    }
}

/// What a server is.
#[derive(Debug, Clone)]
pub struct Settings {
    pub keys: Keys,
    /// The number of the account that everything belongs to.
    pub account: String,
    pub region: String,
    /// Hosts `bucket.domain` name a bucket.
    pub domain: Option<String>,
    pub personality: Personality,
    /// Of a request; all of it is held in memory.
    pub max_body_bytes: usize,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            keys: Keys::new(),
            account: "123456789012".to_owned(),
            region: "us-east-1".to_owned(),
            domain: None,
            personality: Personality::default(),
            max_body_bytes: 1024 * 1024 * 1024,
        }
    }
}

/// Where real servers differ. The default is S3 as documented.
#[derive(Debug, Clone, Default)]
pub struct Personality {
    pub conditional_writes: ConditionalWrites,
    /// How long a listing may not show what was written or deleted.
    pub listing_lag: Duration,
    /// A completed multipart upload is answered with an empty ETag, as Ceph does.
    pub no_etag_on_complete: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConditionalWrites {
    #[default]
    Honoured,
    /// Answered as if there were no condition: the object is overwritten.
    Ignored,
    /// Answered 501.
    Refused,
}

impl ConditionalWrites {
    pub const ALL: [ConditionalWrites; 3] =
        [ConditionalWrites::Honoured, ConditionalWrites::Ignored, ConditionalWrites::Refused];

    pub fn name(self) -> &'static str {
        match self {
            ConditionalWrites::Honoured => "honoured",
            ConditionalWrites::Ignored => "ignored",
            ConditionalWrites::Refused => "refused",
        }
    }
}
