//! What every version of the schemas wrote is read: exports, and whole stores.

use std::fmt::Write;

use drydock_configstore::Configstore;
use drydock_core::coord::{Coordination, CoordinationExt, KeyRange, Op, Put, RangeRequest, Txn};
use drydock_core::log::format::{InstanceRecord, InstanceState, WritesRecord, encode};
use drydock_core::log::keys::Keys;
use drydock_core::read_model::{ObjectType, Schema};
use drydock_runservice::Runservice;
use drydock_runtime::Service;
use drydock_tests::app::{TestApp, settings, with_app};
use drydock_tests::client::{Client, Request};
use drydock_tests::fixtures::{Fixture, objects};
use drydock_tests::run::{run, until};
use drydock_tests::runs::with_runs;
use insta::assert_snapshot;
use serde_json::{Value, json};

/// What the types and tables of a schema look like, as far as the objects of an export show it.
fn shape(schema: &Schema, export: &str) -> String {
    let mut shape = String::new();
    for kind in schema.types {
        let table: Vec<_> = kind.table.split_whitespace().collect();
        writeln!(shape, "{} since {}: {}", kind.name, kind.since, table.join(" ")).unwrap();
        let mut found = std::collections::BTreeSet::new();
        for line in objects(export).iter().filter(|line| line["type"] == kind.name) {
            probe(kind, &line["data"], &line["data"], "", &mut found);
        }
        assert!(!found.is_empty() || kind.name == "caches", "no object of type `{}`", kind.name);
        for field in found {
            writeln!(shape, "    {field}").unwrap();
        }
    }
    shape
}

/// Asks the type of an object which fields it knows, at every place where the object has fields.
fn probe(
    kind: &ObjectType,
    whole: &Value,
    at: &Value,
    path: &str,
    found: &mut std::collections::BTreeSet<String>,
) {
    match at {
        Value::Object(fields) => {
            let mut strange = whole.clone();
            let place = strange.pointer_mut(path).unwrap();
            place.as_object_mut().unwrap().insert("-".to_owned(), Value::Null);
            let said = (kind.check)(&strange.to_string()).err().unwrap_or_default();
            let said = said.split(" at line ").next().unwrap_or_default();
            let names = path.split('/').map(|part| match part.parse::<u64>() {
                Ok(_) => "N",
                Err(_) if part.len() == 36 => "ID",
                Err(_) => part,
            });
            found.insert(format!("{}: {said}", names.collect::<Vec<_>>().join("/")));
            for (name, value) in fields {
                let name = name.replace('~', "~0").replace('/', "~1");
                probe(kind, whole, value, &format!("{path}/{name}"), found);
            }
        }
        Value::Array(values) => {
            for (nth, value) in values.iter().enumerate() {
                probe(kind, whole, value, &format!("{path}/{nth}"), found);
            }
        }
        _ => {}
    }
}

/// A change of a type needs a new version with its step, and fixtures of that version.
fn keeps_its_shape(schema: &Schema) {
    let fixture = Fixture::of(schema.service, schema.version);
    let now = shape(schema, &fixture.export());
    if std::env::var_os("FIXTURES").is_some_and(|value| value == "write") {
        fixture.write_shape(&now);
    }
    let why = "the types changed: see tests/fixtures/README.md";
    assert!(fixture.shape() == now, "{why}\n{now}");
}

#[test]
fn a_change_of_the_types_of_configstore_needs_a_new_version() {
    keeps_its_shape(&drydock_configstore::schema::SCHEMA);
}

#[test]
fn a_change_of_the_types_of_runservice_needs_a_new_version() {
    keeps_its_shape(&drydock_runservice::schema::SCHEMA);
}

fn versions_are_complete<S: Service>() {
    let kept = Fixture::all(S::schema().service);
    let kept: Vec<u32> = kept.iter().map(|fixture| fixture.version).collect();
    assert_eq!(kept, (1..=S::schema().version).collect::<Vec<_>>());
    let steps = S::schema().steps.iter().map(|step| step.version);
    assert_eq!(steps.collect::<Vec<_>>(), (2..=S::schema().version).collect::<Vec<_>>());
}

#[test]
fn every_version_has_a_fixture_and_a_step() {
    versions_are_complete::<Configstore>();
    versions_are_complete::<Runservice>();
}

/// The ids of all objects, with their types, but for those that runservice makes by itself.
fn ids(export: &str) -> Vec<(Value, Value)> {
    let kept = objects(export).into_iter();
    let kept = kept.filter(|line| line["type"] != "gates" && line["type"] != "run_events");
    kept.map(|line| (line["type"].clone(), line["id"].clone())).collect()
}

