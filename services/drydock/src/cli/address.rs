//! The addresses at which listeners are dialled.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use drydock_backends::tcp::outward_ip;

/// The address at which a listener is dialled from this machine: a listener on all interfaces is
/// dialled on the loopback one.
pub fn reachable(address: &str) -> String {
    match address.parse::<SocketAddr>() {
        Ok(mut address) if address.ip().is_unspecified() => {
            let here = match address {
                SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            };
            address.set_ip(here);
            address.to_string()
        }
        _ => address.to_owned(),
    }
}

/// The address that an instance names to others, for its listener: `given`, with the listener's
/// port if it has none. A listener on all interfaces is named by the one that leads outwards.
pub fn advertised(given: Option<&str>, local: &str) -> String {
    let Ok(local) = local.parse::<SocketAddr>() else { return local.to_owned() };
    match given {
        Some(given) if has_port(given) => given.to_owned(),
        Some(host) => match host.parse::<IpAddr>() {
            Ok(ip) => SocketAddr::new(ip, local.port()).to_string(),
            Err(_) => format!("{host}:{}", local.port()),
        },
        None if local.ip().is_unspecified() => match outward_ip(local.ip()) {
            Some(ip) => SocketAddr::new(ip, local.port()).to_string(),
            None => reachable(&local.to_string()),
        },
        None => local.to_string(),
    }
}

/// Whether an address is `host:port` and not a host, which may be an IPv6 address.
fn has_port(address: &str) -> bool {
    let authority = address.parse::<http::uri::Authority>();
    address.parse::<IpAddr>().is_err() && authority.is_ok_and(|it| it.port().is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_names_an_address_that_can_be_dialled() {
        for (given, local, named) in [
            (None, "10.0.0.1:80", "10.0.0.1:80"),
            (Some("host.example"), "0.0.0.0:80", "host.example:80"),
            (Some("host.example:8080"), "0.0.0.0:80", "host.example:8080"),
            (Some("10.0.0.2"), "10.0.0.1:80", "10.0.0.2:80"),
            (Some("fd00::2"), "[::]:80", "[fd00::2]:80"),
            (Some("[fd00::2]:81"), "[::]:80", "[fd00::2]:81"),
        ] {
            assert_eq!(advertised(given, local), named);
        }
        for local in ["0.0.0.0:80", "[::]:80"] {
            let named: SocketAddr = advertised(None, local).parse().unwrap();
            assert!(!named.ip().is_unspecified() && named.port() == 80, "{named}");
        }
    }

    #[test]
    fn a_listener_on_all_interfaces_is_dialled_on_loopback() {
        for (bound, dialled) in [
            ("0.0.0.0:80", "127.0.0.1:80"),
            ("[::]:80", "[::1]:80"),
            ("10.0.0.1:80", "10.0.0.1:80"),
        ] {
            assert_eq!(reachable(bound), dialled);
        }
    }
}
