//! zstd, with a bound on the bytes that a frame may decompress to.

const ZSTD_LEVEL: i32 = 3;

pub(crate) fn compress(bytes: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(bytes, ZSTD_LEVEL).expect("memory is the only thing it needs")
}

/// `limit`: the most bytes that the text may have.
pub(crate) fn decompress(bytes: &[u8], limit: usize) -> Result<Vec<u8>, String> {
    // The frame states its size; a false one costs an error, not memory.
    let stated =
        zstd::zstd_safe::get_frame_content_size(bytes).map_err(|error| error.to_string())?;
    let stated = stated.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(limit);
    if stated > limit {
        return Err(format!("`{stated}` bytes are more than `{limit}`"));
    }
    zstd::bulk::decompress(bytes, stated).map_err(|error| error.to_string())
}
