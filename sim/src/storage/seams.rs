//! The simulated world as the product's seams, and those as what simulated servers need.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use drydock_core::env::Clock;
use drydock_core::net::{BoxStream, Listener, Net};
use drydock_harness::fault::Faults;
use drydock_harness::world::{SimClock, SimListener, SimNet};
use jiff::Timestamp;

/// The network as one host sees it.
#[derive(Clone)]
pub struct HostNet(pub SimNet);

struct HostListener(SimListener);

/// The clocks of one host.
pub struct HostClock(SimClock);

#[async_trait]
impl Net for HostNet {
    async fn dial(&self, authority: &str) -> io::Result<BoxStream> {
        Ok(Box::new(self.0.dial(authority).await?))
    }

    async fn listen(&self, address: &str) -> io::Result<Box<dyn Listener>> {
        Ok(Box::new(HostListener(self.0.listen(address).await?)))
    }
}

#[async_trait]
impl Listener for HostListener {
    async fn accept(&mut self) -> io::Result<(BoxStream, String)> {
        let (stream, peer) = self.0.accept().await?;
        Ok((Box::new(stream), peer))
    }

    fn local_addr(&self) -> String {
        self.0.local_addr()
    }
}

impl HostClock {
    /// The clock of `host`; none: one that no fault puts off.
    pub fn shared(epoch: Timestamp, host: Option<&str>, faults: &Faults) -> Arc<HostClock> {
        Arc::new(HostClock(SimClock::new(epoch, host, faults)))
    }
}

impl Clock for HostClock {
    fn wall(&self) -> Timestamp {
        self.0.wall()
    }

    fn monotonic(&self) -> Duration {
        self.0.monotonic()
    }
}

/// A listener of the product's network, for the simulated servers.
pub struct Accepts(pub Box<dyn Listener>);

#[async_trait]
impl drydock_sim_etcd::Accept for Accepts {
    async fn accept(&mut self) -> io::Result<(drydock_sim_etcd::net::BoxStream, String)> {
        let (stream, peer) = self.0.accept().await?;
        Ok((Box::new(stream), peer))
    }
}

#[async_trait]
impl drydock_sim_s3::Accept for Accepts {
    async fn accept(&mut self) -> io::Result<(drydock_sim_s3::net::BoxStream, String)> {
        let (stream, peer) = self.0.accept().await?;
        Ok((Box::new(stream), peer))
    }
}
