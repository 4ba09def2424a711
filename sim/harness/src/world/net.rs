//! The simulated network, with faults that mean what they say.
//!
//! A dial under a stall or a black hole waits; under `refuse` it is refused after one latency; all
//! else is decided by the far host. A connection is reset by the fault `reset`, and at the end of a
//! black hole that touched its link.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Duration;

use turmoil::net::{TcpListener, TcpStream};

use super::stream::{End, SimStream, held_back};
use crate::fault::{Act, Faults};

/// A refusal takes as long as one way there and back would.
const REFUSAL: Duration = Duration::from_millis(2);

/// All connections of the world.
#[derive(Clone, Default)]
pub struct Connections {
    ends: Arc<Mutex<Vec<Weak<End>>>>,
}

impl Connections {
    fn add(&self, end: &Arc<End>) {
        self.lock().retain(|end| end.strong_count() > 0);
        self.lock().push(Arc::downgrade(end));
    }

    /// Resets every connection between two hosts; answers how many ends there were.
    pub fn reset(&self, a: &str, b: &str) -> u64 {
        let mut live = Vec::new();
        self.lock().retain(|end| match end.upgrade() {
            Some(end) => {
                live.push(end);
                true
            }
            None => false,
        });
        let between = |end: &&Arc<End>| {
            (end.local == a && end.remote == b) || (end.local == b && end.remote == a)
        };
        let hit = live.iter().filter(between).map(|end| end.reset()).count();
        hit as u64
    }

    /// Peers of a host do not learn that its connections are gone.
    pub fn silence(&self, host: &str) {
        let ends: Vec<_> = self.lock().iter().filter_map(Weak::upgrade).collect();
        ends.iter().filter(|end| end.remote == host).for_each(|end| end.silence());
    }

    /// Who still has a connection with the host as it was learns that it is gone.
    pub fn end_silence(&self, host: &str) {
        let ends: Vec<_> = self.lock().iter().filter_map(Weak::upgrade).collect();
        ends.iter().filter(|end| end.remote == host && end.is_silent()).for_each(|end| end.reset());
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Weak<End>>> {
        self.ends.lock().expect("no holder of this lock panics")
    }
}

/// The network as one host sees it.
#[derive(Clone)]
pub struct SimNet {
    host: String,
    faults: Faults,
    connections: Connections,
}

impl SimNet {
    pub(super) fn new(host: &str, faults: &Faults, connections: &Connections) -> SimNet {
        SimNet { host: host.to_owned(), faults: faults.clone(), connections: connections.clone() }
    }

    fn stream(&self, inner: TcpStream, remote: &str) -> SimStream {
        let end = End::new(&self.host, remote);
        self.connections.add(&end);
        SimStream::new(inner, end, self.faults.clone())
    }

    fn refused(&self, remote: &str) -> Option<usize> {
        let found = self.faults.find(|act| match act {
            Act::Refuse { from, to } => (*from == self.host && to == remote).then_some(()),
            _ => None,
        });
        found.map(|(index, ())| index)
    }

    /// Connects to `host:port`. A dial into a black hole takes for ever: callers bound the wait.
    pub async fn dial(&self, authority: &str) -> io::Result<SimStream> {
        let bad = || io::Error::new(io::ErrorKind::InvalidInput, format!("`{authority}`"));
        let (remote, port) = authority.rsplit_once(':').ok_or_else(bad)?;
        let port: u16 = port.parse().map_err(|_| bad())?;
        self.faults.thaw(&self.host).await;
        let mut counted = None;
        let vanishes = || {
            let there = held_back(&self.faults, &self.host, remote);
            let index = there.or_else(|| held_back(&self.faults, remote, &self.host))?;
            if counted.replace(index) != Some(index) {
                self.faults.hit(index, 1);
            }
            Some(())
        };
        self.faults.clear(vanishes).await;
        if let Some(index) = self.refused(remote) {
            self.faults.hit(index, 1);
            tokio::time::sleep(REFUSAL).await;
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        let inner = TcpStream::connect((remote, port)).await?;
        Ok(self.stream(inner, remote))
    }

    /// Listens on `0.0.0.0:port`.
    pub async fn listen(&self, address: &str) -> io::Result<SimListener> {
        let inner = TcpListener::bind(address).await?;
        Ok(SimListener { inner, net: self.clone() })
    }
}

/// Accepts connections to one port of a host.
pub struct SimListener {
    inner: TcpListener,
    net: SimNet,
}

impl SimListener {
    /// The next connection with its peer's address, `host:port`.
    pub async fn accept(&mut self) -> io::Result<(SimStream, String)> {
        let (inner, peer) = self.inner.accept().await?;
        let remote = turmoil::reverse_lookup(peer.ip()).unwrap_or_else(|| peer.ip().to_string());
        Ok((self.net.stream(inner, &remote), format!("{remote}:{}", peer.port())))
    }

    /// `host:port`.
    pub fn local_addr(&self) -> String {
        let port = self.inner.local_addr().map_or(0, |address| address.port());
        format!("{}:{port}", self.net.host)
    }
}
