//! What a data directory holds, and how it is opened.
//!
//! | path | what it is |
//! |---|---|
//! | `coordination.redb` | the embedded coordination store |
//! | `objects/` | objects as files |
//! | `scratch/` | read models: derived, made again at every start |
//! | `tokens.json` | tokens made at random, readable by their owner only |
//! | `addresses.json` | where the services listen, for the commands of the operator |

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use drydock_backends::embedded::Embedded;
use drydock_backends::objects::open_fs;
use drydock_core::db::Execution;
use drydock_core::env::{Clock, Env, RngTree, SystemClock};
use drydock_core::error::BoxError;

use super::exit::Failure;
use crate::runtime::Deps;

/// Service to address.
pub type Addresses = BTreeMap<String, String>;

/// Opens the embedded pair. One process at a time.
pub fn open(data_dir: &Path, readers: usize) -> Result<Deps, Failure> {
    let failed = |error: BoxError| Failure::because("the data directory cannot be used", error);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let execution = Execution::Threads { readers };
    let coordination = data_dir.join("coordination.redb");
    let coord = Embedded::open(&coordination, Arc::clone(&clock), execution);
    let coord = coord.map_err(|error| failed(error.into()))?;
    let objects = open_fs(&data_dir.join("objects")).map_err(|error| failed(error.into()))?;
    let scratch_dir = data_dir.join("scratch");
    // What a killed process left behind; nobody else runs here now.
    let _ = std::fs::remove_dir_all(&scratch_dir);
    std::fs::create_dir_all(&scratch_dir).map_err(|error| failed(error.into()))?;
    Ok(Deps {
        env: Env::new(clock, RngTree::from_entropy()),
        coord: Arc::new(coord),
        objects,
        execution,
        scratch_dir,
    })
}

pub fn write_addresses(data_dir: &Path, addresses: &Addresses) -> Result<(), Failure> {
    let path = addresses_file(data_dir);
    let json = serde_json::to_vec_pretty(addresses).expect("texts are JSON");
    let written = std::fs::write(&path, json);
    written.map_err(|error| Failure::because(format!("`{}`", path.display()), error))
}

/// `None` if the directory does not say.
pub fn read_addresses(data_dir: &Path) -> Option<Addresses> {
    let bytes = std::fs::read(addresses_file(data_dir)).ok()?;
    serde_json::from_slice(&bytes).ok()
}

fn addresses_file(data_dir: &Path) -> PathBuf {
    data_dir.join("addresses.json")
}
