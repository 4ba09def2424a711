//! The schema in the documentation is current, and knows the keys that the reader knows.

use serde_json::Value;

use crate::read::{Shape, shapes};
use crate::schema;

#[test]
fn the_schema_in_the_documentation_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/run.schema.json");
    let current = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    if std::env::var_os("DRYDOCK_WRITE_SCHEMA").is_some() {
        std::fs::write(path, &current).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        written == current,
        "docs/run.schema.json is not current: run this test with DRYDOCK_WRITE_SCHEMA=1"
    );
}

/// The keys of the object at `pointer`, which has no others.
fn keys(schema: &Value, pointer: &str) -> Vec<String> {
    let object = schema.pointer(pointer).unwrap_or_else(|| panic!("no `{pointer}`"));
    assert_eq!(object["additionalProperties"], Value::Bool(false), "`{pointer}`");
    object["properties"].as_object().unwrap().keys().cloned().collect()
}

fn sorted(shape: &Shape) -> Vec<String> {
    let mut keys: Vec<_> = shape.keys.iter().map(|key| (*key).to_owned()).collect();
    keys.sort();
    keys
}

#[test]
fn the_schema_has_the_keys_that_are_read() {
    let schema = schema().to_value();
    let kinds = schema.pointer("/definitions/Step/oneOf").unwrap().as_array().unwrap();
    let kind = |name: &str| {
        let place = kinds.iter().position(|it| it["properties"].get(name).is_some()).unwrap();
        format!("/definitions/Step/oneOf/{place}/properties/{name}")
    };
    let definition = |name: &str| format!("/definitions/{name}");
    for (shape, pointer) in [
        (&shapes::FILE, String::new()),
        (&shapes::RUN, definition("RunDefinition")),
        (&shapes::TASK, definition("TaskDefinition")),
        (&shapes::RETRY, definition("Retry")),
        (&shapes::APPROVAL, definition("ApprovalRule")),
        (&shapes::VARIABLE, definition("FromVariable")),
        (&shapes::LONG_RUN, definition("RunStep")),
        (&shapes::PATHS, definition("SaveStep")),
        (&shapes::SAVE_CACHE, kind("save_cache")),
        (&shapes::RESTORE_CACHE, kind("restore_cache")),
        (&shapes::WHEN, "/definitions/RunDefinition/properties/when".to_owned()),
        (&shapes::WHEN, "/definitions/TaskDefinition/properties/when".to_owned()),
        (
            &shapes::CONDITIONS,
            "/definitions/RunDefinition/properties/when/properties/tag/anyOf/2".to_owned(),
        ),
    ] {
        let mut known = keys(&schema, &pointer);
        known.sort();
        assert_eq!(known, sorted(shape), "`{pointer}`");
    }
    let mut steps: Vec<_> =
        kinds.iter().flat_map(|it| it["properties"].as_object().unwrap().keys().cloned()).collect();
    steps.sort();
    assert_eq!(steps, sorted(&shapes::STEPS));
}
