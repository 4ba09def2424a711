//! Calls with the product's own client, through whatever network there is.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use drydock_api::admin::{AdminClient, MaintenanceStatus};
use drydock_api::configstore::client::ConfigstoreClient;
use drydock_api::configstore::types;
use drydock_api::configstore::types::{NewOrg, NewUser, Org, User, UserChange, Visibility};
use drydock_api::names::Ref;
use drydock_core::archive::Intent as ImportIntent;
use drydock_core::context::Context;
use drydock_core::log::format::Mode;
use drydock_core::net::SharedNet;
use drydock_http::api::page::{Consistency, ListQuery};
use drydock_http::client::{Client, ClientError, ClientSettings};
use futures_util::{TryStreamExt, stream};
use secrecy::SecretString;

use super::gateway_api::GatewayApi;
use super::{Api, RunsApi, tree};
use crate::history::{Answer, Call, Intent, Named, Reads, Reply, Role, Server, Status};
use crate::plan::{InstanceId, Service};

/// More than any list of a simulation holds.
pub const LIST_LIMIT: usize = 100;
const ANSWER_BYTES: usize = 64 << 20;

pub struct HttpApi {
    /// Who calls.
    pub host: String,
    /// Where each instance of configstore listens: `host:port`.
    pub instances: Vec<String>,
    pub net: SharedNet,
    pub token: SecretString,
    /// When a client gives up.
    pub timeout: Duration,
    /// The same, for what takes longer the more there is.
    pub patience: Duration,
    /// Those that it has called already.
    pub clients: Mutex<BTreeMap<usize, ConfigstoreClient>>,
    pub gateways: GatewayApi,
    pub runs: RunsApi,
}

