//! The JSON schema of the file, for editors. It knows the short forms, too. What a schema cannot
//! say, such as circles, only [`crate::parse`] finds.

use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::json;

use crate::file::RunFile;

/// The schema of the file (JSON Schema, draft 7).
pub fn schema() -> Schema {
    let mut schema = SchemaSettings::draft07().into_generator().into_root_schema_for::<RunFile>();
    schema.insert("title".to_owned(), json!("Drydock runs: .drydock/run.yml"));
    let steps = schema.pointer_mut("/definitions/Step/oneOf").and_then(|it| it.as_array_mut());
    for step in steps.expect("a step is one of its kinds") {
        if let Some(run) = step.pointer_mut("/properties/run") {
            *run = json!({
                "description": "A command, alone or with how it is run.",
                "anyOf": [{ "type": "string", "minLength": 1 }, run.take()],
            });
        }
    }
    schema
}

/// `when`, whose conditions have short forms.
pub fn when(_: &mut SchemaGenerator) -> Schema {
    let pattern = json!({ "type": "string", "minLength": 1, "maxLength": 255 });
    let patterns = json!({ "type": "array", "items": pattern, "minItems": 1, "maxItems": 64 });
    let condition = |of: &str| {
        json!({
            "description": format!("Patterns of {of}; `*` matches any number of characters."),
            "anyOf": [
                pattern,
                patterns,
                {
                    "type": "object",
                    "properties": { "include": patterns, "exclude": patterns },
                    "additionalProperties": false,
                    "minProperties": 1,
                },
            ],
        })
    };
    json_schema!({
        "type": "object",
        "properties": {
            "branch": condition("branches"),
            "tag": condition("tags"),
            "ref": condition("refs"),
        },
        "additionalProperties": false,
        "minProperties": 1,
    })
}
