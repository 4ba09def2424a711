//! The part of the truth that lies in the object store: large commits and imported states.

use std::collections::BTreeSet;
use std::sync::Arc;

use drydock_core::checkpoint::{CheckpointError, Manifest, read_file, read_mutations};
use drydock_core::env::Env;
use drydock_core::error::BoxError;
use drydock_core::log::format::{ArchivedRecord, Body, CheckpointRecord, Commit, Head};
use drydock_core::log::keys::{ObjectKeys, Span};
use drydock_core::log::segment::{self, Chain};
use drydock_core::objects::{ObjectError, Objects};
use object_store::ObjectStore;
use object_store::path::Path;
use uuid::Uuid;

use crate::fault::Kept;
use crate::truth::{Archived, State, Truth, entry};

/// Where to look.
pub struct Stored {
    /// Everything that ever was.
    pub kept: Kept,
    /// What is there at the end.
    pub left: Arc<dyn ObjectStore>,
    pub env: Env,
    pub keys: ObjectKeys,
}

impl Stored {
    /// Reads what `truth` names. What cannot be read is noted as damaged or missing.
    pub async fn add(&self, truth: &mut Truth) {
        let objects = &Objects::new(self.kept.objects.clone(), self.env.clone());
        self.commits(objects, truth).await;
        self.published(objects, truth).await;
        self.segments(objects, truth).await;
        if let Err(why) = self.left(truth).await {
            truth.missing.push(why.to_string());
        }
    }

    async fn commits(&self, objects: &Objects, truth: &mut Truth) {
        let keys = &self.keys;
        let commits: Vec<Commit> = truth.commits.iter().map(|at| at.value.clone()).collect();
        for commit in commits {
            let failed = match &commit.body {
                Body::Mutations(_) => None,
                Body::Object(name) => match read_mutations(objects, keys, name).await {
                    Ok(actions) => {
                        truth.stored.insert(commit.id, actions);
                        None
                    }
                    Err(error) => Some(error.to_string()),
                },
                Body::Switch { .. } => {
                    match state(objects, keys, commit.lineage, commit.position).await {
                        Ok((_, state)) => {
                            truth.switched.insert(commit.id, state);
                            None
                        }
                        Err(error) => Some(error.to_string()),
                    }
                }
            };
            if let Some(failed) = failed {
                let text = format!("position {}: {failed}", commit.position);
                truth.damaged.push(text);
            }
        }
    }

    async fn published(&self, objects: &Objects, truth: &mut Truth) {
        for at in truth.checkpoints.clone() {
            let CheckpointRecord { lineage, position } = at.value;
            let key = self.keys.manifest(lineage, position);
            let found = match self.kept.was_there(&key, at.seq) {
                true => state(objects, &self.keys, lineage, position).await,
                false => Err(CheckpointError::Objects(ObjectError::NotExist(key))),
            };
            let found = found.map_err(|error| error.to_string());
            truth.published.entry((lineage, position)).or_insert(found);
        }
    }

    async fn segments(&self, objects: &Objects, truth: &mut Truth) {
        let lineages: BTreeSet<Uuid> = truth.heads.iter().map(|head| head.value.lineage).collect();
        let mut stored = Vec::new();
        for lineage in lineages {
            let spans = segment::list(objects, &self.keys, lineage, 0).await.unwrap_or_default();
            for span in spans {
                let key = self.keys.segment(lineage, span);
                match segment::read(objects, &self.keys, lineage, span).await {
                    Ok(segment) => {
                        truth.segments.push(Archived { name: key.to_string(), segment });
                        stored.push((lineage, span, key));
                    }
                    Err(error) => truth.damaged.push(error.to_string()),
                }
            }
        }
        let switches =
            truth.commits.iter().filter(|at| matches!(at.value.body, Body::Switch { .. }));
        let switches: BTreeSet<Uuid> = switches.map(|at| at.value.id).collect();
        for at in &truth.archived {
            let ArchivedRecord { lineage, position, commit } = at.value;
            let holds = |(of, span, key): &(Uuid, Span, Path)| {
                *of == lineage
                    && (span.first..=span.last).contains(&position)
                    && self.kept.was_there(key, at.seq)
            };
            let known = position > truth.base_position();
            if known && !switches.contains(&commit) && !stored.iter().any(holds) {
                let text = format!("`archived` was moved to position {position} of {lineage}");
                truth.too_early.push(text);
            }
        }
    }

    /// Whether what is left is enough to come back from, up to where the log is archived.
    async fn left(&self, truth: &Truth) -> Result<(), BoxError> {
        let objects = &Objects::new(self.left.clone(), self.env.clone());
        let head = truth.heads.last().ok_or("no `head` was ever written")?;
        let lineage = head.value.lineage;
        let of_last = |era: usize| era + 1 == truth.eras;
        let checkpoint = truth.checkpoints.iter().rev().find(|at| of_last(at.era));
        let mut at = Head { lineage, position: 0, commit: lineage };
        if let Some(checkpoint) = checkpoint {
            let CheckpointRecord { lineage, position } = checkpoint.value;
            let (commit, _) = state(objects, &self.keys, lineage, position).await?;
            at = Head { lineage, position, commit };
        }
        let archived = truth.archived.iter().rev().find(|at| of_last(at.era));
        let archived = archived.map_or(0, |archived| archived.value.position);
        let mut chain = Chain::after(objects, &self.keys, at).await?;
        while chain.at().position < archived {
            if chain.next().await?.is_none() {
                let at = chain.at().position;
                return Err(format!("segments end at {at}, `archived` is {archived}").into());
            }
        }
        Ok(())
    }
}

/// The commit of a manifest and the state that it holds.
async fn state(
    objects: &Objects,
    keys: &ObjectKeys,
    lineage: Uuid,
    position: u64,
) -> Result<(Uuid, State), CheckpointError> {
    let manifest: Manifest = objects.get_envelope(&keys.manifest(lineage, position)).await?;
    let mut state = State::new();
    for file in &manifest.files {
        let found = read_file(objects, keys, file).await?;
        state.extend(found.iter().map(entry));
    }
    Ok((manifest.commit, state))
}
