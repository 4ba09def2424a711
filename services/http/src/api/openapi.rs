//! The API document (OpenAPI 3.1), made of endpoints: nothing is described a second time.

use std::collections::BTreeMap;

use drydock_core::error::Code;
use http::{HeaderName, header};
use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::endpoint::{Access, Endpoint, Spec};
use super::error_body::status_of;
use super::operation::{SchemaOf, Success};

/// The headers that all operations take. They are not listed as parameters: a tool that tried
/// values of them would mostly get `deadline_exceeded`.
const DESCRIPTION: &str = "Every operation takes the headers `Drydock-Timeout-Ms` (lowers the time \
    that it may take, in milliseconds; it may end with `deadline_exceeded`), `X-Request-Id` \
    (echoed, logged, passed on; made if absent) and `traceparent` (passed on).";

/// Makes the schema of a path parameter, by its name.
pub type PathSchema = fn(&str, &mut SchemaGenerator) -> Schema;

/// Describes every endpoint.
pub fn document(service: &str, endpoints: &[Endpoint], path_schema: PathSchema) -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.definitions_path = "/components/schemas".into();
    settings.meta_schema = None;
    let mut generator = settings.into_generator();
    let mut refusals = Map::new();
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for endpoint in endpoints {
        let described = operation(endpoint, path_schema, &mut generator, &mut refusals);
        let method = endpoint.spec.method.as_str().to_lowercase();
        paths.entry(endpoint.spec.path).or_default().insert(method, described);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": format!("Drydock {service}"),
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
        },
        "paths": paths,
        "components": {
            "responses": refusals,
            "schemas": generator.take_definitions(true),
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
        },
    })
}

/// Error answers go to `refusals`, which operations with the same codes share.
fn operation(
    endpoint: &Endpoint,
    path_schema: PathSchema,
    generator: &mut SchemaGenerator,
    refusals: &mut Map<String, Value>,
) -> Value {
    let Endpoint { spec, operation, .. } = endpoint;
    let mut described = json!({
        "operationId": operation_id(spec),
        "summary": operation.summary,
        "parameters": parameters(endpoint, path_schema, generator),
        "responses": responses(endpoint, generator, refusals),
    });
    if spec.access != Access::Open {
        described["security"] = json!([{ "token": [] }]);
    }
    if let Some(request) = operation.request {
        let schema = request(generator);
        let content = json!({ "application/json": { "schema": schema } });
        described["requestBody"] = json!({ "required": !operation.optional, "content": content });
    } else if let Some(media) = operation.takes {
        described["requestBody"] = json!({ "required": true, "content": { media: {} } });
    }
    described
}

/// `get_users_user_orgs`
fn operation_id(spec: &Spec) -> String {
    let path = spec.path.trim_start_matches("/api/v1").replace(['{', '}'], "");
    let words = path.split(['/', '.']).filter(|word| !word.is_empty());
    let method = spec.method.as_str().to_lowercase();
    std::iter::once(&*method).chain(words).collect::<Vec<_>>().join("_")
}

fn parameters(
    Endpoint { spec, operation, .. }: &Endpoint,
    path_schema: PathSchema,
    generator: &mut SchemaGenerator,
) -> Vec<Value> {
    let mut parameters = Vec::new();
    for part in spec.path.split('/') {
        if let Some(name) = part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            let schema = path_schema(name, generator).to_value();
            parameters.push(parameter("path", name, &schema, true));
        }
    }
    if let Some(query) = operation.query {
        let schema = query(generator).to_value();
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
            let is_required = required.contains(&json!(name));
            let schema = without_null(schema);
            parameters.push(parameter("query", name, &schema, is_required));
        }
    }
    for header in &operation.headers {
        let pattern = header_pattern(header);
        // The pattern implies the length, but not every tool derives it.
        let schema = json!({ "type": "string", "minLength": 1, "pattern": pattern });
        parameters.push(parameter("header", header.as_str(), &schema, false));
    }
    parameters
}

/// The regular expression of a header's value.
fn header_pattern(header: &HeaderName) -> &'static str {
    match *header {
        header::IF_MATCH => r#"^(\*|(W/)?"[!#-~]*"( *, *(W/)?"[!#-~]*")*)$"#,
        _ => "^[!-~]{1,255}$",
    }
}

/// Removes `null` from a schema: an optional parameter is left out, and never null.
fn without_null(schema: &Value) -> Value {
    let mut schema = schema.clone();
    if let Some(types) = schema.get_mut("type").and_then(Value::as_array_mut) {
        types.retain(|kind| kind != "null");
        if let [only] = &types[..] {
            schema["type"] = only.clone();
        }
    }
    if let Some(kinds) = schema.get_mut("anyOf").and_then(Value::as_array_mut) {
        kinds.retain(|kind| kind["type"] != "null");
    }
    schema
}

fn parameter(place: &str, name: &str, schema: &Value, required: bool) -> Value {
    json!({ "in": place, "name": name, "required": required, "schema": schema })
}

fn responses(
    endpoint: &Endpoint,
    generator: &mut SchemaGenerator,
    refusals: &mut Map<String, Value>,
) -> Value {
    let mut responses = Map::new();
    let mut add = |status: &str, response: Value| responses.insert(status.to_owned(), response);
    match endpoint.operation.success {
        Success::Nothing => {
            add("204", json!({ "description": "done" }));
        }
        Success::Object(schema) => {
            add("200", answer("the object", schema, generator));
        }
        Success::Created(schema) => {
            add("201", answer("created; its path is in `Location`", schema, generator));
        }
        Success::CreatedOrChanged(schema) => {
            add("200", answer("changed", schema, generator));
            add("201", answer("created; its path is in `Location`", schema, generator));
        }
        Success::CreatedOrNothing(schema) => {
            add("201", answer("created", schema, generator));
            add("204", json!({ "description": "nothing" }));
        }
        Success::Other(media) => {
            add("200", json!({ "description": "the content", "content": { media: {} } }));
        }
    }
    let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for code in endpoint.codes() {
        by_status.entry(status_of(code.kind()).as_u16()).or_default().push(code);
    }
    for (status, codes) in by_status {
        let names: Vec<_> = codes.iter().map(|code| code.as_str()).collect();
        let name = format!("{status}.{}", names.join("."));
        let reference = format!("#/components/responses/{name}");
        refusals.entry(name).or_insert_with(|| refusal(&names));
        add(&status.to_string(), json!({ "$ref": reference }));
    }
    responses.into()
}

fn answer(description: &str, schema: SchemaOf, generator: &mut SchemaGenerator) -> Value {
    let content = json!({ "application/json": { "schema": schema(generator) } });
    json!({ "description": description, "content": content })
}

/// The error answer with one status and these codes.
fn refusal(names: &[&str]) -> Value {
    let schema = json!({
        "type": "object",
        "required": ["code", "message"],
        "properties": {
            "code": { "enum": names },
            "message": { "type": "string", "minLength": 1 },
        },
    });
    let content = json!({ "application/json": { "schema": schema } });
    json!({ "description": names.join(", "), "content": content })
}
