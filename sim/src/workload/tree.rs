//! Calls on the tree, made and sent. Few names and few places: calls meet each other.

use drydock_api::configstore::client::ConfigstoreClient;
use drydock_api::configstore::scoped::{ScopeRef, SecretKind, VariableKind};
use drydock_api::configstore::types::{
    ChildrenQuery, EnvironmentQuery, NewProject, NewProjectGroup, NewSecret, NewVariable,
    ProjectGroupChange, SecretChange, VariableValue, Visibility,
};
use drydock_api::names::{Ref, TreeRef};
use drydock_core::context::Context;
use drydock_http::api::page::Consistency;
use drydock_http::client::ClientError;

use super::Session;
use crate::history::{Named, Reply, Text, TreeCall};
use crate::plan::{OpKind, Plan};

/// Groups have these names, as many as two below each other when they are made.
const GROUPS: u64 = 3;
const PROJECTS: u64 = 2;
/// The key in a secret's data.
const KEY: &str = "key";
const LIST_LIMIT: usize = 100;

/// A call of this kind, if it is one on the tree.
pub fn make(plan: &Plan, session: &Session, kind: OpKind) -> Option<TreeCall> {
    let group = || group(plan, session);
    let project = || format!("{}/project-{}", group(), session.draw(1, PROJECTS));
    let text = || Text(session.draw(0, u64::from(u32::MAX)));
    let name = || ["deploy", "sign"][session.draw(0, 1) as usize].to_owned();
    Some(match kind {
        OpKind::CreateGroup => TreeCall::CreateGroup {
            parent: group(),
            name: format!("group-{}", session.draw(1, GROUPS)),
        },
        OpKind::MoveGroup => TreeCall::MoveGroup { group: group(), parent: group() },
        OpKind::DeleteGroup => TreeCall::DeleteGroup { group: group() },
        OpKind::ListGroups => TreeCall::ListGroups { group: group() },
        OpKind::CreateProject => TreeCall::CreateProject {
            parent: group(),
            name: format!("project-{}", session.draw(1, PROJECTS)),
        },
        OpKind::GetProject => TreeCall::GetProject { project: project() },
        OpKind::DeleteProject => TreeCall::DeleteProject { project: project() },
        OpKind::CreateSecret => {
            TreeCall::CreateSecret { group: group(), name: name(), text: text() }
        }
        OpKind::ChangeSecret => {
            TreeCall::ChangeSecret { group: group(), name: name(), text: text() }
        }
        OpKind::CreateVariable => TreeCall::CreateVariable { group: group(), name: name() },
        OpKind::Environment => TreeCall::Environment { project: project() },
        _ => return None,
    })
}

/// The path of a root group, or of one up to two below it.
fn group(plan: &Plan, session: &Session) -> String {
    let mut path = match session.draw(0, 2) {
        0 => format!("user/user-{}", session.draw(1, plan.workload.users as u64)),
        _ => format!("org/org-{}", session.draw(1, plan.workload.orgs as u64)),
    };
    for _ in 0..session.draw(0, 2) {
        path += &format!("/group-{}", session.draw(1, GROUPS));
    }
    path
}

/// Sends it with the product's own client.
pub async fn send(
    client: &ConfigstoreClient,
    ctx: &Context,
    call: &TreeCall,
) -> Result<Reply, ClientError> {
    Ok(match call {
        TreeCall::CreateGroup { parent, name } => {
            let (name, parent) = (name.clone(), parent.clone());
            let new = NewProjectGroup { name, parent, visibility: Visibility::Public };
            let made = client.create_project_group(ctx, &new, None).await?.body;
            Reply::Named { id: made.id, name: made.name }
        }
        TreeCall::MoveGroup { group, parent } => {
            let parent = Some(parent.clone());
            let change = ProjectGroupChange { parent, ..ProjectGroupChange::default() };
            client.update_project_group(ctx, &place(group), &change, None).await?;
            Reply::Done
        }
        TreeCall::DeleteGroup { group } => {
            client.delete_project_group(ctx, &place(group), None).await?;
            Reply::Done
        }
        TreeCall::ListGroups { group } => {
            let whole =
                ChildrenQuery { limit: Some(LIST_LIMIT.to_string()), ..ChildrenQuery::default() };
            let page = client.subgroups(ctx, &place(group), &whole).await?;
            let groups = page.items.into_iter();
            Reply::List(groups.map(|it| Named { id: it.id, name: it.name }).collect())
        }
        TreeCall::CreateProject { parent, name } => {
            let (name, parent) = (name.clone(), parent.clone());
            let new = NewProject { name, parent, ..NewProject::default() };
            let made = client.create_project(ctx, &new, None).await?.body;
            Reply::Named { id: made.id, name: made.name.to_string() }
        }
        TreeCall::GetProject { project } => {
            let reads = Consistency::Linearizable;
            let found = client.project(ctx, &place(project), reads).await?.body;
            Reply::Named { id: found.id, name: found.name.to_string() }
        }
        TreeCall::DeleteProject { project } => {
            client.delete_project(ctx, &place(project), None).await?;
            Reply::Done
        }
        _ => return send_secret(client, ctx, call).await,
    })
}

async fn send_secret(
    client: &ConfigstoreClient,
    ctx: &Context,
    call: &TreeCall,
) -> Result<Reply, ClientError> {
    let data = |text: &Text| [(KEY.to_owned(), text.reveal())].into();
    match call {
        TreeCall::CreateSecret { group, name, text } => {
            let new = NewSecret { name: name.clone(), data: data(text) };
            client
                .create_in::<SecretKind>(ctx, &ScopeRef::ProjectGroup(place(group)), &new, None)
                .await?;
        }
        TreeCall::ChangeSecret { group, name, text } => {
            let change = SecretChange { data: Some(data(text)), ..SecretChange::default() };
            let (at, name) = (ScopeRef::ProjectGroup(place(group)), named(name));
            client.update_in::<SecretKind>(ctx, &at, &name, &change, None).await?;
        }
        TreeCall::CreateVariable { group, name } => {
            let secret_name = name.parse().expect("a workload's names are valid");
            let value = VariableValue { secret_name, secret_var: KEY.to_owned(), when: None };
            let new = NewVariable { name: name.clone(), values: vec![value] };
            client
                .create_in::<VariableKind>(ctx, &ScopeRef::ProjectGroup(place(group)), &new, None)
                .await?;
        }
        TreeCall::Environment { project } => {
            let query = EnvironmentQuery::default();
            let found = client.run_environment(ctx, &place(project), &query).await?;
            let variables = found.variables.into_iter();
            return Ok(Reply::Environment(
                variables.map(|(name, text)| (name.to_string(), text)).collect(),
            ));
        }
        _ => unreachable!("`send` takes all others"),
    }
    Ok(Reply::Done)
}

/// A path of the workload as a reference.
fn place(path: &str) -> TreeRef {
    path.parse().expect("a workload's paths are valid")
}

fn named(name: &str) -> Ref {
    name.parse().expect("a workload's names are valid")
}
