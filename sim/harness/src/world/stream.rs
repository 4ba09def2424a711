//! A byte stream between two simulated hosts, which faults can hold, slow down or reset.
//!
//! Turmoil only carries the bytes. Its own faults are not used, because they are not those of TCP:
//! a dropped segment would hang a connection for ever, a partition would refuse dials at once.
//! Faults act where bytes are received: what a fault holds is taken from the network but not yet
//! given to the reader, and counted.

use std::cell::RefCell;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::{Id, try_id};
use tokio::time::{Sleep, sleep};
use turmoil::net::TcpStream;

use crate::fault::{Act, Faults};

/// At most this much is taken from the network while a fault holds it.
const HELD_BYTES: usize = 64 * 1024;

/// One end of a connection, as faults see it.
pub struct End {
    pub local: String,
    pub remote: String,
    state: Mutex<EndState>,
}

#[derive(Default)]
struct EndState {
    reset: bool,
    /// The far host lost its power: nothing comes, and what is sent vanishes.
    silent: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl End {
    pub fn new(local: &str, remote: &str) -> Arc<End> {
        Arc::new(End {
            local: local.to_owned(),
            remote: remote.to_owned(),
            state: Mutex::default(),
        })
    }

    /// Both directions fail from now on.
    pub fn reset(&self) {
        let mut state = self.lock();
        state.reset = true;
        let wakers = [state.reader.take(), state.writer.take()];
        drop(state);
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    pub fn silence(&self) {
        self.lock().silent = true;
    }

    pub fn is_silent(&self) -> bool {
        self.lock().silent
    }

    fn check(&self) -> io::Result<()> {
        match self.lock().reset {
            true => Err(io::ErrorKind::ConnectionReset.into()),
            false => Ok(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, EndState> {
        self.state.lock().expect("no holder of this lock panics")
    }
}

/// A connection between two hosts.
pub struct SimStream {
    inner: TcpStream,
    end: Arc<End>,
    faults: Faults,
    held: Option<Held>,
}

/// Received, and not yet given to the reader. Empty: the end of the stream.
struct Held {
    bytes: Vec<u8>,
    given: usize,
    /// Slowed down until then.
    until: Option<Pin<Box<Sleep>>>,
}

impl SimStream {
    pub(super) fn new(inner: TcpStream, end: Arc<End>, faults: Faults) -> SimStream {
        SimStream { inner, end, faults, held: None }
    }

    /// Takes up to `limit` bytes from the network.
    fn hold(&mut self, cx: &mut Context<'_>, limit: usize) -> Poll<io::Result<usize>> {
        let mut bytes = vec![0; limit.clamp(1, HELD_BYTES)];
        let mut buffer = ReadBuf::new(&mut bytes);
        ready!(Pin::new(&mut self.inner).poll_read(cx, &mut buffer))?;
        let taken = buffer.filled().len();
        bytes.truncate(taken);
        self.held = Some(Held { bytes, given: 0, until: None });
        Poll::Ready(Ok(taken))
    }

    /// The fault that holds what this end receives.
    fn blocked(&self) -> Option<usize> {
        let (from, to) = (&self.end.remote, &self.end.local);
        held_back(&self.faults, from, to).or_else(|| self.faults.frozen(to))
    }

    /// The fault that slows down what this end receives: its delay and size of a piece.
    fn slowed(&self) -> Option<(usize, (u64, usize))> {
        self.faults.find(|act| match act {
            Act::Slow { from, to, delay_ms, chunk_bytes } => (*from == self.end.remote
                && *to == self.end.local)
                .then_some((*delay_ms, *chunk_bytes)),
            _ => None,
        })
    }
}

/// The fault that keeps traffic from arriving.
pub fn held_back(faults: &Faults, sender: &str, receiver: &str) -> Option<usize> {
    let found = faults.find(|act| match act {
        Act::Hold { from, to } => (from == sender && to == receiver).then_some(()),
        _ => None,
    });
    found.map(|(index, ())| index)
}

thread_local! {
    /// The task that was the last one to receive something, and on which connection.
    static RECEIVED: RefCell<Option<(Id, Arc<End>)>> = const { RefCell::new(None) };
}

/// The host from which the current task has received bytes, if no other task has since. Whoever
/// handles a request learns by it who has sent it.
pub fn last_sender() -> Option<String> {
    let task = try_id()?;
    RECEIVED.with_borrow(|last| {
        let (_, end) = last.as_ref().filter(|(by, _)| *by == task)?;
        Some(end.remote.clone())
    })
}

impl AsyncRead for SimStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.receive(cx, buffer))?;
        RECEIVED.set(try_id().map(|task| (task, self.end.clone())));
        Poll::Ready(Ok(()))
    }
}

impl SimStream {
    fn receive(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self;
        this.end.check()?;
        this.end.lock().reader = Some(cx.waker().clone());
        if this.end.is_silent() {
            return Poll::Pending;
        }
        if let Some(index) = this.blocked() {
            if this.held.is_none()
                && let Poll::Ready(taken) = this.hold(cx, HELD_BYTES)?
            {
                this.faults.hit(index, taken as u64);
            }
            this.faults.wake_me(cx.waker());
            return Poll::Pending;
        }
        if this.held.is_none()
            && let Some((index, (delay_ms, chunk_bytes))) = this.slowed()
        {
            let taken = ready!(this.hold(cx, chunk_bytes))?;
            this.faults.hit(index, taken as u64);
            if let Some(held) = &mut this.held {
                held.until = Some(Box::pin(sleep(Duration::from_millis(delay_ms))));
            }
        }
        let Some(held) = &mut this.held else {
            return Pin::new(&mut this.inner).poll_read(cx, buffer);
        };
        if let Some(until) = &mut held.until {
            ready!(until.as_mut().poll(cx));
            held.until = None;
        }
        let rest = &held.bytes[held.given..];
        let give = rest.len().min(buffer.remaining());
        buffer.put_slice(&rest[..give]);
        held.given += give;
        if held.given == held.bytes.len() {
            this.held = None;
        }
        Poll::Ready(Ok(()))
    }
}

impl SimStream {
    fn may_write(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.end.check()?;
        self.end.lock().writer = Some(cx.waker().clone());
        if let Some(index) = self.faults.frozen(&self.end.local) {
            self.faults.hit(index, 1);
            self.faults.wake_me(cx.waker());
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for SimStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.may_write(cx))?;
        if self.end.is_silent() {
            return Poll::Ready(Ok(bytes.len()));
        }
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.may_write(cx))?;
        if self.end.is_silent() {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.may_write(cx))?;
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
