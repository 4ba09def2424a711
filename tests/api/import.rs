use bytes::Bytes;
use drydock_tests::app::{TestApp, settings, with_app};
use drydock_tests::archive::Export;
use drydock_tests::client::{Exchange, Request};
use drydock_tests::run::run;
use insta::assert_snapshot;
use serde_json::json;

const IMPORT: &str = "/api/v1/import";

async fn import(app: &TestApp, export: impl Into<Bytes>) -> Exchange {
    app.send(Request::post(IMPORT).body(export)).await
}

/// A service in maintenance with two users and an organization.
fn with_data(test: impl AsyncFnOnce(TestApp)) {
    with_app(async |app| {
        app.seed(&["alice", "bob"], &[("acme", "alice")]).await;
        app.maintenance_on().await;
        test(app).await;
    });
}

async fn names(app: &TestApp) -> Vec<String> {
    let users = app.get("/api/v1/users").await.expect(200).json();
    let users = users["items"].as_array().cloned().unwrap_or_default();
    users.iter().filter_map(|user| Some(user["name"].as_str()?.to_owned())).collect()
}

#[test]
fn an_import_brings_back_exactly_what_was_exported() {
    with_app(async |app| {
        app.seed(&["alice", "bob"], &[("acme", "alice")]).await;
        let export = app.export().await;
        app.send(Request::delete("/api/v1/users/bob")).await.expect(204);
        app.seed(&["carol"], &[]).await;
        app.maintenance_on().await;
        assert_snapshot!("import", import(&app, export.clone()).await);
        assert_eq!(Export::parse(&app.export().await).objects, Export::parse(&export).objects);
        app.maintenance_off().await;
        assert_eq!(names(&app).await, ["alice", "bob"]);
        app.seed(&["dave"], &[]).await;
    });
}

#[test]
fn an_import_of_an_empty_export_empties_the_service() {
    with_app(async |app| {
        let empty = app.export().await;
        app.seed(&["alice"], &[("acme", "alice")]).await;
        app.maintenance_on().await;
        assert_snapshot!("import_empty", import(&app, empty).await);
        app.maintenance_off().await;
        assert_eq!(names(&app).await, [""; 0]);
    });
}

#[test]
fn every_instance_changes_over_to_the_import() {
    run(async {
        let mut app = TestApp::new();
        app.add(settings()).await;
        app.add(settings()).await;
        app.ready().await;
        let empty = app.export().await;
        app.seed(&["alice"], &[]).await;
        app.maintenance_on().await;
        import(&app, empty).await.expect(200);
        app.maintenance_off().await;
        for number in [1, 2] {
            let alice = app.instance(number).send(Request::get("/api/v1/users/alice")).await;
            assert_eq!(alice.status, 404, "instance {number}: {alice}");
        }
    });
}

#[test]
fn a_dry_run_validates_and_changes_nothing() {
    with_data(async |app| {
        let before = app.export().await;
        let mut other = Export::parse(&before);
        other.objects.retain(|line| line.contains("alice"));
        let dry = format!("{IMPORT}?dry_run=true");
        let answer = app.send(Request::post(&dry).body(other.seal())).await;
        assert_snapshot!("dry_run", answer);
        let refused = app.send(Request::post(&dry).body("rubbish\n")).await;
        assert_snapshot!("dry_run_refused", refused);
        let objects = |text: &str| Export::parse(text).objects;
        assert_eq!(objects(&app.export().await), objects(&before));
        assert_snapshot!(
            "dry_run_maybe",
            app.send(Request::post("/api/v1/import?dry_run=x")).await
        );
    });
}

#[test]
fn a_compressed_export_is_imported_declared_or_not() {
    with_data(async |app| {
        let compressed = zstd::encode_all(app.export().await.as_bytes(), 3).unwrap();
        import(&app, compressed.clone()).await.expect(200);
        let post = || Request::post(IMPORT).body(compressed.clone());
        app.send(post().header("content-encoding", "zstd")).await.expect(200);
        let gzip = app.send(post().header("content-encoding", "gzip")).await;
        assert_snapshot!("encoding_unknown", gzip);
        let cut = import(&app, compressed[..compressed.len() - 5].to_vec()).await;
        assert_eq!(cut.outcome(), "422 import_truncated", "{cut}");
        let mut flipped = compressed.clone();
        flipped[10] ^= 0xff;
        let flipped = import(&app, flipped).await;
        assert_eq!(flipped.outcome(), "422 import_corrupt", "{flipped}");
    });
}

#[test]
fn outside_maintenance_an_import_answers_409() {
    with_app(async |app| {
        let export = app.export().await;
        assert_snapshot!("not_in_maintenance", import(&app, export).await);
    });
}

