//! What goes with an object that is deleted.

use drydock_api::configstore::scoped::{ScopeRef, SecretKind, VariableKind};
use drydock_api::configstore::types::{ChildrenQuery, TreeQuery};
use drydock_api::names::{Ref, TreeRef};
use drydock_http::api::page::Consistency;

use super::session::{Session, failed};
use crate::cli::exit::Failure;

/// The groups that are looked into at most; beyond, numbers are least ones.
const MAX_GROUPS: usize = 200;

pub async fn of_user(session: &Session, user: &Ref) -> Result<String, Failure> {
    let Session { objects, ctx, .. } = session;
    let found = objects.user(ctx, user, Consistency::Linearizable).await.map_err(failed)?.body;
    let tokens = session.all(async |query| objects.tokens(ctx, user, &query).await).await?.len();
    let below = below(session, tree("user", found.name.as_str())).await?;
    Ok(format!("user `{}` goes with {tokens} tokens, {below}", found.name))
}

pub async fn of_org(session: &Session, org: &Ref) -> Result<String, Failure> {
    let Session { objects, ctx, .. } = session;
    let found = objects.org(ctx, org, Consistency::Linearizable).await.map_err(failed)?.body;
    let members = session.all(async |query| objects.members(ctx, org, &query).await).await?.len();
    let below = below(session, tree("org", found.name.as_str())).await?;
    Ok(format!("organization `{}` goes with {members} memberships, {below}", found.name))
}

pub async fn of_group(session: &Session, group: &TreeRef) -> Result<String, Failure> {
    let Session { objects, ctx, .. } = session;
    let found = objects.project_group(ctx, group, Consistency::Linearizable).await;
    let path = found.map_err(failed)?.body.path;
    let below = below(session, group.clone()).await?;
    Ok(format!("project group `{path}` goes with {below}, and with all secrets and variables"))
}

pub async fn of_project(session: &Session, project: &TreeRef) -> Result<String, Failure> {
    let Session { objects, ctx, .. } = session;
    let found = objects.project(ctx, project, Consistency::Linearizable).await;
    let path = found.map_err(failed)?.body.path;
    let scope = ScopeRef::Project(project.clone());
    let here = |query| TreeQuery::new(query, false);
    let secrets = async |query| objects.list_in::<SecretKind>(ctx, &scope, &here(query)).await;
    let secrets = session.all(secrets).await?.len();
    let variables = async |query| objects.list_in::<VariableKind>(ctx, &scope, &here(query)).await;
    let variables = session.all(variables).await?.len();
    Ok(format!("project `{path}` goes with {secrets} secrets and {variables} variables"))
}

fn tree(kind: &str, name: &str) -> TreeRef {
    format!("{kind}/{name}").parse().expect("an owner's name is a path")
}

/// The numbers of groups and projects below a place of the tree.
async fn below(session: &Session, parent: TreeRef) -> Result<String, Failure> {
    let Session { objects, ctx, .. } = session;
    let mut open = vec![parent];
    let (mut groups, mut projects, mut looked) = (0, 0, 0);
    while let Some(parent) = open.pop().filter(|_| looked < MAX_GROUPS) {
        looked += 1;
        let query = |query| ChildrenQuery::new(query, None);
        let page = async |list| objects.subgroups(ctx, &parent, &query(list)).await;
        let found = session.all(page).await?;
        groups += found.len();
        open.extend(found.into_iter().map(|group| TreeRef::Id(group.id)));
        let page = async |list| objects.projects(ctx, &parent, &query(list)).await;
        projects += session.all(page).await?.len();
    }
    let least = if looked < MAX_GROUPS { "" } else { "at least " };
    Ok(format!("{least}{groups} project groups and {projects} projects"))
}
