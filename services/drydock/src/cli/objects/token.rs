//! `drydock token`.

use drydock_api::configstore::types::NewToken;
use drydock_api::names::Ref;

use super::args::{OfUser, TokenAction};
use super::session::{Session, failed};
use crate::cli::exit::Failure;

pub async fn run(session: Session, action: TokenAction) -> Result<(), Failure> {
    let Session { objects, ctx, .. } = &session;
    match action {
        TokenAction::List(of) => {
            let user = user(&session, of).await?;
            let page = async |query| objects.tokens(ctx, &user, &query).await;
            session.list(&session.all(page).await?, &["name", "last_used_at", "created_at"])
        }
        TokenAction::Create { name, of } => {
            let user = user(&session, of).await?;
            let new = NewToken { name: name.to_string() };
            let created = objects.create_token(ctx, &user, &new, None).await;
            session.show(&created.map_err(failed)?.body)
        }
        TokenAction::Delete { which: token, of } => {
            let user = user(&session, of).await?;
            session.confirm(async { Ok(format!("token `{token}` goes")) }).await?;
            objects.delete_token(ctx, &user, &token, None).await.map_err(failed)?;
            session.done(format!("deleted token `{token}`"))
        }
    }
}

async fn user(session: &Session, OfUser { user }: OfUser) -> Result<Ref, Failure> {
    match user {
        Some(user) => Ok(user),
        None => Ok(Ref::Id(session.gateway.me(&session.ctx).await.map_err(failed)?.body.id)),
    }
}
