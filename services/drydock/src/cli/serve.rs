//! `drydock serve`: services in this process, until a signal.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use drydock_api::gateway::SERVICE;
use drydock_backends::objects::probe::conditional_writes;
use drydock_backends::tcp::TcpNet;
use drydock_configstore::Configstore;
use drydock_core::env::{Env, RngTree, SystemClock};
use drydock_core::error::{BoxError, Chain};
use drydock_core::net::{Listener, Net};
use drydock_gateway::Gateway;
use drydock_http::server::HttpSettings;
use drydock_runtime::encryption::KeyRing;
use drydock_runtime::{Deps, Settings, StatelessSettings, start, start_stateless};
use object_store::path::Path as ObjectPath;
use secrecy::{ExposeSecret, SecretString};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::args::ServeRole;
use super::exit::Failure;
use super::store;
use super::store::Addresses;
use super::{output, signals};
use crate::config::stores::{CoordinationKind, ObjectsKind};
use crate::config::{Config, Loaded, keys, tokens};

/// A service with its listener, bound but not yet serving.
struct Bound {
    service: &'static str,
    listener: Box<dyn Listener>,
}

/// What runs.
struct Running {
    services: JoinSet<(&'static str, Result<(), BoxError>)>,
    shutdown: CancellationToken,
}

pub async fn run(role: ServeRole, config: Config) -> Result<(), Failure> {
    match role {
        ServeRole::All | ServeRole::Configstore => with_store(role, config).await,
        ServeRole::Gateway => gateway_only(config).await,
    }
}

/// Services with a store, which need the data directory, and the gateway if all are wanted.
async fn with_store(role: ServeRole, config: Config) -> Result<(), Failure> {
    let data_dir = config.data_dir.clone().ok_or_else(|| Loaded::missing("data_dir"))?;
    // Instances that share a coordination store must know each other's token.
    let shared = config.coordination.kind == CoordinationKind::Etcd;
    if (role == ServeRole::Configstore || shared) && config.internal_token.is_none() {
        return Err(Loaded::missing("internal_token").into());
    }
    if shared && config.encryption.keys.is_none() {
        return Err(Loaded::missing("encryption.keys").into());
    }
    let store = bind(drydock_configstore::SCHEMA.service, config.configstore.listen).await?;
    let face = match role {
        ServeRole::All => Some(bind(SERVICE, config.gateway.listen).await?),
        _ => None,
    };
    let opened = store::open(&config, config.instance.readers)?;
    let deps = opened.deps.clone();
    // Only now: no other process uses the directory.
    let internal_token = internal_token(&config, &data_dir, &deps.env)?;
    let keys = encryption_keys(&config, &data_dir, &deps.env)?;
    let addresses = announce([&store].into_iter().chain(&face))?;
    store::write_addresses(&data_dir, &addresses)?;

    let mut running = Running::new()?;
    if config.objects.kind == ObjectsKind::S3 {
        tokio::spawn(tell_conditional_writes(deps.clone(), config.cluster.clone()));
    }
    if let Some(face) = face {
        let settings = drydock_gateway::Settings {
            admin_token: admin_token(&config, &data_dir, &deps.env)?,
            internal_token: internal_token.clone(),
            configstore: vec![reachable(&store.listener.local_addr())],
        };
        running.spawn_gateway(settings, config.http.clone(), deps.env.clone(), face);
    }
    let service = Configstore::new(config.encryption.seal_anew);
    let settings = settings(config, internal_token, keys);
    running
        .spawn(store, move |listener, shutdown| start(service, settings, deps, listener, shutdown));
    running.until_all_ended().await
}

/// The gateway alone: it keeps nothing, so it needs no directory.
async fn gateway_only(config: Config) -> Result<(), Failure> {
    let internal_token = config.internal_token.ok_or_else(|| Loaded::missing("internal_token"))?;
    let admin_token = config.admin_token.ok_or_else(|| Loaded::missing("admin_token"))?;
    let face = bind(SERVICE, config.gateway.listen).await?;
    announce([&face])?;
    let settings = drydock_gateway::Settings {
        internal_token,
        admin_token,
        configstore: config.gateway.configstore,
    };
    let env = Env::new(Arc::new(SystemClock::default()), RngTree::from_entropy());
    let mut running = Running::new()?;
    running.spawn_gateway(settings, config.http, env, face);
    running.until_all_ended().await
}

impl Running {
    /// Nothing yet; a signal stops what will be.
    fn new() -> Result<Running, Failure> {
        let shutdown = CancellationToken::new();
        let watched = signals::watch(shutdown.clone());
        watched.map_err(|error| Failure::because("signals cannot be watched", error))?;
        Ok(Running { services: JoinSet::new(), shutdown })
    }

