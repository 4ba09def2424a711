//! The system under test: a lock service and its client. They know streams, not who made them.
//!
//! etcd says who holds the lock, for [`TTL`] at most; S3 keeps a record of every grant. A request
//! is a line: `acquire NAME` is answered `granted TOKEN` or `busy`, `release TOKEN` is answered
//! `released`. A client that was granted the lock holds it until it asks for its release, or until
//! [`TTL`] after it asked for the lock: whatever comes first.

use std::error::Error;
use std::time::Duration;

use etcd_client::{Client, Compare, CompareOp, PutOptions, Txn, TxnOp};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufStream};

use crate::grants::Grants;

pub const TTL: Duration = Duration::from_secs(3);
const KEY: &str = "lock";

pub type BoxResult<T> = Result<T, Box<dyn Error + Send + Sync>>;

#[derive(Clone)]
pub struct LockService {
    pub etcd: Client,
    pub grants: Grants,
    /// The planted bug: a release does not look whose lock it is.
    pub has_bug: bool,
}

impl LockService {
    /// Answers one client until it goes.
    pub async fn serve(self, stream: impl AsyncRead + AsyncWrite + Unpin) -> BoxResult<()> {
        let mut stream = BufStream::new(stream);
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let answer = match line.trim_end().split_once(' ') {
                Some(("acquire", name)) => self.acquire(name).await?,
                Some(("release", token)) => self.release(token.parse()?).await?,
                _ => return Err(format!("cannot read `{line}`").into()),
            };
            stream.write_all(format!("{answer}\n").as_bytes()).await?;
            stream.flush().await?;
        }
    }

    async fn acquire(&self, name: &str) -> BoxResult<String> {
        let mut etcd = self.etcd.clone();
        let seconds = i64::try_from(TTL.as_secs())?;
        let lease = etcd.lease_grant(seconds, None).await?.id();
        let is_free = Compare::create_revision(KEY, CompareOp::Equal, 0);
        let take = TxnOp::put(KEY, name, Some(PutOptions::new().with_lease(lease)));
        let done = etcd.txn(Txn::new().when([is_free]).and_then([take])).await?;
        if !done.succeeded() {
            etcd.lease_revoke(lease).await?;
            return Ok("busy".to_owned());
        }
        let token = done.header().map_or(0, |header| header.revision());
        self.grants.put(token, name).await?;
        Ok(format!("granted {token}"))
    }

    async fn release(&self, token: i64) -> BoxResult<String> {
        let is_theirs = Compare::create_revision(KEY, CompareOp::Equal, token);
        let conditions = if self.has_bug { Vec::new() } else { vec![is_theirs] };
        let release = Txn::new().when(conditions).and_then([TxnOp::delete(KEY, None)]);
        self.etcd.clone().txn(release).await?;
        Ok("released".to_owned())
    }
}

/// A client's connection to the service.
pub struct Connection<S>(BufStream<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub fn new(stream: S) -> Connection<S> {
        Connection(BufStream::new(stream))
    }

    /// Asks for one thing; answers the service's line.
    pub async fn ask(&mut self, request: &str) -> std::io::Result<String> {
        self.0.write_all(format!("{request}\n").as_bytes()).await?;
        self.0.flush().await?;
        let mut answer = String::new();
        match self.0.read_line(&mut answer).await? {
            0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(answer.trim_end().to_owned()),
        }
    }
}
