//! A network between the executor and the services that fails as a test says.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use drydock_core::net::{BoxStream, Listener, Net};
use drydock_http::testing::duplex::DuplexNet;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

const BUFFER: usize = 64 << 10;
/// What a service answers that has too much to do.
const BUSY: &str = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nContent-Length: 0\r\n\
    Connection: close\r\n\r\n";

/// What happens to requests and answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Trouble {
    #[default]
    None,
    /// Requests arrive, and answers are lost.
    Lossy,
    /// The server with this name is not reached.
    Without(&'static str),
    /// No server is reached.
    Cut,
    /// Every request is answered with 429 and `Retry-After: 7`, and does not arrive.
    Busy,
}

/// Clones are the same network.
#[derive(Clone)]
pub struct BadNet {
    net: DuplexNet,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    trouble: Trouble,
    /// The connections that were wanted.
    dials: usize,
}

impl BadNet {
    pub fn new(net: &DuplexNet) -> BadNet {
        BadNet { net: net.clone(), state: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub fn set(&self, trouble: Trouble) {
        self.lock().trouble = trouble;
    }

    /// The connections that were wanted since the last time.
    pub fn dials(&self) -> usize {
        std::mem::take(&mut self.lock().dials)
    }

    fn reaches(&self, authority: &str) -> bool {
        match self.lock().trouble {
            Trouble::Without(name) => !authority.starts_with(name),
            Trouble::Cut => false,
            Trouble::None | Trouble::Lossy | Trouble::Busy => true,
        }
    }

    fn has(&self, trouble: &Trouble) -> bool {
        self.lock().trouble == *trouble
    }

    /// Carries bytes until an end closes, or trouble ends the connection.
    async fn carry(self, authority: String, far: DuplexStream, server: BoxStream) {
        let (mut from, mut to) = tokio::io::split(far);
        let (mut answers, mut requests) = tokio::io::split(server);
        let forward = async {
            let mut buffer = vec![0; BUFFER];
            loop {
                let read = from.read(&mut buffer).await?;
                if read == 0 || !self.reaches(&authority) || self.has(&Trouble::Busy) {
                    return io::Result::Ok(());
                }
                requests.write_all(&buffer[..read]).await?;
            }
        };
        let backward = async {
            let mut buffer = vec![0; BUFFER];
            loop {
                let read = answers.read(&mut buffer).await?;
                let is_lost = self.has(&Trouble::Lossy) || !self.reaches(&authority);
                if read == 0 || is_lost {
                    return io::Result::Ok(());
                }
                to.write_all(&buffer[..read]).await?;
            }
        };
        // The end of either is the end of the connection.
        let _ends = tokio::select! {
            end = forward => end,
            end = backward => end,
        };
        if self.has(&Trouble::Busy) {
            let _gone = to.write_all(BUSY.as_bytes()).await;
        }
    }
}

#[async_trait]
impl Net for BadNet {
    async fn dial(&self, authority: &str) -> io::Result<BoxStream> {
        self.lock().dials += 1;
        if !self.reaches(authority) {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        let server = self.net.dial(authority).await?;
        let (near, far) = tokio::io::duplex(BUFFER);
        tokio::spawn(self.clone().carry(authority.to_owned(), far, server));
        Ok(Box::new(near))
    }

    async fn listen(&self, address: &str) -> io::Result<Box<dyn Listener>> {
        self.net.listen(address).await
    }
}
