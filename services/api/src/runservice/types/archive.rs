//! Archives of what steps save.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The media type of an archive, which is a tar file compressed with zstd. Generators of clients
/// leave out routes that take `application/zstd`.
pub const ARCHIVE: &str = "application/octet-stream";
/// The greatest archive, in bytes.
pub const MAX_ARCHIVE_BYTES: u64 = 5 << 30;

/// The query of PUT `…/archives/{step}`: what the body is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UploadQuery {
    /// The bytes of the archive.
    #[schemars(range(max = MAX_ARCHIVE_BYTES))]
    pub size: u64,
    /// Their BLAKE3 digest in hexadecimal.
    pub blake3: String,
}

/// The query of GET `…/archives/{step}`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ArchiveQuery {
    /// The number of the attempt in its task; by default the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
}
