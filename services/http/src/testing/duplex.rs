//! An in-memory [`Net`] for tests: every dial is a pair of pipes.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use drydock_core::net::{BoxStream, Listener, Net};
use tokio::io::DuplexStream;
use tokio::sync::mpsc;

/// Bytes that a pipe holds before its writer waits.
const PIPE_BYTES: usize = 64 * 1024;
/// Connections that wait to be accepted.
const BACKLOG: usize = 128;
const FIRST_FREE_PORT: u16 = 40_000;

/// A network of its own. Clones are the same one.
#[derive(Clone, Default)]
pub struct DuplexNet {
    hosts: Arc<Mutex<Hosts>>,
}

#[derive(Default)]
struct Hosts {
    listening: BTreeMap<String, mpsc::Sender<DuplexStream>>,
    ports_given: u16,
}

impl DuplexNet {
    fn lock(&self) -> MutexGuard<'_, Hosts> {
        self.hosts.lock().expect("no holder of this lock panics")
    }
}

#[async_trait]
impl Net for DuplexNet {
    async fn dial(&self, authority: &str) -> io::Result<BoxStream> {
        let backlog = self.lock().listening.get(authority).cloned();
        let backlog = backlog.ok_or(io::ErrorKind::ConnectionRefused)?;
        let (near, far) = tokio::io::duplex(PIPE_BYTES);
        let sent = backlog.send(far).await;
        sent.map_err(|_| io::Error::from(io::ErrorKind::ConnectionRefused))?;
        Ok(Box::new(near))
    }

    async fn listen(&self, address: &str) -> io::Result<Box<dyn Listener>> {
        let mut hosts = self.lock();
        let address = match address.strip_suffix(":0") {
            Some(host) => {
                hosts.ports_given += 1;
                format!("{host}:{}", FIRST_FREE_PORT + hosts.ports_given)
            }
            None => address.to_owned(),
        };
        let taken = hosts.listening.get(&address);
        if taken.is_some_and(|backlog| !backlog.is_closed()) {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        let (sender, backlog) = mpsc::channel(BACKLOG);
        hosts.listening.insert(address.clone(), sender);
        Ok(Box::new(DuplexListener { address, backlog }))
    }
}

struct DuplexListener {
    address: String,
    backlog: mpsc::Receiver<DuplexStream>,
}

#[async_trait]
impl Listener for DuplexListener {
    async fn accept(&mut self) -> io::Result<(BoxStream, String)> {
        let stream = self.backlog.recv().await;
        // The net is gone, and with it everybody who could dial.
        let Some(stream) = stream else {
            return std::future::pending().await;
        };
        Ok((Box::new(stream), "duplex".to_owned()))
    }

    fn local_addr(&self) -> String {
        self.address.clone()
    }
}
