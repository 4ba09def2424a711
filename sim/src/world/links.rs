//! What carries bytes from one simulated host to another: like TCP on a network without faults.
//!
//! Every piece takes a latency that is drawn; the pieces of one direction of a connection arrive in
//! the order in which they were sent. Faults are not made here (see `stream`).
//!
//! Absent on purpose: segments, and their loss. A connection that nobody reads from is full after
//! [`WINDOW_BYTES`]; that there is room again is known at once.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::{Buf, Bytes};
use drydock_core::env::{Rng, RngTree};
use rand::RngExt;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{mpsc, oneshot};

use super::hosts::host_elapsed;

/// Sent and not yet read, of one direction.
const WINDOW_BYTES: usize = 1 << 20;
/// Latencies are distributed exponentially, and cut off: most are short.
const LATENCY_MEAN: f64 = 0.2;

/// All that is on its way. Clones share it.
#[derive(Clone)]
pub struct Links(Arc<Mutex<State>>);

struct State {
    /// The beginning of the step.
    now: Duration,
    rng: Rng,
    least: Duration,
    greatest: Duration,
    /// Pairs of hosts with another greatest latency.
    special: BTreeMap<[Arc<str>; 2], Duration>,
    listeners: BTreeMap<(String, u16), mpsc::UnboundedSender<(Wire, String)>>,
    connections: u64,
    sent: u64,
    /// By the time at which it arrives.
    underway: BTreeMap<(Duration, u64), Parcel>,
}

/// Something on its way to a host.
pub struct Parcel {
    way: Way,
    letter: Letter,
}

#[derive(Clone)]
struct Way {
    from: Arc<str>,
    to: Arc<str>,
}

type Answer = oneshot::Sender<io::Result<Wire>>;

enum Letter {
    Dial { port: u16, answer: Answer },
    Answer { answer: Answer, wire: io::Result<Wire> },
    Piece { to: Arc<Inbox>, bytes: Bytes, sender: Arc<Inbox> },
    End(Arc<Inbox>),
    Reset(Arc<Inbox>),
}

impl Parcel {
    pub fn to(&self) -> &str {
        &self.way.to
    }
}

impl Way {
    fn back(&self) -> Way {
        Way { from: self.to.clone(), to: self.from.clone() }
    }

    fn pair(&self) -> [Arc<str>; 2] {
        let mut pair = [self.from.clone(), self.to.clone()];
        pair.sort();
        pair
    }
}

impl Links {
    pub fn new(rng: &RngTree, [least_ms, greatest_ms]: [u64; 2]) -> Links {
        Links(Arc::new(Mutex::new(State {
            now: Duration::ZERO,
            rng: rng.stream("links"),
            least: Duration::from_millis(least_ms),
            greatest: Duration::from_millis(greatest_ms),
            special: BTreeMap::new(),
            listeners: BTreeMap::new(),
            connections: 0,
            sent: 0,
            underway: BTreeMap::new(),
        })))
    }

    /// Bounds the latency between two hosts.
    pub fn limit_latency(&self, one: &str, other: &str, greatest: Duration) {
        let pair = Way { from: one.into(), to: other.into() }.pair();
        self.lock().special.insert(pair, greatest);
    }

    /// All that has arrived by `now`, in order.
    pub fn due(&self, now: Duration) -> Vec<Parcel> {
        let mut state = self.lock();
        state.now = now;
        let mut due = Vec::new();
        while let Some(first) = state.underway.first_entry().filter(|first| first.key().0 <= now) {
            due.push(first.remove());
        }
        due
    }

    pub fn deliver(&self, Parcel { way, letter }: Parcel) {
        match letter {
            Letter::Dial { port, answer } => {
                let wire = self.accept(&way, port);
                self.post(way.back(), Letter::Answer { answer, wire });
            }
            // Who does not wait any more drops it, which ends the connection.
            Letter::Answer { answer, wire } => drop(answer.send(wire)),
            Letter::Piece { to, bytes, sender } => {
                if !to.take(bytes) {
                    self.post(way.back(), Letter::Reset(sender));
                }
            }
            Letter::End(to) => to.change(|inbox| inbox.ended = true),
            Letter::Reset(to) => to.change(|inbox| inbox.reset = true),
        }
    }

