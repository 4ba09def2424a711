//! Clients of the service and the gateway, made of `--url`, `--token` and `--data-dir`.

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;

use drydock_api::admin::AdminClient;
use drydock_api::gateway::GatewayClient;
use drydock_api::runservice::client::RunserviceClient;
use drydock_backends::connect::{Identity, TlsNet, TlsSettings};
use drydock_backends::tcp::TcpNet;
use drydock_core::net::SharedNet;
use drydock_core::read_model::Schema;
use drydock_http::client::Client;
use secrecy::SecretString;

use super::args::{GatewayArgs, ServerArgs, StoredService, TlsArgs};
use super::exit::Failure;
use super::store;
use crate::config::tokens;

const GATEWAY_PORT: u16 = 8000;
/// The requester that a maintenance switch names.
pub const REQUESTED_BY: &str = "drydock-cli";

impl StoredService {
    pub fn schema(self) -> &'static Schema {
        match self {
            StoredService::Configstore => &drydock_configstore::SCHEMA,
            StoredService::Runservice => &drydock_runservice::SCHEMA,
        }
    }

    fn default_port(self) -> u16 {
        match self {
            StoredService::Configstore => 8001,
            StoredService::Runservice => 8002,
        }
    }
}

pub fn admin(server: &ServerArgs) -> Result<AdminClient, Failure> {
    if let Some(url) = &server.gateway {
        let token = admin_token(server.token.as_deref(), server.data_dir.as_deref())?;
        let http = client("--gateway", url, &server.tls)?.with_token(token);
        return Ok(AdminClient::of_service(http, server.of.service.schema().service));
    }
    Ok(AdminClient::new(direct(server)?))
}

pub fn runservice(server: &ServerArgs) -> Result<RunserviceClient, Failure> {
    Ok(RunserviceClient::new(direct(server)?))
}

/// A client of the service itself.
fn direct(server: &ServerArgs) -> Result<Client, Failure> {
    let (service, data_dir) = (server.of.service, server.data_dir.as_deref());
    let url = server.url.clone();
    let url = url
        .unwrap_or_else(|| default_url(data_dir, service.schema().service, service.default_port()));
    Ok(client("--url", &url, &server.tls)?.with_token(token(server)?))
}

fn token(server: &ServerArgs) -> Result<SecretString, Failure> {
    match (&server.token, &server.data_dir) {
        (Some(token), _) => Ok(SecretString::from(token.clone())),
        (None, Some(dir)) => Ok(SecretString::from(tokens::read(dir)?.internal)),
        (None, None) => Err(Failure::Usage(
            "no token: pass `--data-dir`, or set `DRYDOCK_INTERNAL_TOKEN`".to_owned(),
        )),
    }
}

/// A client of the gateway.
pub fn gateway(args: &GatewayArgs) -> Result<GatewayClient, Failure> {
    let data_dir = args.data_dir.as_deref();
    let url = args.gateway.clone();
    let url =
        url.unwrap_or_else(|| default_url(data_dir, drydock_api::gateway::SERVICE, GATEWAY_PORT));
    let token = admin_token(args.token.as_deref(), data_dir)?;
    Ok(GatewayClient::new(client("--gateway", &url, &args.tls)?.with_token(token)))
}

/// The token for a gateway: a user's, or the administrators' of a data directory.
fn admin_token(given: Option<&str>, data_dir: Option<&Path>) -> Result<SecretString, Failure> {
    let token = match (given, data_dir) {
        (Some(token), _) => token.to_owned(),
        (None, Some(dir)) => tokens::read(dir)?.admin,
        (None, None) => {
            let why = "no token: set `DRYDOCK_TOKEN`, or pass `--data-dir` to be administrator";
            return Err(Failure::Usage(why.to_owned()));
        }
    };
    if !usable(&token) {
        return Err(Failure::Usage("the token holds characters that no token has".to_owned()));
    }
    Ok(SecretString::from(token))
}

