//! The network by which one program of Drydock calls the services that its configuration names.

use std::sync::Arc;

use drydock_backends::connect::TlsNet;
use drydock_backends::tcp::TcpNet;
use drydock_core::net::SharedNet;

use super::exit::Failure;
use crate::config::tls::CallTls;

/// The instances as `host:port`, and whether they speak TLS, which all of them do or none.
pub fn instances(configured: &[String]) -> (Vec<String>, bool) {
    let is_secure = configured.iter().any(|instance| instance.starts_with("https://"));
    let plain = |instance: &String| instance.trim_start_matches("https://").to_owned();
    (configured.iter().map(plain).collect(), is_secure)
}

pub fn net(is_secure: bool, tls: &CallTls) -> Result<SharedNet, Failure> {
    if !is_secure {
        return Ok(Arc::new(TcpNet));
    }
    let opened = TlsNet::new(Arc::new(TcpNet), &tls.settings());
    let opened =
        opened.map_err(|error| Failure::because("TLS cannot be spoken to services", error))?;
    Ok(Arc::new(opened))
}