#[test]
fn before_every_instance_has_acknowledged_an_import_answers_409() {
    with_app(async |app| {
        let export = app.export().await;
        app.add_silent_instance().await;
        let on = app.send(Request::put("/api/v1/maintenance?wait=1s")).await;
        assert_eq!(on.json()["ready"], false, "{on}");
        assert_snapshot!("maintenance_not_ready", import(&app, export).await);
    });
}

/// What is wrong with a stream, and how it comes to be so.
type Mutation = (&'static str, fn(Export) -> String);

const REFUSED: &[Mutation] = &[
    ("refused_nothing", |_| String::new()),
    ("refused_rubbish", |_| "rubbish\n".to_owned()),
    ("refused_without_trailer", |export| format!("{}\n", lines(&export).join("\n"))),
    ("refused_within_a_line", |export| {
        let text = export.seal();
        text[..text.len() - 20].to_owned()
    }),
    ("refused_after_the_trailer", |export| export.seal() + "{}\n"),
    ("refused_object_left_out", |export| {
        let removed = export.objects[0].clone() + "\n";
        export.seal().replacen(&removed, "", 1)
    }),
    ("refused_object_twice", |mut export| {
        export.objects.insert(0, export.objects[0].clone());
        export.seal()
    }),
    ("refused_objects_swapped", |mut export| {
        export.objects.swap(0, 1);
        export.seal()
    }),
    ("refused_changed_value", |export| export.seal().replacen("alice", "alicf", 1)),
    ("refused_other_service", |mut export| {
        export.header = export.header.replace("\"configstore\"", "\"runservice\"");
        export.seal()
    }),
    ("refused_other_format", |mut export| {
        export.header = export.header.replace("drydock-export", "tarball");
        export.seal()
    }),
    ("refused_newer_version", |mut export| {
        export.header = export.header.replace("\"version\":1", "\"version\":2");
        export.seal()
    }),
    ("refused_unknown_type", |mut export| {
        let last = export.objects.last_mut().expect("there are objects");
        *last = last.replace("\"type\":\"project_groups\"", "\"type\":\"wizards\"");
        export.seal()
    }),
    ("refused_unknown_field", |mut export| {
        export.objects[0] = export.objects[0].replacen("\"id\"", "\"age\":1,\"id\"", 1);
        export.seal()
    }),
    ("refused_not_canonical", |mut export| {
        export.objects[0] = export.objects[0].replacen(':', ": ", 1);
        export.seal()
    }),
    ("refused_name_taken", |mut export| {
        for object in &mut export.objects {
            *object = object.replace("\"name\":\"bob\"", "\"name\":\"alice\"");
        }
        export.seal()
    }),
    ("refused_dangling_member", |mut export| {
        export.objects.retain(|object| !object.contains("\"name\":\"alice\""));
        export.seal()
    }),
];

fn lines(export: &Export) -> Vec<&str> {
    let objects = export.objects.iter().map(String::as_str);
    std::iter::once(export.header.as_str()).chain(objects).collect()
}

#[test]
fn bad_streams_are_refused_and_change_nothing() {
    with_data(async |app| {
        let before = app.export().await;
        for (name, mutate) in REFUSED {
            let answer = import(&app, mutate(Export::parse(&before))).await;
            assert_snapshot!(*name, answer);
            assert!(answer.status.is_client_error(), "{name}: {answer}");
            let after = Export::parse(&app.export().await).objects;
            assert_eq!(after, Export::parse(&before).objects, "{name}");
        }
        app.maintenance_off().await;
        assert_eq!(names(&app).await, ["alice", "bob"]);
    });
}

#[test]
fn an_import_has_no_limit_of_a_megabyte() {
    with_app(async |app| {
        let mut large = Export::parse(&app.export().await);
        large.objects = (0..8000).map(user).collect();
        let large = large.seal();
        assert!(large.len() > 1 << 20);
        app.maintenance_on().await;
        let report = import(&app, large).await.expect(200).json();
        assert_eq!(report["counts"]["users"], json!(8000));
        app.maintenance_off().await;
        app.get("/api/v1/users/user-7999").await.expect(200);
    });
}

fn user(number: u32) -> String {
    let id = format!("00000000-0000-7000-8000-{number:012}");
    let time = "2026-01-01T00:00:00Z";
    let data = format!(
        r#"{{"admin":false,"created_at":"{time}","id":"{id}","name":"user-{number}",{}"#,
        format_args!(r#""revision":1,"updated_at":"{time}"}}"#)
    );
    format!(r#"{{"data":{data},"id":"{id}","type":"users"}}"#)
}
