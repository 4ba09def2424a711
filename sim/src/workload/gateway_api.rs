//! Calls at a gateway with the product's own client, with whatever token.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use drydock_api::admin::AdminClient;
use drydock_api::configstore::client::ConfigstoreClient;
use drydock_api::configstore::scoped::{ScopeRef, SecretKind};
use drydock_api::configstore::types;
use drydock_api::configstore::types::{
    ChildrenQuery, NewOrg, NewProject, NewProjectGroup, NewSecret, NewToken, NewUser, OrgChange,
    ProjectChange, ProjectGroupChange, TreeQuery, UserChange, Visibility,
};
use drydock_api::gateway::GatewayClient;
use drydock_api::names::{Ref, TreeRef};
use drydock_core::context::Context;
use drydock_core::net::SharedNet;
use drydock_http::api::page::{Consistency, ListQuery};
use drydock_http::client::{Client, ClientError, ClientSettings};
use secrecy::SecretString;
use uuid::Uuid;

use crate::history::{Act, By, GatewayCall, Named, Reply, Role, Token};
use crate::plan::hosts::{GATEWAY_PORT, gateway_name};
use crate::plan::identity::admin_token;

/// More than any list of a simulation holds.
const LIST_LIMIT: usize = 100;
const ANSWER_BYTES: usize = 1 << 20;

pub struct GatewayApi {
    net: SharedNet,
    /// When a client gives up.
    timeout: Duration,
    /// Those that were called already.
    clients: Mutex<BTreeMap<usize, Client>>,
}

impl GatewayApi {
    pub fn new(net: SharedNet, timeout: Duration) -> GatewayApi {
        GatewayApi { net, timeout, clients: Mutex::default() }
    }

    pub async fn send(&self, gateway: usize, call: &GatewayCall) -> Result<Reply, ClientError> {
        let client = self.client(gateway, &call.by).objects();
        let ctx = Context::background().timeout(self.timeout);
        let key = call.key.map(|key| format!("key-{key}"));
        let sent = Sent { client, ctx, key };
        match &call.act {
            Act::CreateUser { .. }
            | Act::RenameUser { .. }
            | Act::SetAdmin { .. }
            | Act::DeleteUser { .. }
            | Act::MakeToken { .. }
            | Act::DropToken { .. } => sent.of_user(&call.act).await,
            Act::CreateOrg { .. }
            | Act::RenameOrg { .. }
            | Act::DeleteOrg { .. }
            | Act::SetRole { .. }
            | Act::RemoveMember { .. } => sent.of_org(&call.act).await,
            Act::CreateGroup { .. }
            | Act::RenameGroup { .. }
            | Act::MoveGroup { .. }
            | Act::DeleteGroup { .. }
            | Act::CreateSecret { .. }
            | Act::ListSecrets { .. } => sent.of_group(&call.act).await,
            act => sent.of_project(act).await,
        }
    }

    /// Maintenance, exports and imports of configstore, through a gateway.
    pub fn operator(&self, gateway: usize) -> AdminClient {
        self.client(gateway, &By::Admin).configstore()
    }

    fn client(&self, gateway: usize, by: &By) -> GatewayClient {
        let token = match by {
            By::Admin => admin_token(),
            By::User(token) => SecretString::from(token.value.clone()),
        };
        let mut clients = self.clients.lock().expect("no holder of this lock panics");
        let client = clients.entry(gateway).or_insert_with(|| self.connect(gateway));
        GatewayClient::new(client.clone().with_token(token))
    }

    fn connect(&self, gateway: usize) -> Client {
        let settings = ClientSettings {
            connect_timeout: self.timeout,
            request_timeout: self.timeout,
            idle_timeout: self.timeout,
            max_answer_bytes: ANSWER_BYTES,
        };
        let authority = format!("{}:{GATEWAY_PORT}", gateway_name(gateway));
        Client::new(self.net.clone(), authority).with_settings(settings)
    }
}