async fn empty<S: Service>(service: S) -> TestApp {
    let mut app = TestApp::new();
    app.add_service(service, settings()).await;
    app.ready().await;
    app
}

fn exports_are_imported<S: Service>(service: impl Fn() -> S) {
    for fixture in Fixture::all(S::schema().service) {
        let export = fixture.export();
        run(async {
            let app = empty(service()).await;
            app.maintenance_on().await;
            let import = Request::post("/api/v1/import").body(export.clone());
            let import = import.header("content-type", "application/x-ndjson");
            app.send(import).await.expect(200);
            let imported = app.export().await;
            assert_eq!(ids(&imported), ids(&export), "version {}", fixture.version);
            if fixture.version == S::schema().version {
                assert_eq!(objects(&imported), objects(&export));
            }
        });
    }
}

#[test]
fn the_exports_of_all_versions_are_imported() {
    exports_are_imported(Configstore::default);
    exports_are_imported(Runservice::default);
}

fn stores_are_loaded<S: Service>(service: impl Fn() -> S) {
    for fixture in Fixture::all(S::schema().service).iter().filter(|it| it.has_store()) {
        for lost in [false, true] {
            let export = fixture.export();
            run(async {
                let mut app = TestApp::new();
                fixture.install(&app).await;
                if lost {
                    let all = Op::delete(KeyRange::prefix("drydock/"));
                    app.coordination.txn(Txn::default().then(all)).await.unwrap();
                }
                app.add_service(service(), settings()).await;
                app.ready().await;
                let loaded = app.export().await;
                assert_eq!(ids(&loaded), ids(&export), "version {}, {lost}", fixture.version);
                // Runservice goes on with its runs at once.
                let rests = S::schema().counters.is_none();
                if fixture.version == S::schema().version && rests {
                    assert_eq!(objects(&loaded), objects(&export));
                }
            });
        }
    }
}

#[test]
fn the_stores_of_all_versions_are_loaded_also_from_objects_alone() {
    stores_are_loaded(Configstore::default);
    stores_are_loaded(Runservice::default);
}

#[test]
fn a_newer_export_is_refused_with_both_versions() {
    with_app(async |app| {
        app.maintenance_on().await;
        let export = app.export().await;
        let version = drydock_configstore::schema::SCHEMA.version;
        let newer = export.replace(&format!("\"schema\":{version}"), "\"schema\":99");
        let import = Request::post("/api/v1/import").body(newer);
        let import = import.header("content-type", "application/x-ndjson");
        assert_snapshot!("newer_export", app.send(import).await);
    });
}

/// An export that the other service could have written in a later version than this one knows.
async fn refuse_export_of(other: &str, app: &TestApp) {
    app.maintenance_on().await;
    let export = app.export().await;
    let header: Value = serde_json::from_str(export.lines().next().unwrap_or_default()).unwrap();
    let (service, schema) = (&header["header"]["service"], &header["header"]["schema"]);
    let newer = export.replacen(&format!("\"schema\":{schema}"), "\"schema\":99", 1).replacen(
        &format!("\"service\":{service}"),
        &format!("\"service\":\"{other}\""),
        1,
    );
    for path in ["/api/v1/import", "/api/v1/import?dry_run=true"] {
        let import = Request::post(path).body(newer.clone());
        let import = import.header("content-type", "application/x-ndjson");
        let refused = app.send(import).await.expect(422).json();
        assert_eq!(refused["code"], "import_wrong_service", "{path}: {refused}");
    }
}

#[test]
fn an_export_of_another_service_is_refused_as_such_whatever_its_version() {
    with_app(async |app| refuse_export_of("runservice", &app).await);
    with_runs(async |runs| refuse_export_of("configstore", &runs.app).await);
}

/// What an instance of the version before says, under no lease: it is there for the whole test.
fn older() -> InstanceRecord {
    InstanceRecord {
        id: "older".to_owned(),
        version: "0.0.1".to_owned(),
        schema: 2,
        address: "older:8001".to_owned(),
        state: InstanceState::Normal,
        generation: 0,
        position: None,
        seen_at: jiff::Timestamp::UNIX_EPOCH,
    }
}

