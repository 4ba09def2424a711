//! `drydock store recover`: goes on from what objects hold when the file of the embedded
//! coordination store is damaged, as a copy of a live data directory may be.
//!
//! The damaged file is kept under another name. The next start finds objects without a coordination
//! store, and recovers from them by itself.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use drydock_backends::embedded::{Embedded, OpenError};
use drydock_core::db::Execution;
use drydock_core::env::SystemClock;
use futures_util::TryStreamExt;
use object_store::ObjectStore;
use object_store::path::Path as ObjectPath;

use super::exit::Failure;
use super::{confirm, output, store};
use crate::config::stores::CoordinationKind;
use crate::config::{Config, Loaded};

pub async fn run(config: &Config, yes: bool) -> Result<(), Failure> {
    let data_dir = config.data_dir.as_deref().ok_or_else(|| Loaded::missing("data_dir"))?;
    if config.coordination.kind != CoordinationKind::Embedded {
        let why = "etcd is restored by its operator, and what it lost is recovered by itself";
        return Err(Failure::Usage(why.to_owned()));
    }
    let path = store::coordination_file(data_dir);
    let shown = path.display();
    if !path.is_file() {
        let why = format!("`{shown}` does not exist: the next start recovers by itself");
        return Err(Failure::Failed(why.into()));
    }
    match Embedded::open(&path, Arc::new(SystemClock::default()), Execution::Inline) {
        Ok(_) => {
            let why = format!("`{shown}` can be opened: there is nothing to recover");
            return Err(Failure::Failed(why.into()));
        }
        Err(error @ OpenError::Unreadable { .. }) => {
            output::note(format!("{}", drydock_core::error::Chain(&error)));
        }
        Err(error) => return Err(Failure::because("the data directory cannot be used", error)),
    }
    let objects = store::open_objects(&config.objects, data_dir)?;
    let services = services(objects.as_ref(), &config.cluster).await?;
    if services.is_empty() {
        let why = "objects hold no state of this cluster: there is nothing to go on from";
        return Err(Failure::Failed(why.into()));
    }
    let services = services.join(" and ");
    let what = format!(
        "`{shown}` is put aside, and {services} goes on from the last archived commit: later ones \
         are lost, also if they were acknowledged"
    );
    confirm::confirm(&what, yes)?;
    let aside = aside(&path);
    let renamed = std::fs::rename(&path, &aside);
    renamed.map_err(|error| Failure::because(format!("`{shown}`"), error))?;
    output::line(format!("kept: `{}`", aside.display()))?;
    output::line("recovered: the next start goes on from what objects hold")
}

/// The services whose state objects hold.
async fn services(objects: &dyn ObjectStore, cluster: &str) -> Result<Vec<String>, Failure> {
    let failed = |error| Failure::because("objects cannot be read", error);
    let prefix = ObjectPath::from(cluster);
    let listed = objects.list_with_delimiter(Some(&prefix)).await.map_err(failed)?;
    let mut services = Vec::new();
    for folder in listed.common_prefixes {
        let lineages = folder.clone().join("lineages");
        let any = objects.list(Some(&lineages)).try_next().await.map_err(failed)?;
        if let (Some(name), Some(_)) = (folder.filename(), any) {
            services.push(name.to_owned());
        }
    }
    Ok(services)
}

/// A name beside the file that is not taken.
fn aside(path: &Path) -> PathBuf {
    let named = |nth: u32| PathBuf::from(format!("{}.damaged-{nth}", path.display()));
    let taken = |path: &PathBuf| {
        let found = std::fs::symlink_metadata(path);
        !matches!(found, Err(error) if error.kind() == io::ErrorKind::NotFound)
    };
    let mut names = (1..).map(named);
    names.find(|name| !taken(name)).expect("a folder has fewer files than there are names")
}
