//! Objects of both versions of the schema in one form, that of the earlier one: oracles compare
//! states, whichever version wrote them.
//!
//! Known of the later version is only what it does to users, see `product::upgraded`; the code here
//! is its own.

use drydock_configstore::schema::SCHEMA;
use drydock_core::log::format::{Body, Commit, Mutation, Object, canonical};
use jiff::Timestamp;
use serde_json::Value;

const HOUR_S: i64 = 3_600;

/// An object that was written in a version, in the earlier form.
pub fn plain_object(object: &mut Object, version: u32) {
    if version <= SCHEMA.version || object.r#type != "users" {
        return;
    }
    let Ok(mut user) = serde_json::from_str::<Value>(object.data.get()) else { return };
    let created = user["created_at"].as_str().and_then(|text| text.parse::<Timestamp>().ok());
    let created =
        created.and_then(|at| Timestamp::new(at.as_second() - HOUR_S, at.subsec_nanosecond()).ok());
    if let Some(created) = created {
        user["created_at"] = created.to_string().into();
    }
    if let Ok(data) = canonical(&user) {
        object.data = data;
    }
}

pub fn plain_mutations(mutations: &mut [Mutation], version: u32) {
    for mutation in mutations {
        if let Mutation::Put(object) = mutation {
            plain_object(object, version);
        }
    }
}

/// A commit whose objects have the earlier form.
pub fn plain_commit(mut commit: Commit) -> Commit {
    let version = commit.schema;
    if let Body::Mutations(mutations) = &mut commit.body {
        plain_mutations(mutations, version);
    }
    commit
}
