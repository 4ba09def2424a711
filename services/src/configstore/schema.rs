//! Configstore's types of objects and the constraints that hold in every state of them.

use drydock_core::store::{ObjectType, Schema};
use serde::de::DeserializeOwned;

use super::types::{Member, Org, User};

pub const USERS: &str = "users";
pub const ORGS: &str = "orgs";
pub const MEMBERS: &str = "members";

pub static SCHEMA: Schema = Schema {
    service: "configstore",
    version: 1,
    types: &[
        ObjectType {
            name: USERS,
            table: "CREATE TABLE users (
                id TEXT PRIMARY KEY NOT NULL CHECK (id = data ->> '$.id'),
                data TEXT NOT NULL,
                name TEXT NOT NULL UNIQUE GENERATED ALWAYS AS (data ->> '$.name') STORED
            ) STRICT;",
            check: parses::<User>,
        },
        ObjectType {
            name: ORGS,
            table: "CREATE TABLE orgs (
                id TEXT PRIMARY KEY NOT NULL CHECK (id = data ->> '$.id'),
                data TEXT NOT NULL,
                name TEXT NOT NULL UNIQUE GENERATED ALWAYS AS (data ->> '$.name') STORED
            ) STRICT;",
            check: parses::<Org>,
        },
        ObjectType {
            name: MEMBERS,
            table: "CREATE TABLE members (
                id TEXT PRIMARY KEY NOT NULL CHECK (id = data ->> '$.id'),
                data TEXT NOT NULL,
                org TEXT NOT NULL GENERATED ALWAYS AS (data ->> '$.org') STORED
                    REFERENCES orgs (id),
                user TEXT NOT NULL GENERATED ALWAYS AS (data ->> '$.user') STORED
                    REFERENCES users (id),
                role TEXT NOT NULL GENERATED ALWAYS AS (data ->> '$.role') STORED
                    CHECK (role IN ('owner', 'member')),
                UNIQUE (org, user)
            ) STRICT;
            CREATE INDEX members_user ON members (user);",
            check: parses::<Member>,
        },
    ],
};

fn parses<T: DeserializeOwned>(text: &str) -> Result<(), String> {
    let parsed: Result<T, _> = serde_json::from_str(text);
    parsed.map(drop).map_err(|error| error.to_string())
}
