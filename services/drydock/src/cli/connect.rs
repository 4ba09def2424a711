//! Clients of the service and the gateway, made of `--url`, `--token` and `--data-dir`.

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;

use drydock_api::admin::AdminClient;
use drydock_api::gateway::GatewayClient;
use drydock_api::runservice::client::RunserviceClient;
use drydock_backends::tcp::TcpNet;
use drydock_core::read_model::Schema;
use drydock_http::client::Client;
use secrecy::SecretString;

use super::args::{GatewayArgs, ServerArgs, StoredService};
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
    Ok(AdminClient::new(http(server)?))
}

pub fn runservice(server: &ServerArgs) -> Result<RunserviceClient, Failure> {
    Ok(RunserviceClient::new(http(server)?))
}

fn http(server: &ServerArgs) -> Result<Client, Failure> {
    let service = server.of.service;
    let authority = match &server.url {
        Some(url) => authority("--url", url)?,
        None => {
            let name = service.schema().service;
            default_authority(server.data_dir.as_deref(), name, service.default_port())
        }
    };
    Ok(Client::new(Arc::new(TcpNet), authority).with_token(token(server)?))
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
    let authority = match &args.gateway {
        Some(url) => authority("--gateway", url)?,
        None => {
            default_authority(args.data_dir.as_deref(), drydock_api::gateway::SERVICE, GATEWAY_PORT)
        }
    };
    let token = match (&args.token, &args.data_dir) {
        (Some(token), _) => token.clone(),
        (None, Some(dir)) => tokens::read(dir)?.admin,
        (None, None) => {
            let why = "no token: set `DRYDOCK_TOKEN`, or pass `--data-dir` to be administrator";
            return Err(Failure::Usage(why.to_owned()));
        }
    };
    if !usable(&token) {
        return Err(Failure::Usage("the token holds characters that no token has".to_owned()));
    }
    let http = Client::new(Arc::new(TcpNet), authority).with_token(SecretString::from(token));
    Ok(GatewayClient::new(http))
}

fn usable(token: &str) -> bool {
    !token.is_empty() && token.chars().all(|c| c.is_ascii_graphic())
}

fn default_authority(data_dir: Option<&Path>, service: &str, port: u16) -> String {
    let written = data_dir.and_then(store::read_addresses);
    let written = written.and_then(|mut addresses| addresses.remove(service));
    written.unwrap_or_else(|| format!("{}:{port}", Ipv4Addr::LOCALHOST))
}

/// The `host:port` of a URL that has neither path nor query.
fn authority(flag: &str, url: &str) -> Result<String, Failure> {
    let bad = |why| Err(Failure::Usage(format!("`{flag}`: `{url}` {why}")));
    let Ok(uri) = url.parse::<http::Uri>() else {
        return bad("is not a URL such as `http://127.0.0.1:8001`");
    };
    match (uri.scheme_str(), uri.authority()) {
        (Some("https"), _) => bad("asks for TLS, which is left to a proxy in front"),
        (None | Some("http"), Some(authority)) if matches!(uri.path(), "" | "/") => {
            Ok(match authority.port() {
                Some(_) => authority.to_string(),
                None => format!("{}:80", authority.host()),
            })
        }
        _ => bad("is not a URL such as `http://127.0.0.1:8001`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_name_a_host_and_nothing_else() {
        for (url, expected) in [
            ("http://127.0.0.1:8001", "127.0.0.1:8001"),
            ("http://store.example/", "store.example:80"),
            ("127.0.0.1:8001", "127.0.0.1:8001"),
            ("http://[::1]:8001", "[::1]:8001"),
        ] {
            assert_eq!(authority("--url", url).ok().as_deref(), Some(expected), "{url}");
        }
        for url in ["https://store.example", "http://a/b", "ftp://a", "", "a b", "http://"] {
            assert!(matches!(authority("--url", url), Err(Failure::Usage(_))), "{url}");
        }
    }
}
