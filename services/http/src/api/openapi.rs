//! The API document (OpenAPI 3.1), made of endpoints: nothing is described a second time.

use std::collections::{BTreeMap, BTreeSet};

use http::{HeaderName, Method, StatusCode, header};
use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::endpoint::{Access, Endpoint, Spec};
use super::error_body::{ErrorBody, status_of};
use super::headers::IDEMPOTENCY_REPLAYED;
use super::operation::{MERGE_PATCH, SchemaOf, Success};

/// The headers that all operations take. They are not listed as parameters: a tool that tried
/// values of them would mostly get `deadline_exceeded`.
const DESCRIPTION: &str = "Every operation takes the headers `Drydock-Timeout-Ms` (lowers the time \
    that it may take, in milliseconds; it may end with `deadline_exceeded`), `X-Request-Id` \
    (echoed, logged, passed on; made if absent) and `traceparent` (passed on). Every GET whose \
    answer has an `ETag` honours `If-None-Match`.";

/// Makes the schema of a path parameter, by its name.
pub type PathSchema = fn(&str, &mut SchemaGenerator) -> Schema;

/// Describes every endpoint.
pub fn document(service: &str, endpoints: &[Endpoint], path_schema: PathSchema) -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.definitions_path = "/components/schemas".into();
    settings.meta_schema = None;
    let mut generator = settings.into_generator();
    let error = generator.subschema_for::<ErrorBody>();
    let mut statuses = BTreeSet::new();
    let mut tags = BTreeSet::new();
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for endpoint in endpoints {
        let mut methods = vec![endpoint.spec.method.clone()];
        if endpoint.operation.merges {
            methods.push(Method::PATCH);
        }
        for method in methods {
            let described = operation(&method, endpoint, path_schema, &mut generator);
            let name = method.as_str().to_lowercase();
            paths.entry(endpoint.spec.path).or_default().insert(name, described);
        }
        statuses.extend(endpoint.codes().into_iter().map(|code| status_of(code.kind())));
        tags.insert(tag(&endpoint.spec));
    }
    let tags: Vec<_> = tags.into_iter().map(|name| json!({ "name": name })).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": format!("Drydock {service}"),
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
        },
        "servers": [{ "url": "/", "description": "where this document comes from" }],
        "tags": tags,
        "paths": paths,
        "components": {
            "headers": headers(),
            "responses": refusals(&statuses, &error.to_value()),
            "schemas": with_named_variants(generator.take_definitions(true)),
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
        },
    })
}

fn operation(
    method: &Method,
    endpoint: &Endpoint,
    path_schema: PathSchema,
    generator: &mut SchemaGenerator,
) -> Value {
    let Endpoint { spec, operation, .. } = endpoint;
    let mut described = json!({
        "operationId": operation_id(method, spec),
        "summary": operation.summary,
        "tags": [tag(spec)],
        "parameters": parameters(endpoint, path_schema, generator),
        "responses": responses(endpoint, generator),
    });
    if spec.access != Access::Open {
        described["security"] = json!([{ "token": [] }]);
    }
    if let Some(request) = operation.request {
        let schema = json!({ "schema": request(generator) });
        let mut content = json!({ "application/json": schema });
        if *method == Method::PATCH {
            content[MERGE_PATCH] = schema;
        }
        described["requestBody"] = json!({ "required": !operation.optional, "content": content });
    } else if !operation.takes.is_empty() {
        let content: Map<_, _> = operation.takes.iter().map(|media| bytes(media)).collect();
        described["requestBody"] = json!({ "required": true, "content": content });
    }
    described
}

/// Content that is no JSON. Generators of clients leave out what has no schema.
fn bytes(media: &str) -> (String, Value) {
    (media.to_owned(), json!({ "schema": { "type": "string", "format": "binary" } }))
}

/// Gives the variants of each type a schema and a name of their own, and so the objects in them:
/// generators of clients make a type of each, and would have to make up the names.
fn with_named_variants(definitions: Map<String, Value>) -> Map<String, Value> {
    let mut named = Map::new();
    for (name, mut schema) in definitions {
        for variant in schema.get_mut("oneOf").and_then(Value::as_array_mut).into_iter().flatten() {
            let Some(tag) = tag_of(variant) else { continue };
            let variant_name = format!("{name}{}", pascal(&tag));
            if let Some(content) = variant["properties"].get_mut(&tag)
                && content["type"] == "object"
            {
                name_apart(format!("{variant_name}Content"), content, &mut named);
            }
            name_apart(variant_name, variant, &mut named);
        }
        let before = named.insert(name, schema);
        assert!(before.is_none(), "two schemas have one name");
    }
    named
}

/// What tells a variant, an object, from the others: the value of a field, or its only field.
fn tag_of(variant: &Value) -> Option<String> {
    let fields = variant.get("properties")?.as_object()?;
    let value = fields.values().find_map(|field| field.get("const")?.as_str());
    let only = || fields.keys().next().filter(|_| fields.len() == 1);
    value.map(str::to_owned).or_else(|| only().cloned())
}

/// Moves a schema to its own name, and leaves a reference.
fn name_apart(name: String, schema: &mut Value, named: &mut Map<String, Value>) {
    let reference = json!({ "$ref": format!("#/components/schemas/{name}") });
    let before = named.insert(name, std::mem::replace(schema, reference));
    assert!(before.is_none(), "two schemas have one name");
}

/// `save_cache` as `SaveCache`.
fn pascal(tag: &str) -> String {
    tag.split('_').map(title).collect()
}

/// The first word of the path below the version.
fn tag(spec: &Spec) -> &'static str {
    let path = spec.path.strip_prefix("/api/v1/");
    path.map_or("health", |path| path.split('/').next().unwrap_or(path))
}