    fn spawn<F>(
        &mut self,
        Bound { service, listener }: Bound,
        start: impl FnOnce(Box<dyn Listener>, CancellationToken) -> F,
    ) where
        F: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        let running = start(listener, self.shutdown.clone());
        self.services.spawn(async move { (service, running.await) });
    }

    fn spawn_gateway(
        &mut self,
        settings: drydock_gateway::Settings,
        http: HttpSettings,
        env: Env,
        bound: Bound,
    ) {
        let runtime = StatelessSettings { internal_token: settings.internal_token.clone(), http };
        let gateway = Gateway::new(settings, Arc::new(TcpNet));
        self.spawn(bound, move |listener, shutdown| async move {
            start_stateless(gateway, runtime, env, listener, shutdown).await;
            Ok(())
        });
    }

    /// One that ends before it was asked to takes the others with it: an operator sees a process
    /// that stopped, not half a system.
    async fn until_all_ended(mut self) -> Result<(), Failure> {
        let mut failed: Option<BoxError> = None;
        while let Some(ended) = self.services.join_next().await {
            let error = match ended {
                Ok((_, Ok(()))) => None,
                Ok((service, Err(error))) => {
                    tracing::error!(service, error = %Chain(error.as_ref()), "failed");
                    Some(error)
                }
                Err(panic) => Some(panic.into()),
            };
            failed = failed.or(error);
            self.shutdown.cancel();
        }
        failed.map_or(Ok(()), |error| Err(error.into()))
    }
}

/// For operators, who may share a bucket with programs that rely on them. Nothing here does.
async fn tell_conditional_writes(deps: Deps, cluster: String) {
    let key = ObjectPath::from(format!("{cluster}/check/{}.json", deps.env.new_id()));
    match conditional_writes(deps.objects.as_ref(), &key).await {
        Ok(found) => tracing::info!(conditional_writes = ?found, "the bucket answers"),
        Err(error) => tracing::warn!(error = %Chain(&error), "the bucket does not answer"),
    }
}

/// A given one wins; else the data directory's, which is made if there is none.
fn internal_token(config: &Config, data_dir: &Path, env: &Env) -> Result<SecretString, Failure> {
    if let Some(token) = &config.internal_token {
        return Ok(token.clone());
    }
    let tokens = tokens::read_or_create(data_dir, env)?;
    Ok(SecretString::from(tokens.internal))
}

/// As [`internal_token`].
fn admin_token(config: &Config, data_dir: &Path, env: &Env) -> Result<SecretString, Failure> {
    if let Some(token) = &config.admin_token {
        return Ok(token.clone());
    }
    let tokens = tokens::read_or_create(data_dir, env)?;
    Ok(SecretString::from(tokens.admin))
}

/// Given ones win; else the data directory's, which are made if there are none.
fn encryption_keys(config: &Config, data_dir: &Path, env: &Env) -> Result<KeyRing, Failure> {
    match &config.encryption.keys {
        Some(keys) => Ok(keys.expose_secret().parse().expect("checked when it was loaded")),
        None => Ok(keys::read_or_create(data_dir, env)?),
    }
}

async fn bind(service: &'static str, address: SocketAddr) -> Result<Bound, Failure> {
    let listener = TcpNet.listen(&address.to_string()).await;
    let listener = listener.map_err(|error| {
        let what = format!("{service} cannot listen on `{address}`");
        Failure::because(what, error)
    })?;
    Ok(Bound { service, listener })
}

/// Says where the services are, to people and scripts; answers the same for a file.
fn announce<'a>(bound: impl IntoIterator<Item = &'a Bound>) -> Result<Addresses, Failure> {
    let mut addresses = Addresses::new();
    for Bound { service, listener } in bound {
        let address = listener.local_addr();
        output::line(format!("{service} listens on http://{address}"))?;
        addresses.insert((*service).to_owned(), address);
    }
    Ok(addresses)
}

/// An address as one dials it from this machine: one that listens everywhere does so here too.
fn reachable(address: &str) -> String {
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

fn settings(config: Config, internal_token: SecretString, keys: KeyRing) -> Settings {
    Settings {
        cluster: config.cluster,
        http: config.http,
        store: config.store,
        lease_ttl: config.instance.lease_ttl,
        maintenance_drain: config.instance.maintenance_drain,
        ..Settings::new(internal_token, keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_listens_everywhere_is_dialled_here() {
        for (bound, dialled) in [
            ("0.0.0.0:80", "127.0.0.1:80"),
            ("[::]:80", "[::1]:80"),
            ("10.0.0.1:80", "10.0.0.1:80"),
        ] {
            assert_eq!(reachable(bound), dialled);
        }
    }
}
