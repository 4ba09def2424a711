//! `drydock remote-source`.

use drydock_api::configstore::types::{NewRemoteSource, RemoteSourceChange};
use drydock_http::api::page::Consistency;

use super::args::RemoteSourceAction;
use super::session::{Session, failed};
use crate::cli::exit::Failure;

pub async fn run(session: Session, action: RemoteSourceAction) -> Result<(), Failure> {
    let Session { objects, ctx, .. } = &session;
    match action {
        RemoteSourceAction::List => {
            let page = async |query| objects.remote_sources(ctx, &query).await;
            session.list(&session.all(page).await?, &["name", "kind", "auth_kind", "api_url"])
        }
        RemoteSourceAction::Create { name, url, kind, auth } => {
            let new = NewRemoteSource {
                name: name.to_string(),
                api_url: url,
                kind: kind.into(),
                auth_kind: auth.into(),
            };
            session.show(&objects.create_remote_source(ctx, &new, None).await.map_err(failed)?.body)
        }
        RemoteSourceAction::Show { source } => {
            let found = objects.remote_source(ctx, &source, Consistency::Linearizable).await;
            session.show(&found.map_err(failed)?.body)
        }
        RemoteSourceAction::Update { source, name, url, kind, auth } => {
            let change = RemoteSourceChange {
                name: name.map(|name| name.to_string()),
                api_url: url,
                kind: kind.map(Into::into),
                auth_kind: auth.map(Into::into),
            };
            let changed = objects.update_remote_source(ctx, &source, &change, None).await;
            session.show(&changed.map_err(failed)?.body)
        }
        RemoteSourceAction::Delete { source } => {
            session.confirm(async { Ok(format!("remote source `{source}` goes")) }).await?;
            objects.delete_remote_source(ctx, &source, None).await.map_err(failed)?;
            session.done(format!("deleted remote source `{source}`"))
        }
    }
}
