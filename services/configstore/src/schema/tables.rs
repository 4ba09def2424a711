//! Configstore's types of objects and the constraints that hold in every state of them.
//!
//! Every name is unique in its scope, every reference names an existing object, no group is below
//! itself, and every object of a tree has one parent: for the API, the feed and imports alike. Two
//! rules are kept by the actions alone, because states that break them are harmless: an
//! organization with an owner keeps one, and every user and organization has a root group.

use drydock_api::configstore::types::{Org, RemoteSource, User};
use drydock_core::read_model::{ObjectType, Schema};
use drydock_runtime::encryption::Encrypted;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::record::{
    IdempotencyRecord, LinkedAccount, Member, Project, ProjectGroup, ScopedRecord, Secret, Token,
    Variable,
};

pub const USERS: &str = "users";
pub const ORGS: &str = "orgs";
pub const MEMBERS: &str = "members";
pub const TOKENS: &str = "tokens";
pub const REMOTE_SOURCES: &str = "remote_sources";
pub const LINKED_ACCOUNTS: &str = "linked_accounts";
pub const PROJECT_GROUPS: &str = "project_groups";
pub const PROJECTS: &str = "projects";
pub const SECRETS: &str = Secret::TABLE;
pub const VARIABLES: &str = Variable::TABLE;
pub const IDEMPOTENCY_KEYS: &str = "idempotency_keys";

pub static SCHEMA: Schema = Schema {
    service: "configstore",
    version: 2,
    types: &[
        ObjectType {
            name: USERS,
            table: "CREATE TABLE users (
                id TEXT PRIMARY KEY NOT NULL CHECK (id = data ->> '$.id'),
                data TEXT NOT NULL,
                name TEXT NOT NULL UNIQUE GENERATED ALWAYS AS (data ->> '$.name') STORED
            ) STRICT;",
            check: parses::<User>,
            encrypted: none,
        },
        ObjectType {
            name: ORGS,
            table: "CREATE TABLE orgs (
                id TEXT PRIMARY KEY NOT NULL CHECK (id = data ->> '$.id'),
                data TEXT NOT NULL,
                name TEXT NOT NULL UNIQUE GENERATED ALWAYS AS (data ->> '$.name') STORED
            ) STRICT;",
            check: parses::<Org>,
            encrypted: none,
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
            encrypted: none,
        },
        ObjectType {
            name: TOKENS,
            table: "CREATE TABLE tokens (
                id TEXT PRIMARY KEY NOT NULL CHECK (id = data ->> '$.id'),
                data TEXT NOT NULL,
                user TEXT NOT NULL GENERATED ALWAYS AS (data ->> '$.user') STORED
                    REFERENCES users (id),
                name TEXT NOT NULL GENERATED ALWAYS AS (data ->> '$.name') STORED,
                hash TEXT NOT NULL UNIQUE GENERATED ALWAYS AS (data ->> '$.hash') STORED,
                UNIQUE (user, name)
            ) STRICT;",
            check: parses::<Token>,
            encrypted: none,
        },
        ObjectType {
            name: REMOTE_SOURCES,
            table: "CREATE TABLE remote_sources (
                id TEXT PRIMARY KEY NOT NULL CHECK (id = data ->> '$.id'),
                data TEXT NOT NULL,
                name TEXT NOT NULL UNIQUE GENERATED ALWAYS AS (data ->> '$.name') STORED
            ) STRICT;",
            check: parses::<RemoteSource>,
            encrypted: none,
        },
        ObjectType {
            name: LINKED_ACCOUNTS,
            table: "CREATE TABLE linked_accounts (
                id TEXT PRIMARY KEY NOT NULL CHECK (id = data ->> '$.id'),
                data TEXT NOT NULL,
                user TEXT NOT NULL GENERATED ALWAYS AS (data ->> '$.user') STORED
                    REFERENCES users (id),
                remote_source TEXT NOT NULL
                    GENERATED ALWAYS AS (data ->> '$.remote_source') STORED
                    REFERENCES remote_sources (id),
                remote_user_id TEXT NOT NULL
                    GENERATED ALWAYS AS (data ->> '$.remote_user_id') STORED,
                UNIQUE (user, remote_source),
                UNIQUE (remote_source, remote_user_id)
            ) STRICT;",
            check: parses::<LinkedAccount>,
            encrypted: none,
        },
        ObjectType {
            name: PROJECT_GROUPS,
            table: super::tree::PROJECT_GROUPS,
            check: parses::<ProjectGroup>,
            encrypted: none,
        },
        ObjectType {
            name: PROJECTS,
            table: super::tree::PROJECTS,
            check: parses::<Project>,
            encrypted: none,
        },
        ObjectType {
            name: SECRETS,
            table: super::tree::SECRETS,
            check: parses::<Secret>,
            encrypted: |text| encrypted::<SecretText>(text, |secret| secret.data),
        },
        ObjectType {
            name: VARIABLES,
            table: super::tree::VARIABLES,
            check: parses::<Variable>,
            encrypted: none,
        },
        ObjectType {
            name: IDEMPOTENCY_KEYS,
            table: "CREATE TABLE idempotency_keys (
                id TEXT PRIMARY KEY NOT NULL CHECK (id = data ->> '$.id'),
                data TEXT NOT NULL,
                created_ms INTEGER NOT NULL
                    GENERATED ALWAYS AS (data ->> '$.created_ms') STORED
            ) STRICT;
            CREATE INDEX idempotency_keys_created ON idempotency_keys (created_ms);",
            check: parses::<IdempotencyRecord>,
            encrypted: |text| encrypted::<IdempotencyRecord>(text, |record| record.sealed),
        },
    ],
    counters: None,
};

fn parses<T: DeserializeOwned>(text: &str) -> Result<(), String> {
    let parsed: Result<T, _> = serde_json::from_str(text);
    parsed.map(drop).map_err(|error| error.to_string())
}

fn none(_: &str) -> Option<String> {
    None
}

#[derive(Deserialize)]
struct SecretText {
    data: Encrypted,
}

fn encrypted<T: DeserializeOwned>(object: &str, text: fn(T) -> Encrypted) -> Option<String> {
    let object = serde_json::from_str(object).ok()?;
    serde_json::to_string(&text(object)).ok()
}
