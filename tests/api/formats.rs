//! docs/formats.md names the types of objects and their fields as a real export holds them.

use std::collections::{BTreeMap, BTreeSet};

use drydock_configstore::schema::SCHEMA;
use drydock_tests::app::with_app;
use drydock_tests::client::Request;
use serde_json::{Value, json};

const PAGE: &str = include_str!("../../docs/formats.md");

/// Each row of the page's table of types: the type's name and its fields.
fn rows(page: &str) -> Vec<(String, BTreeSet<String>)> {
    let table = page.lines().skip_while(|line| !line.starts_with("| type |")).skip(2);
    let rows = table.take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let fields = cells[2].split_whitespace().map(|field| field.trim_matches('`').to_owned());
        (cells[1].trim_matches('`').to_owned(), fields.collect())
    })
    .collect()
}

/// The fields that the objects of each type have in an export.
fn exported(export: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut types: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in export.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        if let (Some(name), Some(data)) = (line["type"].as_str(), line["data"].as_object()) {
            types.entry(name.to_owned()).or_default().extend(data.keys().cloned());
        }
    }
    types
}

#[test]
fn the_page_names_the_schema_of_configstore() {
    let documented: Vec<_> = rows(PAGE).into_iter().map(|(name, _)| name).collect();
    let declared: Vec<_> = SCHEMA.types.iter().map(|it| it.name.to_owned()).collect();
    assert_eq!(documented, declared);
    assert!(PAGE.contains(&format!("Types of configstore (schema {})", SCHEMA.version)));
}

#[test]
fn the_page_names_every_field_of_an_export() {
    with_app(async |app| {
        app.seed(&["alice"], &[("acme", "alice")]).await;
        app.seed_tree().await;
        let account = json!({
            "remote_source": "forge",
            "remote_user_id": "7",
            "remote_user_name": "alice",
        });
        let link = Request::post("/api/v1/users/alice/linked_accounts").json(&account);
        app.send(link).await.expect(201);
        let keyed = Request::post("/api/v1/users").json(&json!({ "name": "bob" }));
        app.send(keyed.header("idempotency-key", "a")).await.expect(201);
        let found = exported(&app.export().await);
        for (name, mut documented) in rows(PAGE) {
            documented.insert("id".to_owned());
            assert_eq!(found.get(&name), Some(&documented), "fields of `{name}`");
        }
    });
}
