//! `drydock serve`: services in this process, until a signal.

use std::net::SocketAddr;

use drydock_backends::objects::probe::conditional_writes;
use drydock_backends::tcp::TcpNet;
use drydock_core::env::Env;
use drydock_core::error::{BoxError, Chain};
use drydock_core::net::{Listener, Net};
use object_store::path::Path;
use secrecy::{ExposeSecret, SecretString};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::args::ServeRole;
use super::exit::Failure;
use super::store::{self, Addresses};
use super::{output, signals};
use crate::config::stores::{CoordinationKind, ObjectsKind};
use crate::config::{Config, Loaded, keys, tokens};
use crate::runtime::{Deps, Role, Settings, start};
use crate::seal::KeyRing;

/// A service with its listener, bound but not yet serving.
struct Bound {
    role: Role,
    listener: Box<dyn Listener>,
}

pub async fn run(role: ServeRole, config: Config) -> Result<(), Failure> {
    let data_dir = config.data_dir.clone().ok_or_else(|| Loaded::missing("data_dir"))?;
    // Instances that share a coordination store must know each other's.
    let shared = config.coordination.kind == CoordinationKind::Etcd;
    if (role == ServeRole::Configstore || shared) && config.internal_token.is_none() {
        return Err(Loaded::missing("internal_token").into());
    }
    if shared && config.encryption.keys.is_none() {
        return Err(Loaded::missing("encryption.keys").into());
    }
    let roles = match role {
        ServeRole::All | ServeRole::Configstore => [(Role::Configstore, config.configstore.listen)],
    };
    let mut bound = Vec::new();
    for (role, address) in roles {
        bound.push(bind(role, address).await?);
    }
    let opened = store::open(&config, config.instance.readers)?;
    let deps = opened.deps.clone();
    // Only now: no other process uses the directory.
    let internal_token = internal_token(&config, &data_dir, &deps.env)?;
    let keys = encryption_keys(&config, &data_dir, &deps.env)?;
    announce(&data_dir, &bound)?;

    let shutdown = CancellationToken::new();
    let watched = signals::watch(shutdown.clone());
    watched.map_err(|error| Failure::because("signals cannot be watched", error))?;
    if config.objects.kind == ObjectsKind::S3 {
        tokio::spawn(tell_conditional_writes(deps.clone(), config.cluster.clone()));
    }
    let settings = settings(config, internal_token, keys);
    let mut running = JoinSet::new();
    for Bound { role, listener } in bound {
        let (settings, deps, shutdown) = (settings.clone(), deps.clone(), shutdown.clone());
        running.spawn(async move { (role, start(role, settings, deps, listener, shutdown).await) });
    }
    // One that ends before it was asked to takes the others with it: an operator sees a process
    // that stopped, not half a system.
    let mut failed: Option<BoxError> = None;
    while let Some(ended) = running.join_next().await {
        let error = match ended {
            Ok((_, Ok(()))) => None,
            Ok((role, Err(error))) => {
                tracing::error!(service = role.name(), error = %Chain(error.as_ref()), "failed");
                Some(error)
            }
            Err(panic) => Some(panic.into()),
        };
        failed = failed.or(error);
        shutdown.cancel();
    }
    failed.map_or(Ok(()), |error| Err(error.into()))
}

/// For operators, who may share a bucket with programs that rely on them. Nothing here does.
async fn tell_conditional_writes(deps: Deps, cluster: String) {
    let key = Path::from(format!("{cluster}/check/{}.json", deps.env.new_id()));
    match conditional_writes(deps.objects.as_ref(), &key).await {
        Ok(found) => tracing::info!(conditional_writes = ?found, "the bucket answers"),
        Err(error) => tracing::warn!(error = %Chain(&error), "the bucket does not answer"),
    }
}

/// A given one wins; else the data directory's, which is made if there is none.
fn internal_token(
    config: &Config,
    data_dir: &std::path::Path,
    env: &Env,
) -> Result<SecretString, Failure> {
    if let Some(token) = &config.internal_token {
        return Ok(token.clone());
    }
    let tokens = tokens::read_or_create(data_dir, env)?;
    Ok(SecretString::from(tokens.internal))
}

/// Given ones win; else the data directory's, which are made if there are none.
fn encryption_keys(
    config: &Config,
    data_dir: &std::path::Path,
    env: &Env,
) -> Result<KeyRing, Failure> {
    match &config.encryption.keys {
        Some(keys) => Ok(keys.expose_secret().parse().expect("checked when it was loaded")),
        None => Ok(keys::read_or_create(data_dir, env)?),
    }
}

async fn bind(role: Role, address: SocketAddr) -> Result<Bound, Failure> {
    let listener = TcpNet.listen(&address.to_string()).await;
    let listener = listener.map_err(|error| {
        let what = format!("{} cannot listen on `{address}`", role.name());
        Failure::because(what, error)
    })?;
    Ok(Bound { role, listener })
}

/// Says where the services are: to people and scripts on stdout, to operator commands in a file.
fn announce(data_dir: &std::path::Path, bound: &[Bound]) -> Result<(), Failure> {
    let mut addresses = Addresses::new();
    for Bound { role, listener } in bound {
        let address = listener.local_addr();
        output::line(format!("{} listens on http://{address}", role.name()))?;
        addresses.insert(role.name().to_owned(), address);
    }
    store::write_addresses(data_dir, &addresses)
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
