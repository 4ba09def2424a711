use axum::response::Response;
use drydock_api::configstore::endpoints::project as failures;
use drydock_api::configstore::types::{NewProject, ProjectChange};
use drydock_api::configstore::validate;
use drydock_api::names::TreeRef;
use drydock_core::error::ActionError;
use drydock_core::store::StoreTx;
use drydock_http::api::creation::Created;
use drydock_http::api::page::ReadQuery;
use drydock_http::api::precondition::IfMatch;
use drydock_http::server::creation::Creation;
use drydock_http::server::error::OperationError;
use drydock_http::server::extract::{Json, Path, Query};
use drydock_http::server::reply;

use super::creation::answer_creation;
use super::reader::Reader;
use super::writer::Writer;
use crate::action::project as action;
use crate::record::Stored;

const DEFAULT_BRANCH: &str = "main";

pub async fn create(
    writer: Writer<failures::Create>,
    creation: Creation<NewProject>,
) -> Result<Response, OperationError<failures::Create>> {
    let new = new(creation.new)?;
    let work = move |tx: &mut StoreTx<'_>| {
        let (project, view) = action::create(tx, &new)?;
        let location = format!("/api/v1/projects/{}", project.id);
        Ok(Created::new(location, project.etag(), &view)?)
    };
    answer_creation(writer, creation.repeatable, work).await
}

pub async fn get(
    reader: Reader<failures::Get>,
    Path(project): Path<TreeRef>,
    Query(query): Query<ReadQuery>,
) -> Result<Response, OperationError<failures::Get>> {
    let read = reader.read(query.reads(), move |tx| {
        let project = action::find(tx, &project)?;
        Ok((project.etag(), action::view(tx, &project)?))
    });
    let (etag, view) = read.await?;
    Ok(reply::ok(&etag, &view))
}

pub async fn update(
    writer: Writer<failures::Update>,
    Path(project): Path<TreeRef>,
    if_match: IfMatch,
    Json(change): Json<ProjectChange>,
) -> Result<Response, OperationError<failures::Update>> {
    let change = self::change(change)?;
    let update = writer.transact(move |tx| action::update(tx, &project, &change, &if_match));
    let (project, view) = update.await?;
    Ok(reply::ok(&project.etag(), &view))
}

pub async fn delete(
    writer: Writer<failures::Delete>,
    Path(project): Path<TreeRef>,
    if_match: IfMatch,
) -> Result<Response, OperationError<failures::Delete>> {
    let delete = writer.transact(move |tx| action::delete(tx, &project, &if_match));
    delete.await?;
    Ok(reply::no_content())
}

fn new(new: NewProject) -> Result<action::New, ActionError<failures::Create>> {
    let branch = new.default_branch.unwrap_or_else(|| DEFAULT_BRANCH.to_owned());
    Ok(action::New {
        name: validate::name(&new.name)?,
        parent: validate::tree_ref("parent", &new.parent)?,
        visibility: new.visibility,
        remote_source: validate::optional_ref("remote_source", new.remote_source.as_deref())?,
        repository_path: validate::optional_text("repository_path", new.repository_path)?,
        members_can_run: new.members_can_run,
        pass_variables_to_forks: new.pass_variables_to_forks,
        default_branch: validate::text("default_branch", branch)?,
    })
}

fn change(change: ProjectChange) -> Result<action::Change, ActionError<failures::Update>> {
    let source = |text: Option<String>| validate::optional_ref("remote_source", text.as_deref());
    let path = |text: Option<String>| validate::optional_text("repository_path", text);
    Ok(action::Change {
        name: validate::optional_name(change.name.as_deref())?,
        parent: validate::optional_tree_ref("parent", change.parent.as_deref())?,
        visibility: change.visibility,
        remote_source: change.remote_source.map(source).transpose()?,
        repository_path: change.repository_path.map(path).transpose()?,
        members_can_run: change.members_can_run,
        pass_variables_to_forks: change.pass_variables_to_forks,
        default_branch: validate::optional_text("default_branch", change.default_branch)?,
    })
}
