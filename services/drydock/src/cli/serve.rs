//! `drydock serve`: runs services in this process until a signal.
//!
//! The first SIGTERM or Ctrl-C asks the services to stop, the second ends the process at once.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use drydock_api::gateway::SERVICE;
use drydock_backends::connect::TlsListener;
use drydock_backends::objects::probe::conditional_writes;
use drydock_backends::tcp::TcpNet;
use drydock_configstore::Configstore;
use drydock_core::env::{Env, RngTree, SystemClock};
use drydock_core::error::{BoxError, Chain};
use drydock_core::net::{Listener, Net};
use drydock_executor::protocol::Shutdown;
use drydock_gateway::Gateway;
use drydock_runservice::Runservice;
use drydock_runtime::encryption::KeyRing;
use drydock_runtime::{Deps, Service, Settings, StatelessSettings, start, start_stateless};
use object_store::path::Path as ObjectPath;
use secrecy::{ExposeSecret, SecretString};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::args::ServeRole;
use super::exit::{FAILED, Failure};
use super::store::Addresses;
use super::{address, calls, executor, output, store};
use crate::config::stores::{CoordinationKind, ObjectsKind};
use crate::config::tls::ListenTls;
use crate::config::{Config, Loaded, keys, tokens};

/// A service with its listener, bound but not yet serving.
struct Bound {
    service: &'static str,
    listener: Box<dyn Listener>,
    scheme: &'static str,
}

impl Bound {
    fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.listener.local_addr())
    }
}

