//! Entries of the caches of projects, and the scopes in which runs see them.

use http::HeaderName;
use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::run::MAX_TEXT;
use super::{CacheId, MAX_ARCHIVE_BYTES};

/// The greatest number of scopes that a run reads.
pub const MAX_CACHE_SCOPES: usize = 2;
/// The greatest length of a scope, which is the kind of a source and its name.
pub const MAX_CACHE_SCOPE: usize = MAX_TEXT + 8;
/// The greatest number of keys of one look-up.
pub const MAX_CACHE_KEYS: usize = 64;
/// The greatest cache entry, in bytes.
pub const MAX_CACHE_BYTES: u64 = MAX_ARCHIVE_BYTES;
/// The header with the key of the entry that was found, percent-encoded.
pub const CACHE_KEY: HeaderName = HeaderName::from_static("drydock-cache-key");
/// The header with its scope, percent-encoded.
pub const CACHE_SCOPE: HeaderName = HeaderName::from_static("drydock-cache-scope");

/// Where a run finds entries of its project's cache, and where it adds some. A scope is a text such
/// as `branch/main` or `tag/v1`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CacheScopes {
    /// In the order in which they are read.
    #[schemars(length(max = MAX_CACHE_SCOPES), inner(length(min = 1, max = MAX_CACHE_SCOPE)))]
    pub read: Vec<String>,
    /// Absent: the run adds nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_CACHE_SCOPE))]
    pub write: Option<String>,
}

/// The values of placeholders in keys of caches that only the run knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClaimedCache {
    /// The name of the branch, the tag or the ref that the run is of; empty: there is none.
    pub branch: String,
    /// The commit; empty: it is not known.
    pub sha: String,
}

/// An entry of a project's cache, as it is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CacheView {
    pub id: CacheId,
    pub scope: String,
    pub key: String,
    /// The bytes of its object.
    pub size: u64,
    pub created_at: Timestamp,
    /// Up to an hour before its last use.
    pub last_used_at: Timestamp,
}

/// The query of GET `…/caches`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FindCacheQuery {
    /// The keys with a line feed between two of them: 1 to 64, each of 1 to 255 characters.
    pub keys: String,
}

/// The query of POST `…/caches`: the key, and what the body is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SaveCacheQuery {
    #[schemars(length(min = 1, max = MAX_TEXT))]
    pub key: String,
    /// The bytes of the object.
    #[schemars(range(max = MAX_CACHE_BYTES))]
    pub size: u64,
    /// Their BLAKE3 digest in hexadecimal.
    pub blake3: String,
}

/// A key or a scope as the text of a header.
pub fn to_header(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// The key or the scope of such a text.
pub fn from_header(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(String::from)
}
