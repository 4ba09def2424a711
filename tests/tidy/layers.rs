use std::collections::BTreeMap;

use serde_json::Value;

use crate::tracked::run;

/// What each package may know of the others, tests included: never something above it.
const LAYERS: [(&str, &[&str]); 9] = [
    ("drydock-core", &["drydock-core"]),
    ("drydock-backends", &["drydock-core"]),
    ("drydock-services", &["drydock-core", "drydock-backends"]),
    ("drydock-sim-etcd", &[]),
    ("drydock-sim-s3", &[]),
    ("drydock-harness", &[]),
    ("drydock-example-lock", &["drydock-harness", "drydock-sim-etcd", "drydock-sim-s3"]),
    (
        "drydock-sim",
        &[
            "drydock-core",
            "drydock-backends",
            "drydock-services",
            "drydock-sim-etcd",
            "drydock-sim-s3",
            "drydock-harness",
        ],
    ),
    (
        "drydock-tests",
        &[
            "drydock-core",
            "drydock-backends",
            "drydock-services",
            "drydock-sim-etcd",
            "drydock-sim-s3",
            "drydock-harness",
            "drydock-sim",
        ],
    ),
];

/// The names below `key` of each element.
fn names<'a>(value: &'a Value, key: &str) -> Vec<&'a Value> {
    value[key].as_array().map(|list| list.iter().collect()).unwrap_or_default()
}

#[test]
fn no_package_knows_one_above_it() {
    let metadata =
        run(env!("CARGO"), &["metadata", "--format-version=1", "--no-deps", "--offline"]);
    let metadata: Value = serde_json::from_str(&metadata).expect("cargo writes JSON");
    let layers: BTreeMap<_, _> = LAYERS.into_iter().collect();
    let packages = names(&metadata, "packages");
    assert_eq!(packages.len(), layers.len(), "every package has a layer");
    for package in packages {
        let name = package["name"].as_str().expect("a package has a name");
        let allowed = layers.get(name).unwrap_or_else(|| panic!("`{name}` has no layer"));
        for dependency in names(package, "dependencies") {
            let other = dependency["name"].as_str().expect("a dependency has a name");
            let ours = layers.contains_key(other);
            assert!(!ours || allowed.contains(&other), "`{name}` depends on `{other}`");
        }
    }
}

#[test]
fn every_dependency_comes_from_the_public_registry() {
    let lock = run("git", &["show", ":Cargo.lock"]);
    let sources: Vec<_> = lock.lines().filter(|line| line.starts_with("source = ")).collect();
    assert!(!sources.is_empty());
    let public = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
    let other: Vec<_> = sources.iter().filter(|line| **line != public).collect();
    assert_eq!(other, [&""; 0]);
}
