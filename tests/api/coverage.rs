//! What has no snapshot fails: routes, error codes, kinds. And a snapshot without a test fails.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use drydock_api::admin;
use drydock_core::error::{Code, Kind};
use drydock_http::api::endpoint::Endpoint;
use drydock_http::api::endpoint::{Access, Spec};
use drydock_http::api::error_body::status_of;
use drydock_tests::endpoints;

use crate::{every_route, gateway_every_row, runs_every_row};

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

/// A service with its routes; their paths are the same at both.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Service {
    Configstore,
    Runservice,
    Gateway,
}

/// What the names of snapshots begin with, of services other than configstore.
const PREFIXES: [(Service, &str); 2] =
    [(Service::Gateway, "api__gateway"), (Service::Runservice, "api__runs_")];

impl Service {
    fn snapshots(self) -> Vec<Snapshot> {
        let mut own = snapshots();
        let of = |it: &Snapshot| {
            let found = PREFIXES.iter().find(|(_, prefix)| it.file.starts_with(prefix));
            found.map_or(Service::Configstore, |(service, _)| *service)
        };
        own.retain(|snapshot| of(snapshot) == self);
        own
    }

    fn specs(self) -> Vec<Spec> {
        match self {
            Service::Configstore => every_route::specs(),
            Service::Runservice => runs_every_row::specs(),
            Service::Gateway => gateway_every_row::specs(),
        }
    }

    /// Every route with every code that it can answer.
    fn listed(self) -> Vec<(String, String)> {
        match self {
            Service::Configstore => listed(&endpoints::configstore()),
            Service::Runservice => {
                let mut routes = endpoints::runservice();
                // Operators' routes and health are the same code as configstore's.
                let shared = admin::endpoints::all();
                routes.retain(|route| {
                    let is_shared = shared.iter().any(|it| it.spec == route.spec);
                    route.spec.access != Access::Open && !is_shared
                });
                listed(&routes)
            }
            Service::Gateway => {
                let mut routes = endpoints::gateway();
                // Health is the same code for all services.
                routes.retain(|route| route.spec.access != Access::Open);
                listed(&routes)
            }
        }
    }
}

fn listed(routes: &[Endpoint]) -> Vec<(String, String)> {
    let mut listed = Vec::new();
    for route in routes {
        let name = format!("{} {}", route.spec.method, route.spec.path);
        listed.extend(route.codes().into_iter().map(|code| (name.clone(), code.to_string())));
    }
    listed
}

/// Whether a path is one of the route's.
pub fn fits(route: &str, path: &str) -> bool {
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
    let own = Service::Configstore.snapshots();
    let shown = |method: &str, route: &str| {
        own.iter().any(|snapshot| {
            let fits = |(verb, path): (&str, &str)| verb == method && fits(route, path);
            snapshot.request().is_some_and(fits)
                && snapshot.status().is_some_and(|status| (200..300).contains(&status))
        })
    };
    let missing: Vec<_> = every_route::specs()
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
    let missing: Vec<_> = Code::ALL.iter().filter(|it| !has(it.as_str())).collect();
    assert_eq!(missing, [&Code::Internal; 0], "codes without a snapshot");
    let seen: BTreeSet<_> = snapshots.iter().filter_map(Snapshot::status).collect();
    let unseen: Vec<_> =
        Kind::ALL.iter().filter(|kind| !seen.contains(&status_of(**kind).as_u16())).collect();
    assert_eq!(unseen, [&Kind::Internal; 0], "kinds whose status no snapshot shows");
}

/// An answer that some snapshot shows.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Shown {
    /// Method and path of the route.
    route: String,
    status: u16,
    /// Empty for a success.
    code: String,
}

/// All answers of routes, in exchanges and in tables.
fn shown(service: Service) -> BTreeSet<Shown> {
    let specs = service.specs();
    let mut shown = BTreeSet::new();
    for snapshot in service.snapshots() {
        for line in snapshot.text.lines() {
            shown.extend(table_row(line));
        }
        let (Some((method, path)), Some(status)) = (snapshot.request(), snapshot.status()) else {
            continue;
        };
        let fitting = specs.iter().filter(|spec| spec.method == *method && fits(spec.path, path));
        // `/executors/self` is no executor.
        let spec = fitting.min_by_key(|spec| spec.path.matches('{').count());
        let Some(spec) = spec else { continue };
        let answer = snapshot.text.split("→ ").last().unwrap_or_default();
        let code = answer.split_once("\"code\": \"").map(|(_, rest)| rest);
        let code = code.and_then(|rest| rest.split('"').next()).filter(|_| status >= 400);
        let route = format!("{} {}", spec.method, spec.path);
        shown.insert(Shown { route, status, code: code.unwrap_or_default().to_owned() });
    }
    shown
}

/// `GET    /api/v1/users    401 unauthorized`
fn table_row(line: &str) -> Option<Shown> {
    let mut words = line.split_whitespace();
    let (method, path, status) = (words.next()?, words.next()?, words.next()?.parse().ok()?);
    let code = words.next().unwrap_or_default().trim_end_matches(',').to_owned();
    // A table of all callers has a column for each.
    let many = code.starts_with(|first: char| first.is_ascii_digit());
    let is_row = path.starts_with('/') && !many;
    is_row.then(|| Shown { route: format!("{method} {path}"), status, code })
}

