//! `drydock org`.

use drydock_api::configstore::types::{NewOrg, OrgChange, OrgsQuery, Visibility};
use drydock_http::api::page::Consistency;

use super::args::OrgAction;
use super::contents;
use super::session::{Session, failed};
use crate::cli::exit::Failure;

pub async fn run(session: Session, action: OrgAction) -> Result<(), Failure> {
    let Session { objects, ctx, .. } = &session;
    match action {
        OrgAction::List => {
            let page = async |query| objects.orgs(ctx, &OrgsQuery::new(query, None)).await;
            session.list(&session.all(page).await?, &["name", "visibility", "id"])
        }
        OrgAction::Create { name, visibility, owner } => {
            let owner = owner.map(|owner| owner.to_string());
            let new = NewOrg { name: name.to_string(), visibility: visibility.into(), owner };
            session.show(&objects.create_org(ctx, &new, None).await.map_err(failed)?.body)
        }
        OrgAction::Show { org } => {
            let found = objects.org(ctx, &org, Consistency::Linearizable).await;
            session.show(&found.map_err(failed)?.body)
        }
        OrgAction::Update { org, name, visibility } => {
            let name = name.map(|name| name.to_string());
            let change = OrgChange { name, visibility: visibility.map(Visibility::from) };
            let changed = objects.update_org(ctx, &org, &change, None).await;
            session.show(&changed.map_err(failed)?.body)
        }
        OrgAction::Delete { org } => {
            session.confirm(contents::of_org(&session, &org)).await?;
            objects.delete_org(ctx, &org, None).await.map_err(failed)?;
            session.done(format!("deleted organization `{org}`"))
        }
        OrgAction::Members { org } => {
            let page = async |query| objects.members(ctx, &org, &query).await;
            session.list(&session.all(page).await?, &["user.name", "role", "user.id"])
        }
        OrgAction::Join { org, user, role } => {
            let put = objects.put_member(ctx, &org, &user, role.into(), None).await;
            session.show(&put.map_err(failed)?.body)
        }
        OrgAction::Leave { org, user } => {
            objects.delete_member(ctx, &org, &user, None).await.map_err(failed)?;
            session.done(format!("user `{user}` is no member of organization `{org}` any more"))
        }
    }
}
