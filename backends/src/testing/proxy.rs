//! A TCP proxy whose links can be cut, silenced and slowed while it runs.

use std::time::Duration;

use drydock_core::net::{BoxStream, Net};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::tcp::TcpNet;

/// The state of the proxy's links.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkState {
    Open,
    /// Connections end, and new ones end at once.
    Cut,
    /// Bytes are held back, and connections stay open.
    Silent,
    /// Bytes arrive late.
    Slow(Duration),
}

pub struct Proxy {
    /// The address that it listens on.
    pub address: String,
    state: watch::Sender<LinkState>,
    accepting: JoinHandle<()>,
}

const CHUNK_BYTES: usize = 16 << 10;

impl Proxy {
    pub async fn start(target: String) -> Proxy {
        let mut listener = TcpNet.listen("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr();
        let (state, seen) = watch::channel(LinkState::Open);
        let accepting = tokio::spawn(async move {
            loop {
                if let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(connection(stream, target.clone(), seen.clone()));
                }
            }
        });
        Proxy { address, state, accepting }
    }

    pub fn set(&self, state: LinkState) {
        self.state.send_replace(state);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn connection(near: BoxStream, target: String, state: watch::Receiver<LinkState>) {
    if *state.borrow() == LinkState::Cut {
        return;
    }
    let Ok(far) = TcpNet.dial(&target).await else { return };
    let (near_read, near_write) = tokio::io::split(near);
    let (far_read, far_write) = tokio::io::split(far);
    let mut seen = state.clone();
    // The end of one side ends the other, and so does the end of the proxy.
    tokio::select! {
        () = pump(near_read, far_write, state.clone()) => {}
        () = pump(far_read, near_write, state) => {}
        _ = seen.wait_for(|state| *state == LinkState::Cut) => {}
    }
}

async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut state: watch::Receiver<LinkState>,
) {
    let mut chunk = vec![0; CHUNK_BYTES];
    while let Ok(read @ 1..) = from.read(&mut chunk).await {
        let Ok(state) =
            state.wait_for(|state| *state != LinkState::Silent).await.map(|state| *state)
        else {
            return;
        };
        if let LinkState::Slow(by) = state {
            tokio::time::sleep(by).await;
        }
        if to.write_all(&chunk[..read]).await.is_err() {
            return;
        }
    }
}
