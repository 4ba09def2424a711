//! `drydock backup verify`: makes every check that an import would make, without any service.

use std::path::Path;
use std::sync::Arc;

use drydock_backends::embedded::Embedded;
use drydock_backends::objects::open_fs;
use drydock_core::archive::Intent;
use drydock_core::context::Context;
use drydock_core::db::Execution;
use drydock_core::env::{Env, RngTree, SystemClock};
use drydock_core::error::{ActionError, BoxError};
use drydock_core::read_model::KeyCheck;
use drydock_runtime::Deps;
use drydock_runtime::routes::stream;
use futures_util::{StreamExt, TryStreamExt};
use http::HeaderMap;

use super::args::StoredService;
use super::exit::Failure;
use super::{examine, import, output, store};
use crate::config::Config;

pub async fn verify(file: &Path, service: StoredService, config: Config) -> Result<(), Failure> {
    let subject = || format!("`{}`", file.display());
    let (input, _) = import::open(file).await?;
    let keys = store::encryption_keys(&config)?.ok_or_else(|| {
        let why = "no encryption keys: pass `--data-dir`, or set `DRYDOCK_ENCRYPTION_KEYS`";
        Failure::Usage(why.to_owned())
    })?;
    let keys: Arc<dyn KeyCheck> = Arc::new(keys);
    let folder = tempfile::tempdir().map_err(|error| Failure::because("a folder", error))?;
    let deps = nowhere(folder.path()).map_err(|error| Failure::because("a folder", error))?;
    // Nothing is stored: the store only lends its schema and a scratch database.
    let store = examine::open(service.schema(), &config, &deps, &keys);
    store.write_newest();
    let input = input.map_err(BoxError::from).boxed();
    let plain = stream::plain(&HeaderMap::new(), input).await;
    let plain = plain.map_err(|error| Failure::because(subject(), error))?;
    let report = store.import(&Context::background(), plain, Intent::DryRun).await;
    let report = report.map_err(|error| match error {
        ActionError::Refused { failure, source: None, .. } => {
            Failure::Failed(format!("{}: {failure}", subject()).into())
        }
        other => Failure::because(subject(), other.boxed()),
    })?;
    for (kind, count) in &report.counts {
        output::line(format!("{kind}: {count}"))?;
    }
    output::line(format!("digest: {}", report.digest))?;
    output::line("valid: it can be imported with these encryption keys")
}

/// An empty store in a folder that is deleted afterwards.
fn nowhere(folder: &Path) -> Result<Deps, BoxError> {
    let clock = Arc::new(SystemClock::default());
    let execution = Execution::Inline;
    let coord = Embedded::open(&folder.join("coordination.redb"), clock.clone(), execution)?;
    Ok(Deps {
        env: Env::new(clock, RngTree::from_entropy()),
        coord: Arc::new(coord),
        objects: open_fs(&folder.join("objects"))?,
        execution,
        peers: None,
        scratch_dir: folder.join("scratch"),
    })
}
