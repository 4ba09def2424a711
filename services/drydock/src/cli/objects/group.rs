//! `drydock group`.

use drydock_api::configstore::types::{
    ChildrenQuery, NewProjectGroup, ProjectGroupChange, Visibility,
};
use drydock_http::api::page::Consistency;

use super::args::{GroupAction, TreeChange};
use super::contents;
use super::session::{Session, failed};
use crate::cli::exit::Failure;

pub async fn run(session: Session, action: GroupAction) -> Result<(), Failure> {
    let Session { objects, ctx, .. } = &session;
    match action {
        GroupAction::List { parent } => {
            let page = async |query| {
                objects.subgroups(ctx, &parent, &ChildrenQuery::new(query, None)).await
            };
            session.list(&session.all(page).await?, &["path", "effective_visibility", "id"])
        }
        GroupAction::Create { parent, name, visibility } => {
            let (name, parent) = (name.to_string(), parent.to_string());
            let new = NewProjectGroup { name, parent, visibility: visibility.into() };
            let created = objects.create_project_group(ctx, &new, None).await;
            session.show(&created.map_err(failed)?.body)
        }
        GroupAction::Show { group } => {
            let found = objects.project_group(ctx, &group, Consistency::Linearizable).await;
            session.show(&found.map_err(failed)?.body)
        }
        GroupAction::Update { group, change } => {
            let TreeChange { name, parent, visibility } = change;
            let change = ProjectGroupChange {
                name: name.map(|name| name.to_string()),
                parent: parent.map(|parent| parent.to_string()),
                visibility: visibility.map(Visibility::from),
            };
            let changed = objects.update_project_group(ctx, &group, &change, None).await;
            session.show(&changed.map_err(failed)?.body)
        }
        GroupAction::Delete { group } => {
            session.confirm(contents::of_group(&session, &group)).await?;
            objects.delete_project_group(ctx, &group, None).await.map_err(failed)?;
            session.done(format!("deleted project group `{group}`"))
        }
    }
}