/// One call on its way.
struct Sent {
    client: ConfigstoreClient,
    ctx: Context,
    key: Option<String>,
}

impl Sent {
    fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    async fn of_user(&self, act: &Act) -> Result<Reply, ClientError> {
        let Sent { client, ctx, .. } = self;
        Ok(match act {
            Act::CreateUser { name } => {
                let new = NewUser { name: name.clone(), admin: false };
                let made = client.create_user(ctx, &new, self.key()).await?.body;
                named(made.id, &made.name)
            }
            Act::RenameUser { user, to } => {
                let change = UserChange { name: Some(to.clone()), ..UserChange::default() };
                let user = client.update_user(ctx, &reference(user), &change, None).await?.body;
                Reply::Changed { id: user.id, revision: user.revision }
            }
            Act::SetAdmin { user, admin } => {
                let change = UserChange { admin: Some(*admin), ..UserChange::default() };
                let user = client.update_user(ctx, &reference(user), &change, None).await?.body;
                Reply::Changed { id: user.id, revision: user.revision }
            }
            Act::DeleteUser { user } => {
                client.delete_user(ctx, &reference(user), None).await?;
                Reply::Done
            }
            Act::MakeToken { user, name } => {
                let new = NewToken { name: name.clone() };
                let made = client.create_token(ctx, &reference(user), &new, self.key()).await?;
                Reply::Token(Token { id: made.body.token.id, value: made.body.value })
            }
            Act::DropToken { user, token } => {
                client.delete_token(ctx, &reference(user), &Ref::Id(*token), None).await?;
                Reply::Done
            }
            _ => unreachable!("only calls on users come here"),
        })
    }

    async fn of_org(&self, act: &Act) -> Result<Reply, ClientError> {
        let Sent { client, ctx, .. } = self;
        Ok(match act {
            Act::CreateOrg { name } => {
                let visibility = Visibility::Private;
                let new = NewOrg { name: name.clone(), visibility, owner: None };
                let made = client.create_org(ctx, &new, self.key()).await?.body;
                named(made.id, &made.name)
            }
            Act::RenameOrg { org, to } => {
                let change = OrgChange { name: Some(to.clone()), ..OrgChange::default() };
                let org = client.update_org(ctx, &reference(org), &change, None).await?.body;
                Reply::Changed { id: org.id, revision: org.revision }
            }
            Act::DeleteOrg { org } => {
                client.delete_org(ctx, &Ref::Id(*org), None).await?;
                Reply::Done
            }
            Act::SetRole { org, user, role } => {
                let role = match role {
                    Role::Owner => types::Role::Owner,
                    Role::Member => types::Role::Member,
                };
                let (org, user) = (reference(org), reference(user));
                let member = client.put_member(ctx, &org, &user, role, None).await?.body;
                Reply::Changed { id: member.id, revision: member.revision }
            }
            Act::RemoveMember { org, user } => {
                client.delete_member(ctx, &reference(org), &reference(user), None).await?;
                Reply::Done
            }
            _ => unreachable!("only calls on organizations come here"),
        })
    }

