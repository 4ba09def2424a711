//! The API document is made of the route table, and says no more and no less than what is answered.

use drydock_services::configstore;
use drydock_services::http::openapi::document;
use drydock_tests::app::with_app;
use insta::assert_snapshot;
use serde_json::Value;

#[test]
fn the_document_is_served_and_kept() {
    let expected = document("configstore", &configstore::routes());
    assert_snapshot!("configstore", format!("{expected:#}"));
    with_app(async |app| {
        let served = app.get("/openapi.json").await;
        assert_eq!(served.json(), expected);
        assert_snapshot!("served", served);
    });
}

#[test]
fn every_operation_says_what_it_does_under_a_name_of_its_own() {
    let document = document("configstore", &configstore::routes());
    let paths = document["paths"].as_object().expect("there are paths");
    let operations: Vec<&Value> =
        paths.values().flat_map(|path| path.as_object().expect("methods").values()).collect();
    let mut names = std::collections::BTreeSet::new();
    for operation in operations {
        assert_ne!(operation["summary"], "", "{operation:#}");
        assert!(names.insert(operation["operationId"].to_string()), "{operation:#}");
    }
    assert_eq!(names.len(), configstore::routes().len());
}

#[test]
fn every_reference_in_the_document_leads_somewhere() {
    let document = document("configstore", &configstore::routes());
    let mut open = vec![&document];
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
