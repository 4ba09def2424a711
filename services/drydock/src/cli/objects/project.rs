//! `drydock project`.

use drydock_api::configstore::types::{ChildrenQuery, NewProject, ProjectChange, Visibility};
use drydock_http::api::page::Consistency;

use super::args::{ProjectAction, TreeChange};
use super::contents;
use super::session::{Session, failed};
use crate::cli::exit::Failure;

pub async fn run(session: Session, action: ProjectAction) -> Result<(), Failure> {
    let Session { objects, ctx, .. } = &session;
    match action {
        ProjectAction::List { parent } => {
            let page = async |query| {
                objects.projects(ctx, &parent, &ChildrenQuery::new(query, None)).await
            };
            session.list(&session.all(page).await?, &["path", "effective_visibility", "id"])
        }
        ProjectAction::Create { parent, name, visibility, remote_source, repository } => {
            let new = NewProject {
                name: name.to_string(),
                parent: parent.to_string(),
                visibility: visibility.into(),
                remote_source: remote_source.map(|source| source.to_string()),
                repository_path: repository,
                ..NewProject::default()
            };
            session.show(&objects.create_project(ctx, &new, None).await.map_err(failed)?.body)
        }
        ProjectAction::Show { project } => {
            let found = objects.project(ctx, &project, Consistency::Linearizable).await;
            session.show(&found.map_err(failed)?.body)
        }
        ProjectAction::Update { project, change } => {
            let TreeChange { name, parent, visibility } = change;
            let change = ProjectChange {
                name: name.map(|name| name.to_string()),
                parent: parent.map(|parent| parent.to_string()),
                visibility: visibility.map(Visibility::from),
                ..ProjectChange::default()
            };
            let changed = objects.update_project(ctx, &project, &change, None).await;
            session.show(&changed.map_err(failed)?.body)
        }
        ProjectAction::Delete { project } => {
            session.confirm(contents::of_project(&session, &project)).await?;
            objects.delete_project(ctx, &project, None).await.map_err(failed)?;
            session.done(format!("deleted project `{project}`"))
        }
    }
}
