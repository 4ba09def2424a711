//! From `--url`, `--token` and `--data-dir` to a client.

use std::net::Ipv4Addr;
use std::sync::Arc;

use drydock_backends::tcp::TcpNet;
use secrecy::SecretString;

use super::args::ServerArgs;
use super::exit::Failure;
use super::store;
use crate::config::tokens;
use crate::http::admin::AdminClient;
use crate::http::client::Client;

const SERVICE: &str = "configstore";
const DEFAULT_PORT: u16 = 8001;
/// What a maintenance switch says of who asked.
pub const REQUESTED_BY: &str = "drydock-cli";

pub fn admin(server: &ServerArgs) -> Result<AdminClient, Failure> {
    let authority = match &server.url {
        Some(url) => authority(url)?,
        None => default_authority(server),
    };
    let client = Client::new(Arc::new(TcpNet), authority).with_token(token(server)?);
    Ok(AdminClient::new(client))
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

fn default_authority(server: &ServerArgs) -> String {
    let written = server.data_dir.as_deref().and_then(store::read_addresses);
    let written = written.and_then(|mut addresses| addresses.remove(SERVICE));
    written.unwrap_or_else(|| format!("{}:{DEFAULT_PORT}", Ipv4Addr::LOCALHOST))
}

/// `host:port` of a URL that has nothing else.
fn authority(url: &str) -> Result<String, Failure> {
    let bad = |why| Err(Failure::Usage(format!("`--url`: `{url}` {why}")));
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
            assert_eq!(authority(url).ok().as_deref(), Some(expected), "{url}");
        }
        for url in ["https://store.example", "http://a/b", "ftp://a", "", "a b", "http://"] {
            assert!(matches!(authority(url), Err(Failure::Usage(_))), "{url}");
        }
    }
}
