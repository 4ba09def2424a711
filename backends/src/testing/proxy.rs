//! A TCP proxy whose links can be cut, silenced and slowed while it runs.

use std::time::Duration;

use drydock_core::net::{BoxStream, Net};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::tcp::TcpNet;

/// What happens to bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Open,
    /// Connections end, and new ones end at once.
    Cut,
    /// Nothing arrives, and nobody is told.
    Silent,
    /// Everything arrives later.
    Slow(Duration),
}

pub struct Proxy {
    /// Where it listens.
    pub address: String,
    way: watch::Sender<Way>,
    accepting: JoinHandle<()>,
}

const CHUNK_BYTES: usize = 16 << 10;

impl Proxy {
    pub async fn start(target: String) -> Proxy {
        let mut listener = TcpNet.listen("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr();
        let (way, seen) = watch::channel(Way::Open);
        let accepting = tokio::spawn(async move {
            loop {
                if let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(connection(stream, target.clone(), seen.clone()));
                }
            }
        });
        Proxy { address, way, accepting }
    }

    pub fn set(&self, way: Way) {
        self.way.send_replace(way);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn connection(near: BoxStream, target: String, way: watch::Receiver<Way>) {
    if *way.borrow() == Way::Cut {
        return;
    }
    let Ok(far) = TcpNet.dial(&target).await else { return };
    let (near_read, near_write) = tokio::io::split(near);
    let (far_read, far_write) = tokio::io::split(far);
    let mut seen = way.clone();
    // One side's end is the other's, and so is a proxy that is gone.
    tokio::select! {
        () = pump(near_read, far_write, way.clone()) => {}
        () = pump(far_read, near_write, way) => {}
        _ = seen.wait_for(|way| *way == Way::Cut) => {}
    }
}

async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut way: watch::Receiver<Way>,
) {
    let mut chunk = vec![0; CHUNK_BYTES];
    while let Ok(read @ 1..) = from.read(&mut chunk).await {
        let Ok(way) = way.wait_for(|way| *way != Way::Silent).await.map(|way| *way) else {
            return;
        };
        if let Way::Slow(by) = way {
            tokio::time::sleep(by).await;
        }
        if to.write_all(&chunk[..read]).await.is_err() {
            return;
        }
    }
}
