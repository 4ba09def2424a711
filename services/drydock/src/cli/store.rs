//! What a service stores in, opened as the configuration says; and what a data directory holds.
//!
//! | path | what it is |
//! |---|---|
//! | `coordination.redb` | the coordination store, if it is the embedded one |
//! | `coordination.redb.damaged-…` | what `store recover` has put aside |
//! | `objects/` | objects, if they are files |
//! | `scratch/` | read models: derived, made again at every start |
//! | `tokens.json` | tokens made at random, readable by their owner only |
//! | `addresses.json` | where the services listen, for the commands of the operator |

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use drydock_backends::embedded::{Embedded, OpenError};
use drydock_backends::etcd::Etcd;
use drydock_backends::lock::ProcessLock;
use drydock_backends::objects::{Credentials, open_fs, open_s3};
use drydock_backends::tcp::TcpNet;
use drydock_core::coord::Coordination;
use drydock_core::db::Execution;
use drydock_core::env::{Clock, Env, RngTree, SystemClock};
use drydock_core::error::BoxError;
use drydock_core::private;
use drydock_runtime::Deps;
use drydock_runtime::encryption::KeyRing;
use object_store::ObjectStore;
use secrecy::ExposeSecret;

use super::exit::Failure;
use crate::config::stores::{CoordinationConfig, CoordinationKind, ObjectsConfig, ObjectsKind};
use crate::config::{Config, Loaded, environment, keys};

/// What earlier versions have made such that others could read it.
const MADE: [&str; 5] =
    ["coordination.redb", "coordination.redb.lock", "objects", "scratch.lock", "addresses.json"];

/// The addresses of services, by the services' names.
pub type Addresses = BTreeMap<String, String>;

/// The seams of a service, and the lock that keeps other processes off its data directory.
pub struct Opened {
    pub deps: Deps,
    /// The lock of the read models. An embedded store has its own lock instead.
    _lock: Option<ProcessLock>,
}

/// Opens the stores that the configuration names. No request is sent to a server yet.
pub fn open(config: &Config, readers: usize) -> Result<Opened, Failure> {
    let data_dir = config.data_dir.as_deref().ok_or_else(|| Loaded::missing("data_dir"))?;
    let failed = |error: BoxError| Failure::because("the data directory cannot be used", error);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let execution = Execution::Threads { readers };
    let scratch_dir = data_dir.join("scratch");
    let (coord, lock): (Arc<dyn Coordination>, _) = match config.coordination.kind {
        CoordinationKind::Embedded => {
            let path = coordination_file(data_dir);
            let coord = Embedded::open(&path, Arc::clone(&clock), execution);
            (Arc::new(coord.map_err(unopened)?), None)
        }
        CoordinationKind::Etcd => {
            private::create_dir_all(data_dir).map_err(|error| failed(error.into()))?;
            let lock = ProcessLock::acquire(&scratch_dir);
            let lock = lock.map_err(|error| failed(error.into()))?;
            (Arc::new(open_etcd(&config.coordination)?), Some(lock))
        }
    };
    let objects = open_objects(&config.objects, data_dir)?;
    for made in MADE {
        let path = data_dir.join(made);
        let restricted = private::restrict(&path);
        restricted.map_err(|error| Failure::because(format!("`{}`", path.display()), error))?;
    }
    // A killed process may have left files here; with the lock held, no other process uses them.
    let _ = std::fs::remove_dir_all(&scratch_dir);
    private::create_dir_all(&scratch_dir).map_err(|error| failed(error.into()))?;
    let env = Env::new(clock, RngTree::from_entropy());
    let deps = Deps { env, coord, objects, execution, peers: None, scratch_dir };
    Ok(Opened { deps, _lock: lock })
}

/// The file of the embedded coordination store.
pub fn coordination_file(data_dir: &Path) -> PathBuf {
    data_dir.join("coordination.redb")
}

/// The failure to open the embedded coordination store, and the way on.
fn unopened(error: OpenError) -> Failure {
    let subject = match error {
        OpenError::Unreadable { .. } => {
            "the data directory cannot be used (if its file is damaged, as in a copy of a live \
             directory, `drydock store recover` keeps it and goes on from what objects hold)"
        }
        _ => "the data directory cannot be used",
    };
    Failure::because(subject, error)
}

pub fn open_etcd(config: &CoordinationConfig) -> Result<Etcd, Failure> {
    let opened = Etcd::open(config.etcd(), Arc::new(TcpNet));
    opened.map_err(|error| Failure::because("etcd cannot be used", error))
}

pub fn open_objects(
    config: &ObjectsConfig,
    data_dir: &Path,
) -> Result<Arc<dyn ObjectStore>, Failure> {
    let failed = |error: BoxError| Failure::because("objects cannot be used", error);
    match config.kind {
        ObjectsKind::Files => {
            open_fs(&data_dir.join("objects")).map_err(|error| failed(error.into()))
        }
        ObjectsKind::S3 => {
            let settings = config.s3().ok_or_else(|| Loaded::missing("objects.bucket"))?;
            if matches!(settings.credentials, Credentials::Environment) {
                environment::check_aws()?;
            }
            open_s3(&settings, Arc::new(TcpNet)).map_err(|error| failed(error.into()))
        }
    }
}

/// The configured encryption keys, else those of the data directory; `None` if there are none yet.
pub fn encryption_keys(config: &Config) -> Result<Option<KeyRing>, Failure> {
    if let Some(keys) = &config.encryption.keys {
        let ring = keys.expose_secret().parse().expect("checked when it was loaded");
        return Ok(Some(ring));
    }
    match &config.data_dir {
        Some(data_dir) => Ok(keys::read(data_dir)?),
        None => Ok(None),
    }
}

pub fn write_addresses(data_dir: &Path, addresses: &Addresses) -> Result<(), Failure> {
    let path = addresses_file(data_dir);
    let json = serde_json::to_vec_pretty(addresses).expect("texts are JSON");
    let written = private::write(&path, &json);
    written.map_err(|error| Failure::because(format!("`{}`", path.display()), error))
}

/// Reads the addresses of a data directory; `None` if there are none.
pub fn read_addresses(data_dir: &Path) -> Option<Addresses> {
    let bytes = std::fs::read(addresses_file(data_dir)).ok()?;
    serde_json::from_slice(&bytes).ok()
}

fn addresses_file(data_dir: &Path) -> PathBuf {
    data_dir.join("addresses.json")
}
