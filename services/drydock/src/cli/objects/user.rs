//! `drydock user`.

use drydock_api::configstore::types::{NewUser, UserChange};
use drydock_http::api::page::Consistency;

use super::args::UserAction;
use super::contents;
use super::session::{Session, failed};
use crate::cli::exit::Failure;

pub async fn run(session: Session, action: UserAction) -> Result<(), Failure> {
    let Session { gateway, objects, ctx, .. } = &session;
    match action {
        UserAction::Me => session.show(&gateway.me(ctx).await.map_err(failed)?.body),
        UserAction::List => {
            let users = session.all(async |query| objects.users(ctx, &query).await).await?;
            session.list(&users, &["name", "admin", "id"])
        }
        UserAction::Create { name, admin } => {
            let new = NewUser { name: name.to_string(), admin };
            session.show(&objects.create_user(ctx, &new, None).await.map_err(failed)?.body)
        }
        UserAction::Show { user } => {
            let found = objects.user(ctx, &user, Consistency::Linearizable).await;
            session.show(&found.map_err(failed)?.body)
        }
        UserAction::Rename { user, name } => {
            let change = UserChange { name: Some(name.to_string()), admin: None };
            let changed = objects.update_user(ctx, &user, &change, None).await;
            session.show(&changed.map_err(failed)?.body)
        }
        UserAction::Delete { user } => {
            session.confirm(contents::of_user(&session, &user)).await?;
            objects.delete_user(ctx, &user, None).await.map_err(failed)?;
            session.done(format!("deleted user `{user}`"))
        }
    }
}
