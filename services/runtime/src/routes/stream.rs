//! Compression of exports and imports on their way through HTTP.

use std::io;

use async_compression::tokio::bufread::{ZstdDecoder, ZstdEncoder};
use async_compression::zstd::DParameter;
use bytes::Bytes;
use drydock_core::error::{ApiError, BoxError, Code, Kind, causes};
use futures_util::{StreamExt, TryStreamExt};
use http::{HeaderMap, header};
use tokio_util::io::{ReaderStream, StreamReader};

use super::ByteStream;

/// The first bytes of a zstd frame.
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// Bounds the decoder's memory: 8 MiB, what zstd's own levels up to 19 need.
const MAX_WINDOW_LOG: u32 = 23;

/// Whether the client takes `Content-Encoding: zstd`.
pub fn accepts_zstd(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING);
    let mut codings =
        values.iter().filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(','));
    codings.any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let refused = |weight: &str| {
            let quality = weight.strip_prefix("q=").map(str::parse::<f32>);
            matches!(quality, Some(Ok(quality)) if quality <= 0.0)
        };
        parts.next() == Some("zstd") && !parts.any(refused)
    })
}

/// Compresses. An error of `plain` ends the compressed stream with an error too.
pub fn compress(plain: ByteStream) -> ByteStream {
    let reader = StreamReader::new(plain.map_err(io::Error::other));
    ReaderStream::new(ZstdEncoder::new(reader)).map_err(BoxError::from).boxed()
}

/// The plain lines of an import, whether sent plain or compressed.
pub async fn plain(headers: &HeaderMap, mut body: ByteStream) -> Result<ByteStream, BoxError> {
    let encoding = headers.get(header::CONTENT_ENCODING);
    let declared = match encoding.map(|value| value.to_str().unwrap_or("?")) {
        None | Some("identity") => false,
        Some("zstd") => true,
        Some(_) => {
            let message = "an import must be plain or compressed with zstd";
            let error = ApiError::new(Kind::UnsupportedMediaType).with_message(message);
            return Err(error.into());
        }
    };
    let mut start = Vec::new();
    while start.len() < ZSTD_MAGIC.len() {
        match body.next().await {
            Some(chunk) => start.extend_from_slice(&chunk?),
            None => break,
        }
    }
    let compressed = declared || start.starts_with(&ZSTD_MAGIC);
    let start = futures_util::stream::iter([Ok(Bytes::from(start))]);
    let whole = start.chain(body).boxed();
    Ok(if compressed { decompress(whole) } else { whole })
}

fn decompress(compressed: ByteStream) -> ByteStream {
    let reader = StreamReader::new(compressed.map_err(io::Error::other));
    let limit = [DParameter::window_log_max(MAX_WINDOW_LOG)];
    let mut decoder = ZstdDecoder::with_params(reader, &limit);
    decoder.multiple_members(true);
    ReaderStream::new(decoder).map_err(undecodable).boxed()
}

/// Tells a bad stream from a bad connection: the latter's error passed through the decoder.
fn undecodable(error: io::Error) -> BoxError {
    if causes(&error).any(|cause| cause.is::<ApiError>()) {
        return error.into();
    }
    let (code, message) = match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            (Code::ImportTruncated, "the compressed stream ends in the middle")
        }
        _ => (Code::ImportCorrupt, "the compressed stream is corrupt"),
    };
    let refused = ApiError::new(Kind::Unprocessable).with_code(code);
    refused.with_message(message).with_source(error).into()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn accepting(value: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
        headers
    }

    fn pieces(bytes: &[u8], size: usize) -> ByteStream {
        let pieces: Vec<_> =
            bytes.chunks(size).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        futures_util::stream::iter(pieces).boxed()
    }

    async fn read(stream: ByteStream) -> Result<Vec<u8>, BoxError> {
        let chunks: Vec<Bytes> = stream.try_collect().await?;
        Ok(chunks.concat())
    }

    fn code(error: &BoxError) -> Option<&'static str> {
        drydock_core::error::first_api_error(error.as_ref()).map(ApiError::code)
    }

    #[test]
    fn accept_encoding_is_read_with_its_weights() {
        assert!(accepts_zstd(&accepting("gzip, zstd;q=0.5")));
        assert!(!accepts_zstd(&accepting("gzip, zstd;q=0")));
        assert!(!accepts_zstd(&accepting("gzip")));
        assert!(!accepts_zstd(&HeaderMap::new()));
    }

    #[tokio::test]
    async fn compressed_and_plain_streams_read_the_same() {
        let text = "a line of an export\n".repeat(5000);
        let compressed = read(compress(pieces(text.as_bytes(), 1000))).await.unwrap();
        assert!(compressed.len() < text.len() / 10);
        for sent in [text.as_bytes(), &compressed] {
            for size in [1, 3, 4096] {
                let plain = plain(&HeaderMap::new(), pieces(sent, size)).await.unwrap();
                assert_eq!(read(plain).await.unwrap(), text.as_bytes());
            }
        }
    }

    #[tokio::test]
    async fn a_compressed_stream_that_is_cut_or_flipped_is_refused() {
        let text: String = (0..5000).map(|n| format!("line {n}\n")).collect();
        let mut compressed = read(compress(pieces(text.as_bytes(), 1000))).await.unwrap();
        let cut = pieces(&compressed[..compressed.len() - 9], 100);
        let cut = plain(&HeaderMap::new(), cut).await.unwrap();
        assert_eq!(code(&read(cut).await.unwrap_err()), Some("import_truncated"));
        compressed[6] ^= 0xff;
        let flipped = plain(&HeaderMap::new(), pieces(&compressed, 100)).await.unwrap();
        assert_eq!(code(&read(flipped).await.unwrap_err()), Some("import_corrupt"));
    }

    #[tokio::test]
    async fn an_error_in_the_middle_is_never_a_clean_end() {
        let failing = || {
            let start = pieces(&b"a line\n".repeat(100), 10);
            start.chain(futures_util::stream::iter([Err("disk full".into())])).boxed()
        };
        assert!(read(compress(failing())).await.is_err());
        let plain = plain(&HeaderMap::new(), failing()).await.unwrap();
        assert!(read(plain).await.is_err());
    }
}
