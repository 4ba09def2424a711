//! What has no snapshot fails: routes, error codes, kinds. And a snapshot without a test fails.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use drydock_core::error::{Code, Kind};
use drydock_services::http::error::status_of;

use crate::every_route::specs;

/// Codes that no answer can have yet. May only shrink: one that has a snapshot fails here.
const CODES_WITHOUT_SNAPSHOT: [Code; 0] = [];

struct Snapshot {
    file: String,
    text: String,
}

impl Snapshot {
    /// Method and path without its query, as in the first line of an exchange.
    fn request(&self) -> Option<(&str, &str)> {
        let (method, path) = self.text.lines().next()?.split_once(' ')?;
        Some((method, path.split('?').next()?))
    }

    fn status(&self) -> Option<u16> {
        let line = self.text.lines().find_map(|line| line.strip_prefix("→ "))?;
        line.split(' ').next()?.parse().ok()
    }
}

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/api"))
}

fn snapshots() -> Vec<Snapshot> {
    let files = fs::read_dir(folder().join("snapshots")).expect("there are snapshots");
    let paths = files.map(|file| file.expect("it can be listed").path());
    let mut paths: Vec<_> =
        paths.filter(|it| it.extension().is_some_and(|e| e == "snap")).collect();
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).expect("a snapshot is a text");
            let content = text.splitn(3, "---\n").nth(2).expect("a snapshot has a head");
            let file = path.file_stem().expect("it has a name").to_string_lossy().into_owned();
            Snapshot { file, text: content.to_owned() }
        })
        .collect()
}

fn fits(route: &str, path: &str) -> bool {
    let (mut route, mut path) = (route.split('/'), path.split('/'));
    loop {
        match (route.next(), path.next()) {
            (None, None) => return true,
            (Some(part), Some(given)) if part == given || part.starts_with('{') => {}
            _ => return false,
        }
    }
}

#[test]
fn every_route_has_a_snapshot_of_its_success() {
    let snapshots = snapshots();
    // Paths are the same at the gateway, which has a table of its own.
    let own = snapshots.iter().filter(|it| !it.file.starts_with("api__gateway"));
    let own: Vec<_> = own.collect();
    let shown = |method: &str, route: &str| {
        own.iter().any(|snapshot| {
            let fits = |(verb, path): (&str, &str)| verb == method && fits(route, path);
            snapshot.request().is_some_and(fits)
                && snapshot.status().is_some_and(|status| (200..300).contains(&status))
        })
    };
    let missing: Vec<_> = specs()
        .into_iter()
        .filter(|spec| !shown(spec.method.as_str(), spec.path))
        .map(|spec| format!("{} {}", spec.method, spec.path))
        .collect();
    assert_eq!(missing, [""; 0], "routes without a snapshot of a 2xx answer");
}

#[test]
fn every_error_code_and_status_has_a_snapshot() {
    let snapshots = snapshots();
    let has = |code: &str| {
        let line = format!("\"code\": \"{code}\"");
        snapshots.iter().any(|snapshot| snapshot.text.contains(&line))
    };
    let wrong: Vec<_> = Code::ALL
        .iter()
        .filter(|it| has(it.as_str()) == CODES_WITHOUT_SNAPSHOT.contains(it))
        .collect();
    assert_eq!(
        wrong,
        [&Code::Internal; 0],
        "codes without a snapshot, or listed though they have one"
    );
    let seen: BTreeSet<_> = snapshots.iter().filter_map(Snapshot::status).collect();
    let unseen: Vec<_> =
        Kind::ALL.iter().filter(|kind| !seen.contains(&status_of(**kind).as_u16())).collect();
    assert_eq!(unseen, [&Kind::Internal; 0], "kinds whose status no snapshot shows");
}

#[test]
fn every_snapshot_has_a_test() {
    let orphans: Vec<_> = snapshots()
        .into_iter()
        .filter(|snapshot| {
            let [_, module, name] = snapshot.file.split("__").collect::<Vec<_>>()[..] else {
                return true;
            };
            let source = fs::read_to_string(folder().join(format!("{module}.rs")));
            !source.is_ok_and(|source| source.contains(&format!("\"{name}\"")))
        })
        .map(|snapshot| snapshot.file)
        .collect();
    assert_eq!(orphans, [""; 0], "snapshots that no test compares with");
}