/// The services that run, and the token that stops them.
struct Running {
    services: JoinSet<(&'static str, Result<(), BoxError>)>,
    shutdown: CancellationToken,
}

/// The listeners of a role.
struct Listeners {
    configstore: Option<Bound>,
    runservice: Option<Bound>,
    gateway: Option<Bound>,
}

pub async fn run(role: ServeRole, with_executor: bool, config: Config) -> Result<(), Failure> {
    if with_executor && role != ServeRole::All {
        let why = "`--executor` goes with `all`; elsewhere there is `drydock executor run`";
        return Err(Failure::Usage(why.to_owned()));
    }
    match role {
        ServeRole::All | ServeRole::Configstore | ServeRole::Runservice => {
            with_stores(role, with_executor, config).await
        }
        ServeRole::Gateway => gateway_only(config).await,
    }
}

/// Runs services with stores, which share the data directory, and for `all` the gateway, too.
async fn with_stores(role: ServeRole, with_executor: bool, config: Config) -> Result<(), Failure> {
    let data_dir = config.data_dir.clone().ok_or_else(|| Loaded::missing("data_dir"))?;
    check_shared(role, &config)?;
    let listeners = Listeners::bind(role, &config).await?;
    let opened = store::open(&config, config.instance.readers)?;
    let deps = opened.deps.clone();
    // Only now is it certain that no other process uses the directory.
    let internal_token = internal_token(&config, &data_dir, &deps.env)?;
    let keys = encryption_keys(&config, &data_dir, &deps.env)?;
    let Listeners { configstore, runservice, gateway } = listeners;
    let addresses = announce(configstore.iter().chain(&runservice).chain(&gateway))?;
    store::write_addresses(&data_dir, &addresses)?;

    let mut running = Running::new()?;
    if config.objects.kind == ObjectsKind::S3 {
        tokio::spawn(log_conditional_writes(deps.clone(), config.cluster.clone()));
    }
    if let (Some(gateway), Some(configstore), Some(runservice)) =
        (gateway, &configstore, &runservice)
    {
        let settings = drydock_gateway::Settings {
            admin_token: admin_token(&config, &data_dir, &deps.env)?,
            internal_token: internal_token.clone(),
            configstore: vec![address::reachable(&configstore.listener.local_addr())],
            runservice: vec![address::reachable(&runservice.listener.local_addr())],
        };
        let net_to = |bound: &Bound| calls::net(bound.scheme == "https", &config.gateway.services);
        let behind = Gateway::over(settings, net_to(configstore)?, net_to(runservice)?);
        let runtime =
            StatelessSettings { internal_token: internal_token.clone(), http: config.http.clone() };
        running.spawn_gateway(behind, runtime, deps.env.clone(), gateway);
    }
    if let Some(bound) = runservice.as_ref().filter(|_| with_executor) {
        let net = calls::net(bound.scheme == "https", &config.executor.tls)?;
        let runs = executor::run::Servers {
            net,
            all: vec![address::reachable(&bound.listener.local_addr())],
        };
        running.spawn_executor(&config, &data_dir, runs, &internal_token, &deps.env);
    }
    let settings = settings(&config, internal_token, keys);
    if let Some(bound) = configstore {
        let service = Configstore::new(config.encryption.seal_anew);
        let deps = Deps { peers: calls::peers(bound.scheme == "https", &config)?, ..deps.clone() };
        running.spawn_stored(bound, service, settings.clone(), deps);
    }
    if let Some(bound) = runservice {
        let service = Runservice::new(config.runservice.settings());
        let deps = Deps { peers: calls::peers(bound.scheme == "https", &config)?, ..deps };
        running.spawn_stored(bound, service, settings, deps);
    }
    running.until_all_ended().await
}

impl Listeners {
    async fn bind(role: ServeRole, config: &Config) -> Result<Listeners, Failure> {
        let Config { configstore, runservice, gateway, .. } = config;
        let bind_for = async |of: ServeRole, service, address, tls| match role {
            role if role == of || role == ServeRole::All => {
                bind(service, address, tls).await.map(Some)
            }
            _ => Ok(None),
        };
        let (store, runs) =
            (drydock_configstore::SCHEMA.service, drydock_runservice::SCHEMA.service);
        let (store_tls, runs_tls) = (&configstore.tls, &runservice.tls);
        Ok(Listeners {
            configstore: bind_for(ServeRole::Configstore, store, configstore.listen, store_tls)
                .await?,
            runservice: bind_for(ServeRole::Runservice, runs, runservice.listen, runs_tls).await?,
            gateway: bind_for(ServeRole::Gateway, SERVICE, gateway.listen, &gateway.tls).await?,
        })
    }
}

/// Instances that share a coordination store must know each other's token and keys.
fn check_shared(role: ServeRole, config: &Config) -> Result<(), Failure> {
    let shared = config.coordination.kind == CoordinationKind::Etcd;
    if (role != ServeRole::All || shared) && config.internal_token.is_none() {
        return Err(Loaded::missing("internal_token").into());
    }
    if shared && config.encryption.keys.is_none() {
        return Err(Loaded::missing("encryption.keys").into());
    }
    Ok(())
}

/// Runs the gateway alone: it stores nothing, so it needs no directory.
async fn gateway_only(config: Config) -> Result<(), Failure> {
    let internal_token = config.internal_token.ok_or_else(|| Loaded::missing("internal_token"))?;
    let admin_token = config.admin_token.ok_or_else(|| Loaded::missing("admin_token"))?;
    let gateway = bind(SERVICE, config.gateway.listen, &config.gateway.tls).await?;
    announce([&gateway])?;
    let called = &config.gateway;
    let (configstore, is_secure) = calls::instances(&called.configstore);
    let to_configstore = calls::net(is_secure, &called.services)?;
    let (runservice, is_secure) = calls::instances(&called.runservice);
    let to_runservice = calls::net(is_secure, &called.services)?;
    let runtime =
        StatelessSettings { internal_token: internal_token.clone(), http: config.http.clone() };
    let settings =
        drydock_gateway::Settings { internal_token, admin_token, configstore, runservice };
    let behind = Gateway::over(settings, to_configstore, to_runservice);
    let env = Env::new(Arc::new(SystemClock::default()), RngTree::from_entropy());
    let mut running = Running::new()?;
    running.spawn_gateway(behind, runtime, env, gateway);
    running.until_all_ended().await
}

impl Running {
    /// Runs no service yet; a signal will stop the ones that are spawned.
    fn new() -> Result<Running, Failure> {
        let shutdown = CancellationToken::new();
        let watched = stop_on_signal(shutdown.clone());
        watched.map_err(|error| Failure::because("signals cannot be watched", error))?;
        Ok(Running { services: JoinSet::new(), shutdown })
    }

    fn spawn<F>(
        &mut self,
        Bound { service, listener, .. }: Bound,
        start: impl FnOnce(Box<dyn Listener>, CancellationToken) -> F,
    ) where
        F: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        let running = start(listener, self.shutdown.clone());
        self.services.spawn(async move { (service, running.await) });
    }

    fn spawn_stored(
        &mut self,
        bound: Bound,
        service: impl Service,
        mut settings: Settings,
        deps: Deps,
    ) {
        let local = bound.listener.local_addr();
        settings.advertise = Some(address::advertised(settings.advertise.as_deref(), &local));
        self.spawn(bound, move |listener, shutdown| {
            start(service, settings, deps, listener, shutdown)
        });
    }

    fn spawn_gateway(
        &mut self,
        gateway: Gateway,
        runtime: StatelessSettings,
        env: Env,
        bound: Bound,
    ) {
        self.spawn(bound, move |listener, shutdown| async move {
            start_stateless(gateway, runtime, env, listener, shutdown).await;
            Ok(())
        });
    }

