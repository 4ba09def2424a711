//! `drydock executor run`, and the executor of `drydock serve all --executor`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use drydock_api::names::Ref;
use drydock_api::runservice::client::{ExecutorClient, RunserviceClient};
use drydock_api::runservice::types::NewExecutor;
use drydock_core::context::Context;
use drydock_core::env::Env;
use drydock_core::error::{BoxError, Chain, Kind};
use drydock_core::net::SharedNet;
use drydock_core::private;
use drydock_core::retry::Backoff;
use drydock_executor::machine::{Machine, MachineSettings};
use drydock_executor::protocol::{Executor, Parts, ProtocolSettings, Shutdown};
use drydock_http::api::page::Consistency;
use drydock_http::client::{Client, ClientError};
use secrecy::SecretString;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::calls;
use crate::cli::exit::Failure;
use crate::config::executor::ExecutorConfig;
use crate::config::{Config, Loaded};

/// The name of the executor of `serve all --executor`.
const LOCAL: &str = "local";
const TOKEN_FILE: &str = "token";

/// The instances of runservice, and the network to them.
pub struct Servers {
    pub net: SharedNet,
    /// Each `host:port`.
    pub all: Vec<String>,
}

impl Servers {
    fn client(&self, token: &SecretString) -> Client {
        Client::of_any(Arc::clone(&self.net), self.all.clone()).with_token(token.clone())
    }
}

/// Runs the executor of this machine until a signal.
pub async fn run(config: Config) -> Result<(), Failure> {
    let data_dir = config.data_dir.as_deref().ok_or_else(|| Loaded::missing("data_dir"))?;
    let folder = data_dir.join("executor");
    let token = match &config.executor.token {
        Some(token) => token.clone(),
        None => read_token(&folder)?,
    };
    let shutdown = Shutdown::default();
    let watched = drain_on_signal(shutdown.clone());
    watched.map_err(|error| Failure::because("signals cannot be watched", error))?;
    let (all, is_secure) = calls::instances(&config.executor.runservice);
    let servers = Servers { net: calls::net(is_secure, &config.executor.tls)?, all };
    Ok(execute(&folder, &config.executor, servers, token, Env::system(), shutdown).await?)
}

/// Runs the executor beside the services of this process, which it outlives if it must: its
/// attempts go on, and the next start finds them.
pub async fn beside(
    data_dir: PathBuf,
    config: ExecutorConfig,
    servers: Servers,
    internal_token: SecretString,
    env: Env,
    shutdown: Shutdown,
) -> Result<(), BoxError> {
    let folder = data_dir.join("executor");
    private::create_dir_all(&folder)?;
    let runs = RunserviceClient::new(servers.client(&internal_token));
    let mut backoff = Backoff::new(&env, "executor.registration");
    let token = loop {
        match registered(&runs, &folder).await {
            Ok(token) => break token,
            // The service is not ready yet, or in maintenance.
            Err(error) => {
                tracing::debug!(error = %Chain(error.as_ref()), "the executor waits");
                tokio::select! {
                    () = shutdown.leave.cancelled() => return Ok(()),
                    () = backoff.pause() => {}
                }
            }
        }
    };
    execute(&folder, &config, servers, token, env, shutdown).await
}

/// The token of this installation's executor, which is registered if it is not.
async fn registered(runs: &RunserviceClient, folder: &Path) -> Result<SecretString, BoxError> {
    let ctx = Context::background();
    let name: Ref = LOCAL.parse().expect("it is a name");
    let found = match runs.executor(&ctx, &name, Consistency::Linearizable).await {
        Ok(_) => true,
        Err(error) if is(&error, Kind::NotExist) => false,
        Err(error) => return Err(error.into()),
    };
    if found {
        if let Ok(token) = read_token(folder) {
            return Ok(token);
        }
        // It was registered, and its token was never written.
        runs.delete_executor(&ctx, &name, None).await?;
    }
    let new = NewExecutor { name: LOCAL.to_owned(), labels: Default::default() };
    let made = runs.create_executor(&ctx, &new, None).await?.body;
    private::write(&folder.join(TOKEN_FILE), made.token.as_bytes())?;
    Ok(SecretString::from(made.token))
}

fn is(error: &ClientError, kind: Kind) -> bool {
    error.remote().is_some_and(|remote| remote.kind == kind)
}

fn read_token(folder: &Path) -> Result<SecretString, Failure> {
    let path = folder.join(TOKEN_FILE);
    let text = std::fs::read_to_string(&path).map_err(|error| {
        let what = format!("the executor's token `{}` cannot be read", path.display());
        Failure::because(what, error)
    })?;
    let token = text.trim();
    match token.is_empty() || !token.chars().all(|c| c.is_ascii_graphic()) {
        true => Err(Failure::Failed(format!("`{}` holds no token", path.display()).into())),
        false => Ok(SecretString::from(token.to_owned())),
    }
}

async fn execute(
    folder: &Path,
    config: &ExecutorConfig,
    servers: Servers,
    token: SecretString,
    env: Env,
    shutdown: Shutdown,
) -> Result<(), BoxError> {
    let machine = Machine::open(MachineSettings {
        folder: folder.to_owned(),
        // Found now: the file may be replaced by a newer version while this runs.
        program: std::env::current_exe()?,
        arguments: vec!["supervise".into()],
        use_cgroup: config.use_cgroup,
    })?;
    let Machine { driver, journal, notes, lock } = machine;
    tracing::info!(folder = %folder.display(), limit = config.limit, "the executor starts");
    for note in notes {
        tracing::info!("{note}");
    }
    let settings = ProtocolSettings {
        labels: config.labels()?,
        arch: Some(std::env::consts::ARCH.to_owned()),
        limit: config.limit,
        ..ProtocolSettings::default()
    };
    let parts = Parts {
        env,
        settings,
        client: ExecutorClient::new(servers.client(&token)),
        // None of these shares connections with another.
        heartbeat_client: ExecutorClient::new(servers.client(&token)),
        log_client: ExecutorClient::new(servers.client(&token)),
        archive_client: ExecutorClient::new(servers.client(&token)),
        driver,
        journal,
    };
    let ended = Executor::new(parts)?.run(shutdown).await?;
    tracing::info!(?ended, "the executor has ended");
    drop(lock);
    Ok(())
}

/// Lets the executor drain at the first signal, and leave at the second.
fn drain_on_signal(shutdown: Shutdown) -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        for token in [shutdown.drain, shutdown.leave] {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            token.cancel();
        }
    });
    Ok(())
}
