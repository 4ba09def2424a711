//! The network by which one program of Drydock calls the services that its configuration names.

use std::sync::Arc;

use drydock_backends::connect::TlsNet;
use drydock_backends::tcp::TcpNet;
use drydock_core::log::format::Transport;
use drydock_core::net::SharedNet;
use drydock_runtime::PeerNet;

use super::exit::Failure;
use crate::config::Config;
use crate::config::stores::CoordinationKind;
use crate::config::tls::CallTls;
use crate::config::types::InstanceConfig;

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

/// The network by which the instances of a service call each other. On the embedded store there is
/// only one instance.
pub fn peers(is_secure: bool, config: &Config) -> Result<Option<PeerNet>, Failure> {
    let InstanceConfig { forward, tls, .. } = &config.instance;
    if !forward || config.coordination.kind == CoordinationKind::Embedded {
        return Ok(None);
    }
    let transport = if is_secure { Transport::Tls } else { Transport::Plain };
    match net(is_secure, tls) {
        Ok(net) => Ok(Some(PeerNet { net, transport })),
        // The machine trusts nobody, and nobody has said whom to trust.
        Err(Failure::Failed(error)) if *tls == CallTls::default() => {
            tracing::warn!(%error, "changes are not forwarded: `instance.tls` is not set");
            Ok(None)
        }
        Err(failure) => Err(failure),
    }
}
