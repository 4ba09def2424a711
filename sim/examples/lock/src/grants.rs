//! The record of grants in S3, written over plain HTTP with a presigned request.

use drydock_harness::world::SimNet;
use drydock_sim_s3::request::head::encode;
use drydock_sim_s3::wire::digest::{base64, hmac_sha1};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::service::BoxResult;

pub const ADDRESS: &str = "s3:9000";
pub const BUCKET: &str = "grants";
pub const KEY: (&str, &str) = ("key", "secret");
/// Seconds since 1970: later than any simulation.
const EXPIRES: u64 = 4_000_000_000;

#[derive(Clone)]
pub struct Grants {
    pub net: SimNet,
}

impl Grants {
    /// Keeps whom the lock was granted to.
    pub async fn put(&self, token: i64, name: &str) -> BoxResult<()> {
        let (id, secret) = KEY;
        let target = format!("/{BUCKET}/{token}");
        let signed = format!("PUT\n\n\n{EXPIRES}\n{target}");
        let signature = encode(&base64(&hmac_sha1(secret.as_bytes(), signed.as_bytes())));
        let query = format!("AWSAccessKeyId={id}&Expires={EXPIRES}&Signature={signature}");
        let head = format!("PUT {target}?{query} HTTP/1.1\r\nhost: s3\r\nconnection: close");
        let request = format!("{head}\r\ncontent-length: {}\r\n\r\n{name}", name.len());
        let mut stream = self.net.dial(ADDRESS).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        match answer.starts_with("HTTP/1.1 200 ") {
            true => Ok(()),
            false => Err(answer.into()),
        }
    }
}