/// A deployment that writes version 2 of the schema, since an instance that is there reads no newer
/// one. The second instance serves.
async fn beside_an_older<S: Service>(service: impl Fn() -> S) -> (TestApp, Keys) {
    let mut app = TestApp::new();
    app.add_service(service(), settings()).await;
    app.ready().await;
    app.stop(1);
    let keys = Keys::new("default", S::schema().service);
    // Until it has left, it sees to it that its own version is written.
    let instances = RangeRequest::new(keys.instances());
    until(async || app.coordination.range(instances.clone()).await.unwrap().kvs.is_empty()).await;
    let writes = WritesRecord { schema: 2, since: jiff::Timestamp::UNIX_EPOCH };
    let puts = [(keys.writes(), encode(&writes)), (keys.instance("older"), encode(&older()))];
    for (key, value) in puts {
        app.coordination.put(Put::new(key, value)).await.unwrap();
    }
    app.add_service(service(), settings()).await;
    let two = app.instance(2).clone();
    until(async || two.send(Request::get("/readyz")).await.status == 200).await;
    (app, keys)
}

/// Takes the older instance away, and waits until the newer version is written.
async fn without_the_older<S: Service>(app: &TestApp, keys: &Keys) {
    let gone = Op::delete(KeyRange::single(keys.instance("older")));
    app.coordination.txn(Txn::default().then(gone)).await.unwrap();
    let status = Request::get("/api/v1/maintenance");
    let two = app.instance(2);
    until(async || two.send(status.clone()).await.json()["writes_schema"] == S::schema().version)
        .await;
}

#[test]
fn beside_an_older_instance_only_what_it_understands_is_written() {
    run(async {
        let (app, keys) = beside_an_older(Configstore::default).await;
        let two = app.instance(2).clone();
        let alice = Request::post("/api/v1/users").json(&json!({ "name": "alice" }));
        two.send(alice).await.expect(201);
        let bob = Request::post("/api/v1/users").json(&json!({ "name": "bob" }));
        let refused = two.send(bob.clone().header("idempotency-key", "a")).await;
        assert_snapshot!("upgrade_pending", refused);
        let status = two.send(Request::get("/api/v1/maintenance")).await.json();
        assert_eq!(status["writes_schema"], 2);
        let schemas = status["instances"].as_array().unwrap().iter().map(|it| &it["schema"]);
        assert!(schemas.eq([&json!(3), &json!(2)]), "{status}");
        let export = two.send(Request::get("/api/v1/export")).await;
        assert!(export.text().contains("\"schema\":2"), "{}", export.text());
        without_the_older::<Configstore>(&app, &keys).await;
        two.send(bob.header("idempotency-key", "a")).await.expect(201);
    });
}

/// Runs start all the same, and executors get their tasks.
#[test]
fn beside_an_older_instance_runs_have_no_cache_and_attempts_no_lineage() {
    run(async {
        let (app, keys) = beside_an_older(Runservice::default).await;
        let two = app.instance(2).clone();
        let mut new = drydock_tests::runs::new_run();
        new["tasks"]["other"] = new["tasks"]["build"].clone();
        new["cache"] = json!({ "read": ["branch/main"], "write": "branch/main" });
        let create = Request::post("/api/v1/runs").json(&new);
        assert_eq!(two.send(create.clone()).await.expect(201).json()["cache"], Value::Null);
        let export = async || two.send(Request::get("/api/v1/export")).await.text().to_owned();
        claim(&two, "one", 1).await;
        assert!(!attempts(&export().await).iter().any(|it| it.contains("\"lineage\"")));
        without_the_older::<Runservice>(&app, &keys).await;
        assert_eq!(two.send(create).await.expect(201).json()["cache"], new["cache"]);
        claim(&two, "two", 2).await;
        assert!(attempts(&export().await).iter().any(|it| it.contains("\"lineage\"")));
    });
}

/// A new executor gets a task.
async fn claim(instance: &Client, name: &str, nth: u128) {
    let new = Request::post("/api/v1/executors").json(&json!({ "name": name }));
    let token = instance.send(new).await.expect(201).field("token");
    let own = Client { token, ..instance.clone() };
    let beat = Request::put("/api/v1/executors/self").json(&drydock_tests::runs::beat());
    own.send(beat).await.expect(200);
    let claim = json!({ "claim": uuid::Uuid::from_u128(nth), "session": 1 });
    let claim = Request::post("/api/v1/executors/self/claims").json(&claim);
    own.send(claim).await.expect(201);
}

/// The lines of an export with attempts.
fn attempts(export: &str) -> Vec<&str> {
    export.lines().filter(|line| line.ends_with("\"type\":\"attempts\"}")).collect()
}
