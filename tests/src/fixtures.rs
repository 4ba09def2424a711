//! What released versions wrote: for each version of a service's schema an export, and for most the
//! keys and objects of a whole store. They are in `fixtures/<service>/<version>`, see the page
//! there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use drydock_core::coord::{Coordination, CoordinationExt, KeyRange, Put, RangeRequest};
use object_store::ObjectStoreExt;
use serde_json::{Value, json};

use crate::app::TestApp;

const EXPORT: &str = "export.ndjson";
const KEYS: &str = "coordination.ndjson";
const OBJECTS: &str = "objects";
const SHAPE: &str = "shape.txt";

/// One version of one service.
#[derive(Debug)]
pub struct Fixture {
    pub version: u32,
    folder: PathBuf,
}

impl Fixture {
    pub fn of(service: &str, version: u32) -> Fixture {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
        Fixture { version, folder: root.join(service).join(version.to_string()) }
    }

    /// All kept versions of a service, in order.
    ///
    /// # Panics
    /// If there is a folder with another name than a version's.
    pub fn all(service: &str) -> Vec<Fixture> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(service);
        let names = fs::read_dir(root).expect("there are fixtures").map(|entry| {
            let name = entry.expect("the folder can be read").file_name();
            name.to_string_lossy().parse().expect("its name is a version")
        });
        let mut versions: Vec<u32> = names.collect();
        versions.sort_unstable();
        versions.into_iter().map(|version| Fixture::of(service, version)).collect()
    }

    /// # Panics
    /// If there is none.
    pub fn export(&self) -> String {
        fs::read_to_string(self.folder.join(EXPORT)).expect("there is an export")
    }

    /// The fields and tables that the version's objects have.
    ///
    /// # Panics
    /// If that was never written.
    pub fn shape(&self) -> String {
        fs::read_to_string(self.folder.join(SHAPE)).expect("there is a shape")
    }

    /// # Panics
    /// If it cannot be written.
    pub fn write_shape(&self, shape: &str) {
        fs::write(self.folder.join(SHAPE), shape).expect("the shape can be written");
    }

    /// Whether it has a whole store.
    pub fn has_store(&self) -> bool {
        self.folder.join(KEYS).exists()
    }

    /// Puts the whole store below an app that has no instance yet.
    ///
    /// # Panics
    /// If it is not there, or cannot be put there.
    pub async fn install(&self, app: &TestApp) {
        let keys = fs::read_to_string(self.folder.join(KEYS)).expect("there are keys");
        for line in keys.lines() {
            let line: Value = serde_json::from_str(line).expect("a line is JSON");
            let part = |name: &str| line[name].as_str().expect("it is a text").to_owned();
            let put = app.coordination.put(Put::new(part("key"), part("value"))).await;
            put.expect("the coordination store takes it");
        }
        let root = self.folder.join(OBJECTS);
        for path in files(&root) {
            let name = path.strip_prefix(&root).expect("it is below").to_string_lossy();
            let bytes = fs::read(&path).expect("the object can be read");
            let put = app.objects.put(&name.as_ref().into(), bytes.into()).await;
            put.expect("the object store takes it");
        }
    }

    /// Writes everything anew: an export, the keys of the service in a coordination store, and the
    /// objects of the service below a folder.
    ///
    /// # Panics
    /// If anything cannot be read or written.
    pub async fn write(&self, export: &str, prefix: &str, keys: &dyn Coordination, from: &Path) {
        let _ = fs::remove_dir_all(&self.folder);
        fs::create_dir_all(&self.folder).expect("the folder can be made");
        fs::write(self.folder.join(EXPORT), export).expect("the export can be written");
        let range = KeyRange::prefix(format!("drydock/{prefix}/"));
        let found = keys.range(RangeRequest::new(range)).await.expect("the keys can be read");
        let mut lines = String::new();
        for kv in found.kvs {
            // The keys under a lease are gone with their instances.
            let [key, value] = [&kv.key, &kv.value]
                .map(|bytes| String::from_utf8(bytes.to_vec()).expect("it is a text"));
            if kv.lease.is_none() {
                lines += &format!("{}\n", json!({ "key": key, "value": value }));
            }
        }
        fs::write(self.folder.join(KEYS), lines).expect("the keys can be written");
        for path in files(&from.join(prefix)) {
            let name = path.strip_prefix(from).expect("it is below");
            let target = self.folder.join(OBJECTS).join(name);
            fs::create_dir_all(target.parent().expect("it has a folder")).expect("it can be made");
            fs::copy(&path, target).expect("the object can be copied");
        }
    }
}

/// All files below a folder, in order.
fn files(root: &Path) -> Vec<PathBuf> {
    let (mut folders, mut found) = (vec![root.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("the folder can be read") {
            let path = entry.expect("the folder can be read").path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

/// The lines of an export's objects.
pub fn objects(export: &str) -> Vec<Value> {
    let lines = export.lines().map(|line| serde_json::from_str(line).expect("a line is JSON"));
    lines.filter(|line: &Value| line.get("type").is_some()).collect()
}

/// The types of the objects in an export.
pub fn types(export: &str) -> BTreeSet<String> {
    let types = objects(export).into_iter();
    types.filter_map(|line| line["type"].as_str().map(str::to_owned)).collect()
}