    /// Runs an executor for the runservice at this address. When the services stop it leaves its
    /// attempts alone: the next start finds them.
    fn spawn_executor(
        &mut self,
        config: &Config,
        data_dir: &Path,
        runservice: executor::run::Servers,
        internal_token: &SecretString,
        env: &Env,
    ) {
        let shutdown = Shutdown { leave: self.shutdown.clone(), ..Shutdown::default() };
        let running = executor::run::beside(
            data_dir.to_owned(),
            config.executor.clone(),
            runservice,
            internal_token.clone(),
            env.clone(),
            shutdown,
        );
        self.services.spawn(async move { ("executor", running.await) });
    }

    /// Waits for all services. One that ends before it was asked to stops the others: an operator
    /// sees a process that has stopped, not half a system.
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

/// Logs whether the bucket honours conditional writes. Drydock does not rely on them, but other
/// programs on the same bucket may.
async fn log_conditional_writes(deps: Deps, cluster: String) {
    let key = ObjectPath::from(format!("{cluster}/check/{}.json", deps.env.new_id()));
    match conditional_writes(deps.objects.as_ref(), &key).await {
        Ok(found) => tracing::info!(conditional_writes = ?found, "tried the bucket"),
        Err(error) => tracing::warn!(error = %Chain(&error), "could not use the bucket"),
    }
}

/// The configured internal token, else the data directory's, which is made if there is none.
fn internal_token(config: &Config, data_dir: &Path, env: &Env) -> Result<SecretString, Failure> {
    if let Some(token) = &config.internal_token {
        return Ok(token.clone());
    }
    let tokens = tokens::read_or_create(data_dir, env)?;
    Ok(SecretString::from(tokens.internal))
}

/// The configured admin token, else the data directory's, which is made if there is none.
fn admin_token(config: &Config, data_dir: &Path, env: &Env) -> Result<SecretString, Failure> {
    if let Some(token) = &config.admin_token {
        return Ok(token.clone());
    }
    let tokens = tokens::read_or_create(data_dir, env)?;
    Ok(SecretString::from(tokens.admin))
}

/// The configured encryption keys, else the data directory's, which are made if there are none.
fn encryption_keys(config: &Config, data_dir: &Path, env: &Env) -> Result<KeyRing, Failure> {
    match &config.encryption.keys {
        Some(keys) => Ok(keys.expose_secret().parse().expect("checked when it was loaded")),
        None => Ok(keys::read_or_create(data_dir, env)?),
    }
}

/// Cancels `shutdown` at the first signal and ends the process at the second.
fn stop_on_signal(shutdown: CancellationToken) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        let mut next = async || {
            tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = interrupt.recv() => "SIGINT",
            }
        };
        let signal = next().await;
        tracing::info!(signal, "stopping: a second signal ends the process at once");
        shutdown.cancel();
        let signal = next().await;
        tracing::warn!(signal, "stopped before everything was finished");
        std::process::exit(FAILED.into());
    });
    Ok(())
}

async fn bind(
    service: &'static str,
    address: SocketAddr,
    tls: &ListenTls,
) -> Result<Bound, Failure> {
    let listener = TcpNet.listen(&address.to_string()).await;
    let listener = listener.map_err(|error| {
        Failure::because(format!("{service} cannot listen on `{address}`"), error)
    })?;
    let Some(server) = tls.server() else {
        return Ok(Bound { service, listener, scheme: "http" });
    };
    let acceptor = server.acceptor().map_err(|error| {
        Failure::because(format!("{service} cannot speak TLS on `{address}`"), error)
    })?;
    let listener = Box::new(TlsListener::new(listener, acceptor));
    Ok(Bound { service, listener, scheme: "https" })
}

/// Prints the services' addresses, for people and scripts, and returns them for a file.
fn announce<'a>(bound: impl IntoIterator<Item = &'a Bound>) -> Result<Addresses, Failure> {
    let mut addresses = Addresses::new();
    for bound in bound {
        let (service, url) = (bound.service, bound.url());
        output::line(format!("{service} listens on {url}"))?;
        addresses.insert(service.to_owned(), url);
    }
    Ok(addresses)
}

fn settings(config: &Config, internal_token: SecretString, keys: KeyRing) -> Settings {
    Settings {
        cluster: config.cluster.clone(),
        http: config.http.clone(),
        store: config.store.clone(),
        lease_ttl: config.instance.lease_ttl,
        advertise: config.instance.advertise.clone(),
        maintenance_drain: config.instance.maintenance_drain,
        ..Settings::new(internal_token, keys)
    }
}
