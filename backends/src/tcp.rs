//! [`Net`] over TCP: the one place that binds and connects.
//!
//! Nagle's algorithm is off: requests are written whole, and must not wait for more data.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use async_trait::async_trait;
use drydock_core::net::{BoxStream, Listener, Net};
use tokio::net::{TcpListener, TcpStream};

#[derive(Debug, Clone, Copy, Default)]
pub struct TcpNet;

#[async_trait]
impl Net for TcpNet {
    async fn dial(&self, authority: &str) -> io::Result<BoxStream> {
        #[expect(clippy::disallowed_methods, reason = "this is the seam's real side")]
        let stream = TcpStream::connect(authority).await?;
        stream.set_nodelay(true)?;
        Ok(Box::new(stream))
    }

    async fn listen(&self, address: &str) -> io::Result<Box<dyn Listener>> {
        #[expect(clippy::disallowed_methods, reason = "this is the seam's real side")]
        let listener = TcpListener::bind(address).await?;
        let local = listener.local_addr()?.to_string();
        Ok(Box::new(Accept { listener, local }))
    }
}

/// The address of this machine from which packets leave to others; `None` without a network. `kind`
/// says whether it is IPv4 or IPv6. Nothing is sent for it.
pub fn outward_ip(kind: IpAddr) -> Option<IpAddr> {
    // Addresses for documentation: they lead to the default route.
    let (any, far): (SocketAddr, SocketAddr) = match kind {
        IpAddr::V4(_) => ((Ipv4Addr::UNSPECIFIED, 0).into(), ([192, 0, 2, 1], 9).into()),
        IpAddr::V6(_) => {
            let far = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
            ((Ipv6Addr::UNSPECIFIED, 0).into(), (far, 9).into())
        }
    };
    let socket = UdpSocket::bind(any).ok()?;
    socket.connect(far).ok()?;
    let ip = socket.local_addr().ok()?.ip();
    (!ip.is_unspecified()).then_some(ip)
}

struct Accept {
    listener: TcpListener,
    local: String,
}

#[async_trait]
impl Listener for Accept {
    async fn accept(&mut self) -> io::Result<(BoxStream, String)> {
        let (stream, peer) = self.listener.accept().await?;
        stream.set_nodelay(true)?;
        Ok((Box::new(stream), peer.to_string()))
    }

    // The system is asked, and not the runtime, which hears of new connections later: one of which
    // it had not heard yet would be reset.
    async fn close(self: Box<Self>) -> Vec<(BoxStream, String)> {
        let mut connected: Vec<(BoxStream, String)> = Vec::new();
        let Ok(listener) = self.listener.into_std() else { return connected };
        loop {
            match listener.accept() {
                Ok((stream, peer)) => {
                    let Ok(stream) = adopt(stream) else { continue };
                    connected.push((Box::new(stream), peer.to_string()));
                }
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                // Nobody waits any more, or the process has no descriptor left.
                Err(_) => return connected,
            }
        }
    }

    fn local_addr(&self) -> String {
        self.local.clone()
    }
}

#[expect(clippy::disallowed_types, reason = "this is the seam's real side")]
fn adopt(stream: std::net::TcpStream) -> io::Result<TcpStream> {
    stream.set_nonblocking(true)?;
    stream.set_nodelay(true)?;
    TcpStream::from_std(stream)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn bytes_cross_a_connection_to_a_free_port() {
        let mut listener = TcpNet.listen("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr();
        assert!(!address.ends_with(":0"), "{address}");
        let mut dialled = TcpNet.dial(&address).await.unwrap();
        let (mut accepted, peer) = listener.accept().await.unwrap();
        assert!(peer.starts_with("127.0.0.1:"), "{peer}");
        dialled.write_all(b"ping").await.unwrap();
        let mut read = [0; 4];
        accepted.read_exact(&mut read).await.unwrap();
        assert_eq!(&read, b"ping");
    }

    #[tokio::test]
    async fn a_taken_port_is_an_error() {
        let listener = TcpNet.listen("127.0.0.1:0").await.unwrap();
        let taken = TcpNet.listen(&listener.local_addr()).await;
        assert_eq!(taken.err().unwrap().kind(), io::ErrorKind::AddrInUse);
    }

    #[tokio::test]
    async fn a_listener_that_closes_hands_out_who_has_connected() {
        let listener = TcpNet.listen("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr();
        // Without a pause, so that the runtime has not heard of them.
        #[expect(clippy::disallowed_types, reason = "`Net::dial` would let the runtime hear")]
        let connect = || std::net::TcpStream::connect(&address).unwrap();
        let dialled = [connect(), connect()];
        let connected = listener.close().await;
        let peers: Vec<&str> = connected.iter().map(|(_, peer)| &**peer).collect();
        let expected = dialled.iter().map(|stream| stream.local_addr().unwrap().to_string());
        assert_eq!(peers, expected.collect::<Vec<_>>());
        assert!(TcpNet.dial(&address).await.is_err());
    }
}