#[async_trait]
impl Api for HttpApi {
    async fn call(&self, server: Server, call: &Call) -> Answer {
        match self.send(server, call).await {
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
    async fn send(&self, server: Server, call: &Call) -> Result<Reply, ClientError> {
        let ctx = &Context::background().timeout(self.timeout_of(call));
        match server {
            Server::Instance(InstanceId { service: Service::Configstore, number }) => {
                self.send_to_instance(number, ctx, call).await
            }
            Server::Instance(InstanceId { service: Service::Runservice, number }) => match call {
                Call::Runs(call) => self.runs.send(number, ctx, call).await,
                call => self.administrate(&self.runs.admin(number), ctx, call).await,
            },
            Server::Gateway(gateway) => match call {
                Call::Gateway(call) => self.gateways.send(gateway, call).await,
                call => self.administrate(&self.gateways.operator(gateway), ctx, call).await,
            },
        }
    }

    async fn send_to_instance(
        &self,
        instance: usize,
        ctx: &Context,
        call: &Call,
    ) -> Result<Reply, ClientError> {
        let client = &self.client(instance);
        Ok(match call {
            Call::CreateUser { name } => {
                let new = NewUser { name: name.clone(), admin: false };
                user(client.create_user(ctx, &new, None).await?.body)
            }
            Call::GetUser { name } => {
                let reads = Consistency::Linearizable;
                user(client.user(ctx, &named(name), reads).await?.body)
            }
            Call::RenameUser { name, to } => {
                let change = UserChange { name: Some(to.clone()), ..UserChange::default() };
                user(client.update_user(ctx, &named(name), &change, None).await?.body)
            }
            Call::DeleteUser { name } => {
                client.delete_user(ctx, &named(name), None).await?;
                Reply::Done
            }
            Call::ListUsers { reads } => {
                let page = client.users(ctx, &whole(*reads)).await?;
                let users = page.items.into_iter();
                Reply::List(users.map(|user| entry(user.id, &user.name)).collect())
            }
            Call::CreateOrg { name, owner } => {
                let new = NewOrg {
                    name: name.clone(),
                    visibility: Visibility::Public,
                    owner: Some(owner.clone()),
                };
                org(client.create_org(ctx, &new, None).await?.body)
            }
            Call::DeleteOrg { name } => {
                client.delete_org(ctx, &named(name), None).await?;
                Reply::Done
            }
            Call::SetMember { org, user, role } => {
                let role = match role {
                    Role::Owner => types::Role::Owner,
                    Role::Member => types::Role::Member,
                };
                client.put_member(ctx, &named(org), &named(user), role, None).await?;
                Reply::Done
            }
            Call::RemoveMember { org, user } => {
                client.delete_member(ctx, &named(org), &named(user), None).await?;
                Reply::Done
            }
            Call::ListMembers { org } => {
                let page = client.members(ctx, &named(org), &whole(Reads::Linearizable)).await?;
                let members = page.items.into_iter().map(|member| member.user);
                Reply::List(members.map(|user| entry(user.id, &user.name)).collect())
            }
            Call::Tree(call) => return tree::send(client, ctx, call).await,
            Call::Gateway(_) => unreachable!("these go to gateways"),
            Call::Runs(_) => unreachable!("these go to runservice"),
            Call::Status
            | Call::Maintenance
            | Call::Resume
            | Call::Export
            | Call::Import { .. }
            | Call::Lineages
            | Call::GoBack { .. } => return self.administrate(&client.admin(), ctx, call).await,
        })
    }

    fn timeout_of(&self, call: &Call) -> Duration {
        match call {
            Call::Export | Call::Import { .. } | Call::GoBack { .. } => self.patience,
            _ => self.timeout,
        }
    }

    async fn administrate(
        &self,
        admin: &AdminClient,
        ctx: &Context,
        call: &Call,
    ) -> Result<Reply, ClientError> {
        Ok(match call {
            Call::Maintenance => {
                let reason = Some("simulation");
                status(admin.switch_on(ctx, &self.host, reason, None).await?)
            }
            Call::Resume => {
                admin.switch_off(ctx, &self.host, None).await?;
                Reply::Done
            }
            Call::Export => {
                let chunks: Vec<Bytes> = admin.export(ctx).await?.try_collect().await?;
                Reply::Export(chunks.concat().into())
            }
            Call::Import { body, intent } => {
                let intent = match intent {
                    Intent::DryRun => ImportIntent::DryRun,
                    Intent::Restore | Intent::Damaged => ImportIntent::Apply,
                };
                let body = stream::iter([Ok::<_, std::io::Error>(body.clone())]);
                let report = admin.import(ctx, body, intent).await?;
                Reply::Imported { position: report.position, digest: report.digest }
            }
            Call::Lineages => {
                let kept = admin.lineages(ctx).await?.items;
                Reply::Lineages(kept.iter().map(|kept| (kept.id, kept.position)).collect())
            }
            Call::GoBack { lineage, .. } => {
                let report = admin.restore(ctx, *lineage).await?;
                Reply::WentBack { position: report.position }
            }
            Call::Status => status(admin.status(ctx).await?),
            _ => unreachable!("operators ask for nothing else"),
        })
    }

    fn client(&self, instance: usize) -> ConfigstoreClient {
        let mut clients = self.clients.lock().expect("no holder of this lock panics");
        clients.entry(instance).or_insert_with(|| self.connect(instance)).clone()
    }

    fn connect(&self, instance: usize) -> ConfigstoreClient {
        let settings = ClientSettings {
            connect_timeout: self.timeout,
            request_timeout: self.patience,
            idle_timeout: self.patience,
            max_answer_bytes: ANSWER_BYTES,
        };
        let http = Client::new(self.net.clone(), &*self.instances[instance - 1])
            .with_token(self.token.clone())
            .with_settings(settings);
        ConfigstoreClient::new(http)
    }
}

/// A name of the workload as a reference.
fn named(name: &str) -> Ref {
    name.parse().expect("a workload's names are valid")
}

fn whole(reads: Reads) -> ListQuery {
    let consistency = match reads {
        Reads::Linearizable => Consistency::Linearizable,
        Reads::Local => Consistency::Local,
    };
    ListQuery {
        limit: Some(LIST_LIMIT.to_string()),
        consistency: Some(consistency),
        ..ListQuery::default()
    }
}

fn entry(id: uuid::Uuid, name: &impl ToString) -> Named {
    Named { id, name: name.to_string() }
}

fn user(user: User) -> Reply {
    Reply::Named { id: user.id, name: user.name.to_string() }
}

fn org(org: Org) -> Reply {
    Reply::Named { id: org.id, name: org.name.to_string() }
}

fn status(status: MaintenanceStatus) -> Reply {
    let all_read = status.instances.iter().map(|instance| instance.schema).min();
    Reply::Status(Status {
        maintenance: status.mode == Mode::Maintenance,
        generation: status.generation,
        ready: status.ready,
        instances: status.instances.len(),
        behind: all_read > status.writes_schema,
        position: status.position,
        recovered: status.last_recovery.map(|recovery| recovery.position),
    })
}