    /// Listens on a port of a host.
    pub fn listen(&self, host: &str, port: u16) -> io::Result<Accepting> {
        let (sender, arrived) = mpsc::unbounded_channel();
        let place = (host.to_owned(), port);
        let mut state = self.lock();
        if state.listeners.contains_key(&place) {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        state.listeners.insert(place.clone(), sender);
        drop(state);
        Ok(Accepting { arrived, place, links: self.clone() })
    }

    /// Connects two hosts. Nobody listening refuses.
    pub async fn dial(&self, from: &str, to: &str, port: u16) -> io::Result<Wire> {
        let (answer, answered) = oneshot::channel();
        self.post(Way { from: from.into(), to: to.into() }, Letter::Dial { port, answer });
        answered.await.map_err(|_| io::ErrorKind::ConnectionReset)?
    }

    /// Makes a connection; answers the end of who dialled.
    fn accept(&self, way: &Way, port: u16) -> io::Result<Wire> {
        let mut state = self.lock();
        let place = (way.to.to_string(), port);
        let listener = state.listeners.get(&place).ok_or(io::ErrorKind::ConnectionRefused)?;
        let listener = listener.clone();
        state.connections += 1;
        let peer = format!("{}:{}", way.from, state.connections);
        drop(state);
        let [near, far] = [Arc::new(Inbox::default()), Arc::new(Inbox::default())];
        let end = |own: &Arc<Inbox>, peer: &Arc<Inbox>, way: Way| Wire {
            own: own.clone(),
            peer: peer.clone(),
            way,
            links: self.clone(),
            ended: false,
        };
        let accepted = listener.send((end(&far, &near, way.back()), peer));
        accepted.map_err(|_| io::ErrorKind::ConnectionRefused)?;
        Ok(end(&near, &far, way.clone()))
    }

    fn post(&self, way: Way, letter: Letter) {
        let mut state = self.lock();
        let mut due = host_elapsed().unwrap_or(state.now) + state.latency(&way);
        // Nothing overtakes on a connection.
        if let Letter::Piece { to, .. } | Letter::End(to) = &letter {
            let mut inbox = to.lock();
            due = due.max(inbox.newest);
            inbox.newest = due;
        }
        state.sent += 1;
        let place = (due, state.sent);
        state.underway.insert(place, Parcel { way, letter });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no holder of this lock panics")
    }
}

impl State {
    fn latency(&mut self, way: &Way) -> Duration {
        let greatest = match self.special.is_empty() {
            true => self.greatest,
            false => self.special.get(&way.pair()).copied().unwrap_or(self.greatest),
        };
        let range = greatest.saturating_sub(self.least);
        let drawn: f64 = self.rng.random();
        let part = (-LATENCY_MEAN * (1.0 - drawn).ln()).min(1.0);
        self.least + Duration::from_micros((range.as_micros() as f64 * part) as u64)
    }
}

/// What has arrived at one end of a connection.
#[derive(Default)]
struct Inbox(Mutex<InboxState>);

#[derive(Default)]
struct InboxState {
    pieces: VecDeque<Bytes>,
    /// Sent to here, and not yet read.
    unread: usize,
    /// When the newest piece arrives that is on its way.
    newest: Duration,
    /// Nothing comes any more.
    ended: bool,
    reset: bool,
    /// There is nobody to read.
    closed: bool,
    reader: Option<Waker>,
    /// Of the far end, which waits for room.
    writer: Option<Waker>,
}

impl Inbox {
    fn lock(&self) -> MutexGuard<'_, InboxState> {
        self.0.lock().expect("no holder of this lock panics")
    }

    fn change(&self, change: impl FnOnce(&mut InboxState)) {
        let mut inbox = self.lock();
        change(&mut inbox);
        let wakers = [inbox.reader.take(), inbox.writer.take()];
        drop(inbox);
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    /// Answers whether there is anybody to read it.
    fn take(&self, bytes: Bytes) -> bool {
        let mut inbox = self.lock();
        if inbox.closed {
            return false;
        }
        inbox.pieces.push_back(bytes);
        let reader = inbox.reader.take();
        drop(inbox);
        reader.into_iter().for_each(Waker::wake);
        true
    }
}

/// One end of a connection.
pub struct Wire {
    own: Arc<Inbox>,
    peer: Arc<Inbox>,
    way: Way,
    links: Links,
    /// Nothing is sent any more.
    ended: bool,
}

impl Wire {
    /// The host at the other end.
    pub fn remote(&self) -> &str {
        &self.way.to
    }

    fn end(&mut self) {
        if !std::mem::replace(&mut self.ended, true) {
            self.links.post(self.way.clone(), Letter::End(self.peer.clone()));
        }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.end();
        // Whoever waits for room finds out by the answer to what is sent next.
        self.own.change(|inbox| {
            inbox.closed = true;
            inbox.unread = 0;
        });
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut inbox = self.own.lock();
        if inbox.reset {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let mut given = 0;
        while let Some(piece) = inbox.pieces.front_mut().filter(|_| buffer.remaining() > 0) {
            let part = piece.len().min(buffer.remaining());
            buffer.put_slice(&piece[..part]);
            piece.advance(part);
            given += part;
            if piece.is_empty() {
                inbox.pieces.pop_front();
            }
        }
        if given == 0 && !inbox.ended && buffer.remaining() > 0 {
            inbox.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        inbox.unread = inbox.unread.saturating_sub(given);
        let writer = inbox.writer.take();
        drop(inbox);
        writer.into_iter().for_each(Waker::wake);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.ended || self.own.lock().reset {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let part = {
            let mut peer = self.peer.lock();
            let room = WINDOW_BYTES.saturating_sub(peer.unread);
            if room == 0 {
                peer.writer = Some(cx.waker().clone());
                return Poll::Pending;
            }
            let part = bytes.len().min(room);
            peer.unread += part;
            part
        };
        let piece = Letter::Piece {
            to: self.peer.clone(),
            bytes: Bytes::copy_from_slice(&bytes[..part]),
            sender: self.own.clone(),
        };
        self.links.post(self.way.clone(), piece);
        Poll::Ready(Ok(part))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.end();
        Poll::Ready(Ok(()))
    }
}

/// Connections that arrive on a port, for as long as it lives.
pub struct Accepting {
    arrived: mpsc::UnboundedReceiver<(Wire, String)>,
    place: (String, u16),
    links: Links,
}

impl Accepting {
    /// The next connection, and its peer's address.
    pub async fn accept(&mut self) -> (Wire, String) {
        self.arrived.recv().await.expect("it is listed as long as it lives")
    }

    pub fn port(&self) -> u16 {
        self.place.1
    }
}

impl Drop for Accepting {
    fn drop(&mut self) {
        let gone = self.links.lock().listeners.remove(&self.place);
        drop(gone);
    }
}