/// `get_users_user_orgs`
fn operation_id(method: &Method, spec: &Spec) -> String {
    let path = spec.path.trim_start_matches("/api/v1").replace(['{', '}'], "");
    let words = path.split(['/', '.']).filter(|word| !word.is_empty());
    let method = method.as_str().to_lowercase();
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

fn responses(endpoint: &Endpoint, generator: &mut SchemaGenerator) -> Value {
    let mut responses = Map::new();
    let mut add = |status: &str, response: Value| responses.insert(status.to_owned(), response);
    let operation = &endpoint.operation;
    match operation.success {
        Success::Nothing => {
            add("204", json!({ "description": "done" }));
        }
        Success::Object(schema) => {
            let tagged = operation.tagged || operation.headers.contains(&header::IF_MATCH);
            let headers: &[_] = if tagged { &[header::ETAG] } else { &[] };
            add("200", answer("the object", schema, headers, generator));
            if tagged && endpoint.spec.method == Method::GET {
                let etag = header_references(&[header::ETAG]);
                let description = "the object is the one that `If-None-Match` names";
                add("304", json!({ "description": description, "headers": etag }));
            }
        }
        Success::Created(schema) => {
            let description = "created; its path is in `Location`";
            let headers = [header::ETAG, header::LOCATION, IDEMPOTENCY_REPLAYED];
            add("201", answer(description, schema, &headers, generator));
        }
        Success::CreatedOrChanged(schema) => {
            add("200", answer("changed", schema, &[header::ETAG], generator));
            let description = "created; its path is in `Location`";
            let headers = [header::ETAG, header::LOCATION];
            add("201", answer(description, schema, &headers, generator));
        }
        Success::CreatedOrNothing(schema) => {
            add("201", answer("created", schema, &[], generator));
            add("204", json!({ "description": "nothing" }));
        }
        Success::CreatedOrKept(schema) => {
            add("200", answer("the object that there was", schema, &[], generator));
            add("201", answer("created", schema, &[], generator));
        }
        Success::Other(media) => {
            add("200", content(media));
        }
        Success::OtherOrNothing(media) => {
            add("200", content(media));
            add("204", json!({ "description": "nothing" }));
        }
    }
    let mut by_status: BTreeMap<StatusCode, Vec<&str>> = BTreeMap::new();
    for code in endpoint.codes() {
        by_status.entry(status_of(code.kind())).or_default().push(code.as_str());
    }
    for (status, codes) in by_status {
        let reference = format!("#/components/responses/{}", refusal_name(status));
        // Beside a reference only `description` and `summary` have a meaning.
        let codes = format!("`code` is {}", codes.join(", "));
        add(status.as_str(), json!({ "$ref": reference, "description": codes }));
    }
    responses.into()
}

fn content(media: &'static str) -> Value {
    let content: Map<_, _> = [bytes(media)].into_iter().collect();
    json!({ "description": "the content", "content": content })
}

fn answer(
    description: &str,
    schema: SchemaOf,
    headers: &[HeaderName],
    generator: &mut SchemaGenerator,
) -> Value {
    let content = json!({ "application/json": { "schema": schema(generator) } });
    let mut answer = json!({ "description": description, "content": content });
    if !headers.is_empty() {
        answer["headers"] = header_references(headers);
    }
    answer
}

/// The headers of answers, which answers refer to.
const HEADERS: [(HeaderName, &str); 5] = [
    (header::ETAG, "names this state of the object, for `If-Match` and `If-None-Match`"),
    (header::LOCATION, "the path of the new object"),
    (header::RETRY_AFTER, "seconds after which another attempt may succeed"),
    (header::WWW_AUTHENTICATE, "how to authenticate: `Bearer`"),
    (IDEMPOTENCY_REPLAYED, "`true`: an earlier request with this key got this answer"),
];

fn headers() -> Value {
    let described = HEADERS.map(|(name, description)| {
        let kind = if name == header::RETRY_AFTER { "integer" } else { "string" };
        let header = json!({ "description": description, "schema": { "type": kind } });
        (title(name.as_str()), header)
    });
    described.into_iter().collect::<Map<_, _>>().into()
}

fn header_references(names: &[HeaderName]) -> Value {
    let reference = |name: &HeaderName| {
        let name = title(name.as_str());
        (name.clone(), json!({ "$ref": format!("#/components/headers/{name}") }))
    };
    names.iter().map(reference).collect::<Map<_, _>>().into()
}

/// `www-authenticate` as `WWW-Authenticate`.
fn title(name: &str) -> String {
    let word = |word: &str| match word {
        "etag" => "ETag".to_owned(),
        "www" => "WWW".to_owned(),
        word => {
            let (first, rest) = word.split_at(1);
            first.to_uppercase() + rest
        }
    };
    name.split('-').map(word).collect::<Vec<_>>().join("-")
}

/// One answer for each status of an error.
fn refusals(statuses: &BTreeSet<StatusCode>, error: &Value) -> Value {
    let refusal = |status: &StatusCode| {
        let reason = status.canonical_reason().unwrap_or_default();
        let content = json!({ "application/json": { "schema": error } });
        let mut refusal = json!({ "description": reason, "content": content });
        match *status {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                refusal["headers"] = header_references(&[header::RETRY_AFTER]);
            }
            StatusCode::UNAUTHORIZED => {
                refusal["headers"] = header_references(&[header::WWW_AUTHENTICATE]);
            }
            _ => {}
        }
        (refusal_name(*status), refusal)
    };
    statuses.iter().map(refusal).collect::<Map<_, _>>().into()
}

/// `404` as `NotFound`.
fn refusal_name(status: StatusCode) -> String {
    status.canonical_reason().unwrap_or("Other").replace([' ', '-'], "")
}