#[test]
fn every_answer_is_one_that_the_document_lists() {
    let mut unlisted = Vec::new();
    for service in [Service::Configstore, Service::Runservice, Service::Gateway] {
        let listed = BTreeSet::from_iter(service.listed());
        for Shown { route, status, code } in shown(service) {
            let is_shared =
                service == Service::Runservice && !listed.iter().any(|it| it.0 == route);
            if !code.is_empty() && !is_shared && !listed.contains(&(route.clone(), code.clone())) {
                unlisted.push(format!("{route} {status} {code}"));
            }
        }
    }
    assert_eq!(unlisted, [""; 0], "answers that the API document does not list");
}

/// Codes that do not depend on the route: each is shown somewhere.
const SHOWN_ONCE: [Code; 12] = [
    Code::BodyTooLarge,
    Code::CoordinationFull,
    Code::EncryptionKeyMissing,
    Code::Internal,
    Code::InvalidHeader,
    Code::InvalidRef,
    Code::ReadModelFull,
    Code::StorageUnavailable,
    Code::TooManyRequests,
    Code::TransactionTooLarge,
    Code::UnsupportedMediaType,
    Code::UpgradePending,
];

/// Listed, and not shown for that very route. May only shrink.
const NOT_SHOWN: &[(&str, Code)] = &[
    // A health route answers at once, so that no deadline is short enough.
    ("GET /livez", Code::DeadlineExceeded),
    ("GET /readyz", Code::DeadlineExceeded),
    ("GET /metrics", Code::DeadlineExceeded),
    ("GET /version", Code::DeadlineExceeded),
    ("GET /openapi.json", Code::DeadlineExceeded),
    // Between the loss of the coordination store and the load that follows.
    ("POST /api/v1/import", Code::NotReady),
    ("GET /api/v1/lineages", Code::NotReady),
    ("POST /api/v1/lineages/{lineage}/restore", Code::NotReady),
];

/// As [`NOT_SHOWN`]. May only shrink.
const NOT_SHOWN_AT_RUNSERVICE: &[(&str, Code)] = &[
    // Bytes are bad only if they end early, which no request of these tests does.
    ("PUT /api/v1/executors/self/attempts/{attempt}/logs/{step}", Code::InvalidBody),
    ("PUT /api/v1/executors/self/attempts/{attempt}/archives/{step}", Code::InvalidBody),
    ("POST /api/v1/executors/self/attempts/{attempt}/caches", Code::InvalidBody),
];

/// Codes of the gateway that do not depend on the route: each is shown somewhere.
const SHOWN_ONCE_AT_THE_GATEWAY: [Code; 9] = [
    Code::BodyTooLarge,
    Code::EncryptionKeyMissing,
    Code::Internal,
    Code::InvalidHeader,
    Code::InvalidRef,
    Code::NotReady,
    Code::TooManyRequests,
    Code::TransactionTooLarge,
    Code::UnsupportedMediaType,
];

/// As [`NOT_SHOWN`]. May only shrink.
const NOT_SHOWN_AT_THE_GATEWAY: &[(&str, Code)] = &[];

/// The route whose snapshots count. What operators ask of runservice through the gateway is
/// answered by the code that answers the same for configstore; that it reaches runservice is shown
/// by the tables of all rows, and by `gateway_operators`.
fn shown_as(route: &str) -> String {
    match route.contains("/runservice") {
        true => route.replace("/runservice", "/configstore"),
        false => route.to_owned(),
    }
}

#[test]
fn every_code_that_the_document_lists_is_shown() {
    for (service, once, expected) in [
        (Service::Configstore, &SHOWN_ONCE[..], NOT_SHOWN),
        (Service::Runservice, &SHOWN_ONCE, NOT_SHOWN_AT_RUNSERVICE),
        (Service::Gateway, &SHOWN_ONCE_AT_THE_GATEWAY, NOT_SHOWN_AT_THE_GATEWAY),
    ] {
        let shown: BTreeSet<_> = shown(service).into_iter().map(|it| (it.route, it.code)).collect();
        let once = |code: &str| once.iter().any(|once| once.as_str() == code);
        let mut missing = service.listed();
        missing.retain(|(route, code)| {
            !once(code) && !shown.contains(&(shown_as(route), code.clone()))
        });
        let expected: Vec<_> =
            expected.iter().map(|(route, code)| ((*route).to_owned(), code.to_string())).collect();
        assert_eq!(missing, expected, "codes that no snapshot shows for their route");
    }
}

#[test]
fn every_row_of_the_others_has_a_snapshot_of_its_success() {
    for service in [Service::Runservice, Service::Gateway] {
        let shown = shown(service);
        let succeeds =
            |name: &str| shown.iter().any(|it| it.route == shown_as(name) && it.status < 300);
        let mut missing: Vec<_> = service.listed().into_iter().map(|(route, _)| route).collect();
        missing.dedup();
        missing.retain(|name| !succeeds(name));
        assert_eq!(missing, [""; 0], "rows without a snapshot of a 2xx answer");
    }
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