fn usable(token: &str) -> bool {
    !token.is_empty() && token.chars().all(|c| c.is_ascii_graphic())
}

fn default_url(data_dir: Option<&Path>, service: &str, port: u16) -> String {
    let written = data_dir.and_then(store::read_addresses);
    let written = written.and_then(|mut addresses| addresses.remove(service));
    written.unwrap_or_else(|| format!("http://{}:{port}", Ipv4Addr::LOCALHOST))
}

/// A server, as a URL names it.
#[derive(Debug, PartialEq, Eq)]
struct Target {
    is_secure: bool,
    /// `host:port`.
    authority: String,
    /// The path below which a proxy has the server; empty if there is none.
    prefix: String,
}

/// A client of the server at this URL, which `flag` or a variable gave.
fn client(flag: &str, url: &str, tls: &TlsArgs) -> Result<Client, Failure> {
    let target = target(flag, url)?;
    let net: SharedNet = match target.is_secure {
        false => Arc::new(TcpNet),
        true => {
            let opened = TlsNet::new(Arc::new(TcpNet), &settings(tls)?);
            Arc::new(opened.map_err(|error| Failure::because(format!("`{url}`"), error))?)
        }
    };
    Ok(Client::new(net, target.authority).below(&target.prefix))
}

fn settings(tls: &TlsArgs) -> Result<TlsSettings, Failure> {
    let identity = match (&tls.cert_file, &tls.key_file) {
        (None, None) => None,
        (Some(cert_file), Some(key_file)) => {
            Some(Identity { cert_file: cert_file.clone(), key_file: key_file.clone() })
        }
        _ => {
            let why = "`--client-cert` and `--client-key` are given together";
            return Err(Failure::Usage(why.to_owned()));
        }
    };
    Ok(TlsSettings { ca_file: tls.ca_file.clone(), identity })
}

fn target(flag: &str, url: &str) -> Result<Target, Failure> {
    let bad = || {
        let form = "`http://127.0.0.1:8001` or `https://ci.example/drydock`";
        Failure::Usage(format!("`{flag}`: `{url}` is not a URL such as {form}"))
    };
    let uri: http::Uri = url.parse().map_err(|_| bad())?;
    let is_secure = match uri.scheme_str() {
        None | Some("http") => false,
        Some("https") => true,
        Some(_) => return Err(bad()),
    };
    let authority = uri.authority().filter(|it| !it.as_str().contains('@')).ok_or_else(bad)?;
    if uri.query().is_some() {
        return Err(bad());
    }
    let port = authority.port_u16().unwrap_or(if is_secure { 443 } else { 80 });
    let authority = format!("{}:{port}", authority.host());
    let prefix = uri.path().trim_end_matches('/').to_owned();
    Ok(Target { is_secure, authority, prefix })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_a_scheme_a_host_a_port_and_a_prefix() {
        for (url, is_secure, authority, prefix) in [
            ("http://127.0.0.1:8001", false, "127.0.0.1:8001", ""),
            ("http://store.example/", false, "store.example:80", ""),
            ("127.0.0.1:8001", false, "127.0.0.1:8001", ""),
            ("http://[::1]:8001", false, "[::1]:8001", ""),
            ("https://ci.example", true, "ci.example:443", ""),
            ("https://ci.example:8443/", true, "ci.example:8443", ""),
            ("https://ci.example/a/drydock/", true, "ci.example:443", "/a/drydock"),
        ] {
            let (authority, prefix) = (authority.to_owned(), prefix.to_owned());
            let expected = Target { is_secure, authority, prefix };
            assert_eq!(target("--url", url).ok(), Some(expected), "{url}");
        }
        for url in ["ftp://a", "", "a b", "http://", "/path", "http://a/?q=1", "https://u:p@a/"] {
            assert!(matches!(target("--url", url), Err(Failure::Usage(_))), "{url}");
        }
    }
}