    async fn of_group(&self, act: &Act) -> Result<Reply, ClientError> {
        let Sent { client, ctx, .. } = self;
        Ok(match act {
            Act::CreateGroup { parent, name, public } => {
                let (name, parent) = (name.clone(), parent.clone());
                let new = NewProjectGroup { name, parent, visibility: visibility(*public) };
                let made = client.create_project_group(ctx, &new, self.key()).await?.body;
                named(made.id, &made.name)
            }
            Act::RenameGroup { group, to } => {
                let name = Some(to.clone());
                let change = ProjectGroupChange { name, ..ProjectGroupChange::default() };
                self.change_group(group, &change).await?
            }
            Act::MoveGroup { group, parent } => {
                let parent = Some(parent.clone());
                let change = ProjectGroupChange { parent, ..ProjectGroupChange::default() };
                self.change_group(group, &change).await?
            }
            Act::DeleteGroup { group } => {
                client.delete_project_group(ctx, &TreeRef::Id(*group), None).await?;
                Reply::Done
            }
            Act::CreateSecret { group, name, text } => {
                let data = [("key".to_owned(), text.reveal())].into();
                let new = NewSecret { name: name.clone(), data };
                let at = ScopeRef::ProjectGroup(place(group));
                let made = client.create_in::<SecretKind>(ctx, &at, &new, self.key()).await?.body;
                named(made.id, &made.name)
            }
            Act::ListSecrets { group } => {
                let limit = Some(LIST_LIMIT.to_string());
                let list = ListQuery { limit, ..ListQuery::default() };
                let (at, query) =
                    (ScopeRef::ProjectGroup(place(group)), TreeQuery::new(list, false));
                let listed =
                    client.list_in::<SecretKind>(ctx, &at, &query).await?.items.into_iter();
                Reply::List(listed.map(|it| entry(it.id, &it.name)).collect())
            }
            _ => unreachable!("only calls on groups come here"),
        })
    }

    async fn of_project(&self, act: &Act) -> Result<Reply, ClientError> {
        let Sent { client, ctx, .. } = self;
        Ok(match act {
            Act::CreateProject { parent, name, public } => {
                let (name, parent) = (name.clone(), parent.clone());
                let visibility = visibility(*public);
                let new = NewProject { name, parent, visibility, ..NewProject::default() };
                let made = client.create_project(ctx, &new, self.key()).await?.body;
                named(made.id, &made.name)
            }
            Act::RenameProject { project, to } => {
                let change = ProjectChange { name: Some(to.clone()), ..ProjectChange::default() };
                self.change_project(project, &change).await?
            }
            Act::ChangeProject { project, branch, parent } => {
                let change = ProjectChange {
                    default_branch: Some(branch.clone()),
                    parent: parent.clone(),
                    ..ProjectChange::default()
                };
                self.change_project(project, &change).await?
            }
            Act::DeleteProject { project } => {
                client.delete_project(ctx, &TreeRef::Id(*project), None).await?;
                Reply::Done
            }
            Act::GetProject { project } => {
                let reads = Consistency::Linearizable;
                let found = client.project(ctx, &place(project), reads).await?.body;
                named(found.id, &found.name)
            }
            Act::ListProjects { group } => {
                let limit = Some(LIST_LIMIT.to_string());
                let query = ChildrenQuery { limit, ..ChildrenQuery::default() };
                let listed = client.projects(ctx, &place(group), &query).await?.items.into_iter();
                Reply::List(listed.map(|it| entry(it.id, &it.name)).collect())
            }
            _ => unreachable!("only calls on projects come here"),
        })
    }

    async fn change_group(
        &self,
        group: &str,
        change: &ProjectGroupChange,
    ) -> Result<Reply, ClientError> {
        let at = place(group);
        let changed = self.client.update_project_group(&self.ctx, &at, change, None).await?.body;
        Ok(Reply::Changed { id: changed.id, revision: changed.revision })
    }

    async fn change_project(
        &self,
        project: &str,
        change: &ProjectChange,
    ) -> Result<Reply, ClientError> {
        let at = place(project);
        let changed = self.client.update_project(&self.ctx, &at, change, None).await?.body;
        Ok(Reply::Changed { id: changed.id, revision: changed.revision })
    }
}

fn visibility(public: bool) -> Visibility {
    if public { Visibility::Public } else { Visibility::Private }
}

/// A path of the workload as a reference.
fn place(path: &str) -> TreeRef {
    path.parse().expect("a workload's paths are valid")
}

fn reference(name: &str) -> Ref {
    name.parse().expect("a workload's names are valid")
}

fn entry(id: Uuid, name: &impl ToString) -> Named {
    Named { id, name: name.to_string() }
}

fn named(id: Uuid, name: &impl ToString) -> Reply {
    Reply::Named { id, name: name.to_string() }
}
