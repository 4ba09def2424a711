use std::collections::BTreeMap;

use serde_json::Value;

use crate::tracked::run;

/// Every package, and what it may depend on, tests included: never something above it.
const LAYERS: [(&str, &[&str]); 18] = [
    ("drydock-core", &["drydock-core"]),
    ("drydock-backends", &["drydock-core"]),
    ("drydock-http", &["drydock-core"]),
    ("drydock-api", &["drydock-core", "drydock-http"]),
    ("drydock-runfile", &["drydock-api"]),
    ("drydock-runtime", &["drydock-core", "drydock-http", "drydock-api"]),
    ("drydock-configstore", BELOW_SERVICES),
    ("drydock-runservice", BELOW_SERVICES),
    ("drydock-gateway", BELOW_SERVICES),
    ("drydock-executor", BELOW_SERVICES),
    ("drydock", BELOW_DRYDOCK),
    ("drydock-sim-control", &[]),
    ("drydock-sim-etcd", &["drydock-sim-control"]),
    ("drydock-sim-s3", &["drydock-sim-control"]),
    ("drydock-harness", &[]),
    ("drydock-example-lock", &["drydock-harness", "drydock-sim-etcd", "drydock-sim-s3"]),
    ("drydock-sim", BELOW_SIM),
    ("drydock-tests", BELOW_TESTS),
];
const BELOW_SERVICES: &[&str] =
    &["drydock-core", "drydock-http", "drydock-api", "drydock-runfile", "drydock-runtime"];
const BELOW_DRYDOCK: &[&str] = &[
    "drydock-core",
    "drydock-backends",
    "drydock-http",
    "drydock-api",
    "drydock-runfile",
    "drydock-runtime",
    "drydock-configstore",
    "drydock-runservice",
    "drydock-gateway",
    "drydock-executor",
];
const BELOW_SIM: &[&str] = &[
    "drydock-core",
    "drydock-backends",
    "drydock-http",
    "drydock-api",
    "drydock-runfile",
    "drydock-runtime",
    "drydock-configstore",
    "drydock-runservice",
    "drydock-gateway",
    "drydock-executor",
    "drydock",
    "drydock-sim-etcd",
    "drydock-sim-s3",
    "drydock-harness",
];
const BELOW_TESTS: &[&str] = &[
    "drydock-core",
    "drydock-backends",
    "drydock-http",
    "drydock-api",
    "drydock-runfile",
    "drydock-runtime",
    "drydock-configstore",
    "drydock-runservice",
    "drydock-gateway",
    "drydock-executor",
    "drydock",
    "drydock-sim-etcd",
    "drydock-sim-s3",
    "drydock-harness",
    "drydock-sim",
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
