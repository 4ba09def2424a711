//! The API document is made of the route table, and says no more and no less than what is answered.

use drydock_http::api::endpoint::Endpoint;
use drydock_tests::app::with_app;
use drydock_tests::endpoints;
use drydock_tests::endpoints::document;
use drydock_tests::gateway::{Who, small_world};
use drydock_tests::run::run;
use drydock_tests::runs::with_runs;
use insta::assert_snapshot;
use serde_json::Value;

#[test]
fn the_document_is_served_and_kept() {
    let expected = document("configstore", &endpoints::configstore());
    assert_snapshot!("configstore", format!("{expected:#}"));
    with_app(async |app| {
        let served = app.get("/openapi.json").await;
        assert_eq!(served.json(), expected);
        assert_snapshot!("served", served);
    });
}

#[test]
fn the_gateways_document_is_served_and_kept() {
    let expected = document("gateway", &endpoints::gateway());
    assert_snapshot!("gateway", format!("{expected:#}"));
    run(async {
        let (_app, face) = small_world().await;
        assert_eq!(face.get(Who::Nobody, "/openapi.json").await.json(), expected);
    });
}

#[test]
fn runservices_document_is_served_and_kept() {
    let expected = document("runservice", &endpoints::runservice());
    assert_snapshot!("runservice", format!("{expected:#}"));
    with_runs(async |runs| {
        assert_eq!(runs.app.get("/openapi.json").await.json(), expected);
    });
}

fn documents() -> [Value; 3] {
    [
        document("configstore", &endpoints::configstore()),
        document("runservice", &endpoints::runservice()),
        document("gateway", &endpoints::gateway()),
    ]
}

#[test]
fn every_operation_says_what_it_does_under_a_name_of_its_own() {
    // An operation that merges has PATCH, too.
    let operations = |all: Vec<Endpoint>| -> usize {
        all.iter().map(|it| 1 + usize::from(it.operation.merges)).sum()
    };
    let services = [endpoints::configstore(), endpoints::runservice(), endpoints::gateway()];
    let counts = services.map(operations);
    for (document, count) in documents().iter().zip(counts) {
        let paths = document["paths"].as_object().expect("there are paths");
        let operations: Vec<&Value> =
            paths.values().flat_map(|path| path.as_object().expect("methods").values()).collect();
        let mut names = std::collections::BTreeSet::new();
        for operation in operations {
            assert_ne!(operation["summary"], "", "{operation:#}");
            assert_eq!(operation["tags"].as_array().map(Vec::len), Some(1), "{operation:#}");
            assert!(names.insert(operation["operationId"].to_string()), "{operation:#}");
        }
        assert_eq!(names.len(), count);
    }
}

/// Generators of clients make one type of each schema, and nothing of one that says nothing.
#[test]
fn errors_have_one_schema_and_every_schema_says_something() {
    for document in documents() {
        let mut open = vec![&document];
        while let Some(value) = open.pop() {
            match value {
                Value::Object(fields) => {
                    let schema = fields.get("schema");
                    assert!(!schema.is_some_and(Value::is_boolean), "{value:#}");
                    open.extend(fields.values());
                }
                Value::Array(items) => open.extend(items),
                _ => {}
            }
        }
        let paths = document["paths"].as_object().expect("there are paths");
        let operations = paths.values().filter_map(Value::as_object).flat_map(|it| it.values());
        for operation in operations {
            for (status, answer) in operation["responses"].as_object().expect("responses") {
                let is_reference = answer.get("$ref").is_some();
                assert_eq!(is_reference, status.as_str() >= "400", "{status}: {answer:#}");
            }
        }
        let refusals = document["components"]["responses"].as_object().expect("responses");
        for refusal in refusals.values() {
            let schema = &refusal["content"]["application/json"]["schema"];
            assert_eq!(schema["$ref"], "#/components/schemas/Error", "{refusal:#}");
        }
    }
}

#[test]
fn every_reference_in_the_document_leads_somewhere() {
    for document in documents() {
        follow(&document);
    }
}

fn follow(document: &Value) {
    let mut open = vec![document];
    let mut followed = 0;
    while let Some(value) = open.pop() {
        match value {
            Value::Object(fields) => {
                if let Some(Value::String(to)) = fields.get("$ref") {
                    let pointer = to.strip_prefix('#').expect("it is in this document");
                    assert!(document.pointer(pointer).is_some(), "{to}");
                    followed += 1;
                }
                open.extend(fields.values());
            }
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
    assert!(followed > 50);
}
