//! `drydock cache`.

use crate::cli::exit::Failure;
use crate::cli::objects::session::{Session, failed};
use crate::cli::run_args::CacheAction;

const COLUMNS: [&str; 5] = ["id", "scope", "key", "size", "last_used_at"];

pub async fn run(session: Session, action: CacheAction) -> Result<(), Failure> {
    let (runs, ctx) = (session.gateway.runs(), &session.ctx);
    match action {
        CacheAction::List { project } => {
            let page = async |query| runs.caches(ctx, &project, &query).await;
            session.list(&session.all(page).await?, &COLUMNS)
        }
        CacheAction::Delete { project, entry } => {
            runs.delete_cache(ctx, &project, entry).await.map_err(failed)?;
            session.done(format!("deleted cache entry `{entry}`"))
        }
    }
}
