use std::io;

use async_trait::async_trait;
use drydock_core::net::Listener;

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
