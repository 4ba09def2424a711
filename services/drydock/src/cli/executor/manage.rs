//! `drydock executor register`, `list`, `drain`, `enable` and `remove`.

use std::path::Path;

use drydock_api::runservice::types::{ExecutorChange, NewExecutor};
use drydock_core::context::Context;
use drydock_core::private;

use crate::cli::confirm::confirm;
use crate::cli::executor_args::ManageAction;
use crate::cli::exit::Failure;
use crate::cli::objects::session::{Session, failed, list, show};
use crate::cli::server_args::ServerArgs;
use crate::cli::{connect, output};

const COLUMNS: [&str; 7] = ["name", "labels", "arch", "limit", "active", "enabled", "drain"];

pub async fn run(action: ManageAction, server: &ServerArgs) -> Result<(), Failure> {
    let json = action.server().json;
    let (runs, ctx) = (connect::runservice(server)?, Context::background());
    match action {
        ManageAction::Register { name, labels, token_file, .. } => {
            let new = NewExecutor { name, labels: labels.into_iter().collect() };
            let made = runs.create_executor(&ctx, &new, None).await.map_err(failed)?.body;
            match token_file {
                None => show(json, &made),
                Some(path) => {
                    let folder = path.parent().unwrap_or(Path::new("."));
                    let made_folder = private::create_dir_all(folder);
                    made_folder
                        .and_then(|()| private::write(&path, made.token.as_bytes()))
                        .map_err(|error| {
                            Failure::because(format!("the token file `{}`", path.display()), error)
                        })?;
                    show(json, &made.executor)
                }
            }
        }
        ManageAction::List { .. } => {
            let page = async |query| runs.executors(&ctx, &query).await;
            list(json, &Session::pages(page).await?, &COLUMNS)
        }
        ManageAction::Drain { executor, .. } => {
            let change = ExecutorChange { drain: Some(true), enabled: None };
            let changed = runs.update_executor(&ctx, &executor, &change, None).await;
            show(json, &changed.map_err(failed)?.body)
        }
        ManageAction::Enable { executor, .. } => {
            let change = ExecutorChange { drain: Some(false), enabled: Some(true) };
            let changed = runs.update_executor(&ctx, &executor, &change, None).await;
            show(json, &changed.map_err(failed)?.body)
        }
        ManageAction::Remove { executor, yes, .. } => {
            confirm(&format!("executor `{executor}` goes, and its tasks are lost"), yes)?;
            runs.delete_executor(&ctx, &executor, None).await.map_err(failed)?;
            if json { Ok(()) } else { output::line(format!("removed executor `{executor}`")) }
        }
    }
}
