//! Calls over the product's HTTP API, through the simulated network.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use drydock_core::context::Context;
use drydock_core::net::SharedNet;
use drydock_services::http::client::{Client, ClientError, ClientSettings};
use http::Method;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Api;
use crate::history::{Answer, Call, Intent, Named, Reads, Reply, Role, Status};
use crate::plan::instance_name;

/// Where every instance of configstore listens.
pub const PORT: u16 = 8001;
/// More than any list of a simulation holds.
const LIST_LIMIT: u32 = 100;
const EXPORT_BYTES: usize = 64 << 20;

pub struct HttpApi {
    pub net: SharedNet,
    pub token: SecretString,
    /// When a client gives up.
    pub timeout: Duration,
}

#[derive(Deserialize)]
struct Object {
    id: Uuid,
    name: String,
}

#[derive(Deserialize)]
struct List {
    items: Vec<Object>,
}

#[derive(Deserialize)]
struct Members {
    items: Vec<Member>,
}

#[derive(Deserialize)]
struct Member {
    user: Object,
}

#[derive(Deserialize)]
struct MaintenanceStatus {
    mode: String,
    generation: u64,
    ready: bool,
    instances: Vec<Value>,
    position: Option<u64>,
}

#[derive(Deserialize)]
struct Imported {
    position: u64,
    digest: String,
}

#[async_trait]
impl Api for HttpApi {
    async fn call(&self, instance: usize, call: &Call) -> Answer {
        match self.send(instance, call).await {
            Ok(reply) => Answer::Ok(reply),
            Err(ClientError::Remote(remote)) => {
                Answer::Refused { kind: remote.kind, code: remote.code, message: remote.message }
            }
            Err(ClientError::NotSent { source, .. }) => Answer::NotSent(source.to_string()),
            Err(ClientError::Unknown { source, .. }) => Answer::Unknown(source.to_string()),
        }
    }
}

impl HttpApi {
    async fn send(&self, instance: usize, call: &Call) -> Result<Reply, ClientError> {
        let settings = ClientSettings {
            connect_timeout: self.timeout,
            request_timeout: self.timeout,
            idle_timeout: self.timeout,
            max_answer_bytes: EXPORT_BYTES,
        };
        let authority = format!("{}:{PORT}", instance_name(instance));
        let client = Client::new(self.net.clone(), authority)
            .with_token(self.token.clone())
            .with_settings(settings);
        let ctx = Context::background();
        let (method, path, body) = request(call);
        let mut request = client.request(method, format!("/api/v1{path}"));
        request = match body {
            Body::None => request,
            Body::Json(json) => request.json(&json),
            Body::Raw(bytes) => request.body(bytes.into()),
        };
        let bytes = request.send_bytes(&ctx).await?.body;
        Ok(match reply(call, &bytes) {
            Ok(reply) => reply,
            Err(error) => {
                return Err(ClientError::Unknown {
                    authority: client.authority().to_owned(),
                    source: error.into(),
                });
            }
        })
    }
}

enum Body {
    None,
    Json(Value),
    Raw(Bytes),
}

fn request(call: &Call) -> (Method, String, Body) {
    let none = Body::None;
    match call {
        Call::CreateUser { name } => {
            let body = Body::Json(json!({"name": name}));
            (Method::POST, "/users".to_owned(), body)
        }
        Call::GetUser { name } => (Method::GET, format!("/users/{name}"), none),
        Call::RenameUser { name, to } => {
            let body = Body::Json(json!({"name": to}));
            (Method::PUT, format!("/users/{name}"), body)
        }
        Call::DeleteUser { name } => (Method::DELETE, format!("/users/{name}"), none),
        Call::ListUsers { reads } => {
            let reads = match reads {
                Reads::Linearizable => "",
                Reads::Local => "&consistency=local",
            };
            (Method::GET, format!("/users?limit={LIST_LIMIT}{reads}"), none)
        }
        Call::CreateOrg { name, owner } => {
            let body = json!({"name": name, "visibility": "public", "owner": owner});
            let body = Body::Json(body);
            (Method::POST, "/orgs".to_owned(), body)
        }
        Call::DeleteOrg { name } => (Method::DELETE, format!("/orgs/{name}"), none),
        Call::SetMember { org, user, role } => {
            let role = match role {
                Role::Owner => "owner",
                Role::Member => "member",
            };
            let body = Body::Json(json!({"role": role}));
            (Method::PUT, format!("/orgs/{org}/members/{user}"), body)
        }
        Call::RemoveMember { org, user } => {
            (Method::DELETE, format!("/orgs/{org}/members/{user}"), none)
        }
        Call::ListMembers { org } => {
            let path = format!("/orgs/{org}/members?limit={LIST_LIMIT}");
            (Method::GET, path, none)
        }
        Call::Status => (Method::GET, "/maintenance".to_owned(), none),
        Call::Maintenance => {
            let body = Body::Json(json!({"reason": "simulation"}));
            (Method::PUT, "/maintenance".to_owned(), body)
        }
        Call::Resume => (Method::DELETE, "/maintenance".to_owned(), none),
        Call::Export => (Method::GET, "/export".to_owned(), none),
        Call::Import { body, intent } => {
            let query = match intent {
                Intent::DryRun => "?dry_run=true",
                Intent::Restore | Intent::Damaged => "",
            };
            let body = Body::Raw(body.clone());
            (Method::POST, format!("/import{query}"), body)
        }
    }
}

fn reply(call: &Call, bytes: &Bytes) -> Result<Reply, serde_json::Error> {
    let named = |object: Object| Named { id: object.id, name: object.name };
    Ok(match call {
        Call::CreateUser { .. }
        | Call::GetUser { .. }
        | Call::RenameUser { .. }
        | Call::CreateOrg { .. } => {
            let Object { id, name } = serde_json::from_slice(bytes)?;
            Reply::Named { id, name }
        }
        Call::ListUsers { .. } => {
            let list: List = serde_json::from_slice(bytes)?;
            Reply::List(list.items.into_iter().map(named).collect())
        }
        Call::ListMembers { .. } => {
            let list: Members = serde_json::from_slice(bytes)?;
            let users = list.items.into_iter().map(|member| named(member.user));
            Reply::List(users.collect())
        }
        Call::Status | Call::Maintenance => {
            let status: MaintenanceStatus = serde_json::from_slice(bytes)?;
            Reply::Status(Status {
                maintenance: status.mode == "maintenance",
                generation: status.generation,
                ready: status.ready,
                instances: status.instances.len(),
                position: status.position,
            })
        }
        Call::Export => Reply::Export(bytes.clone()),
        Call::Import { .. } => {
            let imported: Imported = serde_json::from_slice(bytes)?;
            Reply::Imported { position: imported.position, digest: imported.digest }
        }
        Call::DeleteUser { .. }
        | Call::DeleteOrg { .. }
        | Call::SetMember { .. }
        | Call::RemoveMember { .. }
        | Call::Resume => Reply::Done,
    })
}
