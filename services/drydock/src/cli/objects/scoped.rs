//! What `drydock secret` and `drydock variable` share.

use drydock_api::configstore::scoped::ScopedKind;
use drydock_api::configstore::types::TreeQuery;
use drydock_api::names::Ref;

use super::args::{ListOfScope, ScopeArgs};
use super::session::{Session, failed};
use crate::cli::exit::Failure;

/// A command on a secret or a variable, with the body to send.
pub enum ScopedAction<K: ScopedKind> {
    List(ListOfScope),
    Create(K::New, ScopeArgs),
    Update(Ref, K::Change, ScopeArgs),
    Delete(Ref, ScopeArgs),
}

pub async fn run<K: ScopedKind>(
    session: Session,
    noun: &str,
    action: ScopedAction<K>,
) -> Result<(), Failure> {
    let Session { objects, ctx, .. } = &session;
    match action {
        ScopedAction::List(ListOfScope { tree, scope }) => {
            let scope = scope.scope();
            let page =
                async |query| objects.list_in::<K>(ctx, &scope, &TreeQuery::new(query, tree)).await;
            session.list(&session.all(page).await?, &["name", "parent.path", "updated_at"])
        }
        ScopedAction::Create(new, scope) => {
            let created = objects.create_in::<K>(ctx, &scope.scope(), &new, None).await;
            session.show(&created.map_err(failed)?.body)
        }
        ScopedAction::Update(object, change, scope) => {
            let changed = objects.update_in::<K>(ctx, &scope.scope(), &object, &change, None).await;
            session.show(&changed.map_err(failed)?.body)
        }
        ScopedAction::Delete(object, scope) => {
            session.confirm(async { Ok(format!("{noun} `{object}` goes")) }).await?;
            let deleted = objects.delete_in::<K>(ctx, &scope.scope(), &object, None).await;
            deleted.map_err(failed)?;
            session.done(format!("deleted {noun} `{object}`"))
        }
    }
}
