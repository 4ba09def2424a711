//! Parts of paths in the API document.

use schemars::{Schema, SchemaGenerator};
use uuid::Uuid;

use super::{Ref, TreeRef};

/// What a part of a path may be, by its name: for the API document.
pub fn path_schema(name: &str, generator: &mut SchemaGenerator) -> Schema {
    match name {
        "group" | "project" => generator.subschema_for::<TreeRef>(),
        "id" | "lineage" => generator.subschema_for::<Uuid>(),
        _ => generator.subschema_for::<Ref>(),
    }
}
