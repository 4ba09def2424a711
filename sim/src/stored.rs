//! The part of the truth that lies in the object store: large commits and imported states.

use std::sync::Arc;

use drydock_core::env::Env;
use drydock_core::log::checkpoint::{CheckpointError, Manifest, read_actions, read_file};
use drydock_core::log::format::{Body, Commit};
use drydock_core::log::keys::ObjectKeys;
use drydock_core::objects::Objects;
use object_store::ObjectStore;

use crate::truth::{State, Truth, entry};

/// Reads what the commits of `truth` name. What cannot be read is noted as damaged.
pub async fn add(truth: &mut Truth, store: Arc<dyn ObjectStore>, env: Env, keys: &ObjectKeys) {
    let objects = Objects::new(store, env);
    let commits: Vec<Commit> = truth.commits.iter().map(|at| at.value.clone()).collect();
    for commit in commits {
        let failed = match &commit.body {
            Body::Actions(_) => None,
            Body::Object(name) => match read_actions(&objects, keys, name).await {
                Ok(actions) => {
                    truth.stored.insert(commit.id, actions);
                    None
                }
                Err(error) => Some(error.to_string()),
            },
            Body::Switch { .. } => match imported(&objects, keys, &commit).await {
                Ok(state) => {
                    truth.switched.insert(commit.id, state);
                    None
                }
                Err(error) => Some(error.to_string()),
            },
        };
        if let Some(failed) = failed {
            let text = format!("position {}: {failed}", commit.position);
            truth.damaged.push(text);
        }
    }
}

async fn imported(
    objects: &Objects,
    keys: &ObjectKeys,
    commit: &Commit,
) -> Result<State, CheckpointError> {
    let key = keys.manifest(commit.lineage, commit.position);
    let manifest: Manifest = objects.get_sealed(&key).await?;
    let mut state = State::new();
    for file in &manifest.files {
        let found = read_file(objects, keys, file).await?;
        state.extend(found.iter().map(entry));
    }
    Ok(state)
}
