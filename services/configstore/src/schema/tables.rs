//! Configstore's types of objects and the constraints that hold in every state of them.
//!
//! Every name is unique in its scope, every reference names an existing object, no group is below
//! itself, and every object of a tree has one parent: for the API, the feed and imports alike. Two
//! rules are kept by the actions alone, because states that break them are harmless: an
//! organization with an owner keeps one, and every user and organization has a root group.

use drydock_api::configstore::types::{Org, RemoteSource, User};
use drydock_core::read_model::{Blobs, Leftovers, ObjectType, Schema, not_encrypted, parses};
use drydock_runtime::encryption::Encrypted;
use drydock_runtime::once::IDEMPOTENCY_KEYS;
use serde::Deserialize;

use super::deleted;
use crate::record::{
    LinkedAccount, Member, Project, ProjectGroup, ScopedRecord, Secret, Token, Variable, is_owner,
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

pub static SCHEMA: Schema = Schema {
    service: "configstore",
    version: 3,
    steps: super::steps::STEPS,
    types: &[
        ObjectType {
            name: USERS,
            since: 1,
            table: super::tree::USERS,
            check: is_owner::<User>,
            encrypted: not_encrypted,
        },
        ObjectType {
            name: ORGS,
            since: 1,
            table: super::tree::ORGS,
            check: is_owner::<Org>,
            encrypted: not_encrypted,
        },
        ObjectType {
            name: MEMBERS,
            since: 1,
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
            CREATE INDEX members_user ON members (user, org);
            CREATE INDEX members_owners ON members (org, user) WHERE role = 'owner';",
            check: parses::<Member>,
            encrypted: not_encrypted,
        },
        ObjectType {
            name: TOKENS,
            since: 2,
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
            encrypted: not_encrypted,
        },
        ObjectType {
            name: REMOTE_SOURCES,
            since: 2,
            table: "CREATE TABLE remote_sources (
                id TEXT PRIMARY KEY NOT NULL CHECK (id = data ->> '$.id'),
                data TEXT NOT NULL,
                name TEXT NOT NULL UNIQUE GENERATED ALWAYS AS (data ->> '$.name') STORED
            ) STRICT;",
            check: parses::<RemoteSource>,
            encrypted: not_encrypted,
        },
        ObjectType {
            name: LINKED_ACCOUNTS,
            since: 2,
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
            encrypted: not_encrypted,
        },
        ObjectType {
            name: PROJECT_GROUPS,
            since: 2,
            table: super::tree::PROJECT_GROUPS,
            check: parses::<ProjectGroup>,
            encrypted: not_encrypted,
        },
        ObjectType {
            name: PROJECTS,
            since: 2,
            table: super::tree::PROJECTS,
            check: parses::<Project>,
            encrypted: not_encrypted,
        },
        ObjectType {
            name: SECRETS,
            since: 2,
            table: super::tree::SECRETS,
            check: parses::<Secret>,
            encrypted: |text| {
                let secret: SecretText = serde_json::from_str(text).ok()?;
                serde_json::to_string(&secret.data).ok()
            },
        },
        ObjectType {
            name: VARIABLES,
            since: 2,
            table: super::tree::VARIABLES,
            check: parses::<Variable>,
            encrypted: not_encrypted,
        },
        ObjectType { since: 2, ..IDEMPOTENCY_KEYS },
    ],
    leftovers: Leftovers { count: deleted::count, next: deleted::next },
    counters: None,
    blobs: Blobs::NONE,
};

#[derive(Deserialize)]
struct SecretText {
    data: Encrypted,
}
