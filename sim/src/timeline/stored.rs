//! The part of the timeline that lies in the object store: large commits and imported states.

use std::collections::BTreeSet;
use std::sync::Arc;

use drydock_core::checkpoint::{CheckpointError, Manifest, read_file, read_mutations};
use drydock_core::env::Env;
use drydock_core::error::BoxError;
use drydock_core::log::format::{ArchivedRecord, Body, CheckpointRecord, Commit, Head};
use drydock_core::log::keys::{ObjectKeys, Span};
use drydock_core::log::segment::{self, Chain, Segment};
use drydock_core::objects::{ObjectError, Objects};
use object_store::ObjectStore;
use object_store::path::Path;
use uuid::Uuid;

use crate::timeline::versions::{plain_commit, plain_mutations, plain_object};
use crate::timeline::{Archived, ObjectHistory, State, Timeline, entry};

/// Where to look.
pub struct Stored {
    /// Everything that ever was.
    pub object_history: ObjectHistory,
    /// What is there at the end.
    pub left: Arc<dyn ObjectStore>,
    pub env: Env,
    pub keys: ObjectKeys,
}

impl Stored {
    /// Reads what `timeline` names. What cannot be read is noted as damaged or missing.
    pub async fn add(&self, timeline: &mut Timeline) {
        let objects = &Objects::new(self.object_history.objects.clone(), self.env.clone());
        self.commits(objects, timeline).await;
        self.published(objects, timeline).await;
        self.segments(objects, timeline).await;
        self.logs(objects, timeline).await;
        self.archives(objects, timeline).await;
        if let Err(why) = self.left(timeline).await {
            timeline.missing.push(why.to_string());
        }
    }

    async fn commits(&self, objects: &Objects, timeline: &mut Timeline) {
        let keys = &self.keys;
        let commits: Vec<Commit> = timeline.commits.iter().map(|at| at.value.clone()).collect();
        for commit in commits {
            let failed = match &commit.body {
                Body::Mutations(_) => None,
                Body::Object(name) => match read_mutations(objects, keys, name).await {
                    Ok(mut actions) => {
                        plain_mutations(&mut actions, commit.schema);
                        timeline.stored.insert(commit.id, actions);
                        None
                    }
                    Err(error) => Some(error.to_string()),
                },
                Body::Switch { .. } => {
                    match state(objects, keys, commit.lineage, commit.position).await {
                        Ok((_, state)) => {
                            timeline.switched.insert(commit.id, state);
                            None
                        }
                        Err(error) => Some(error.to_string()),
                    }
                }
            };
            if let Some(failed) = failed {
                let text = format!("position {}: {failed}", commit.position);
                timeline.damaged.push(text);
            }
        }
    }

    async fn published(&self, objects: &Objects, timeline: &mut Timeline) {
        for at in timeline.checkpoints.clone() {
            let CheckpointRecord { lineage, position } = at.value;
            let key = self.keys.manifest(lineage, position);
            let found = match self.object_history.was_there(&key, at.seq) {
                true => state(objects, &self.keys, lineage, position).await,
                false => Err(CheckpointError::Objects(ObjectError::NotExist(key))),
            };
            let found = found.map_err(|error| error.to_string());
            timeline.published.entry((lineage, position)).or_insert(found);
        }
    }

    async fn logs(&self, objects: &Objects, timeline: &mut Timeline) {
        let folder = self.keys.all().join("logs");
        let named = |key: &Path| {
            let parts: Vec<_> = key.prefix_match(&folder)?.collect();
            let [attempt, object] = &parts[..] else { return None };
            Some(format!("{}/{}", attempt.as_ref(), object.as_ref()))
        };
        for key in objects.list(&folder).await.unwrap_or_default() {
            if let (Some(name), Ok(bytes)) = (named(&key), objects.get(&key).await) {
                timeline.logs.insert(name, bytes);
            }
        }
        let left = Objects::new(self.left.clone(), self.env.clone()).list(&folder).await;
        timeline.logs_left = left.unwrap_or_default().iter().filter_map(named).collect();
    }

    async fn archives(&self, objects: &Objects, timeline: &mut Timeline) {
        let (root, folder) = (self.keys.all(), self.keys.all().join("archives"));
        let named = |key: &Path| {
            let parts: Vec<_> = key.prefix_match(&root)?.collect();
            Some(parts.iter().map(AsRef::as_ref).collect::<Vec<_>>().join("/"))
        };
        for key in objects.list(&folder).await.unwrap_or_default() {
            if let (Some(name), Ok(bytes)) = (named(&key), objects.get(&key).await) {
                timeline.archives.insert(name, bytes);
            }
        }
        let left = Objects::new(self.left.clone(), self.env.clone()).list(&folder).await;
        timeline.archives_left = left.unwrap_or_default().iter().filter_map(named).collect();
    }

    async fn segments(&self, objects: &Objects, timeline: &mut Timeline) {
        let lineages: BTreeSet<Uuid> =
            timeline.heads.iter().map(|head| head.value.lineage).collect();
        let mut stored = Vec::new();
        for lineage in lineages {
            let spans = segment::list(objects, &self.keys, lineage, 0).await.unwrap_or_default();
            for span in spans {
                let key = self.keys.segment(lineage, span);
                match segment::read(objects, &self.keys, lineage, span).await {
                    Ok(segment) => {
                        let Segment { lineage, commits } = segment;
                        let commits = commits.into_iter().map(plain_commit).collect();
                        let segment = Segment { lineage, commits };
                        timeline.segments.push(Archived { name: key.to_string(), segment });
                        stored.push((lineage, span, key));
                    }
                    Err(error) => timeline.damaged.push(error.to_string()),
                }
            }
        }
        let switches =
            timeline.commits.iter().filter(|at| matches!(at.value.body, Body::Switch { .. }));
        let switches: BTreeSet<Uuid> = switches.map(|at| at.value.id).collect();
        for at in &timeline.archived {
            let ArchivedRecord { lineage, position, commit } = at.value;
            let holds = |(of, span, key): &(Uuid, Span, Path)| {
                *of == lineage
                    && (span.first..=span.last).contains(&position)
                    && self.object_history.was_there(key, at.seq)
            };
            let known = position > timeline.base_position();
            if known && !switches.contains(&commit) && !stored.iter().any(holds) {
                let text = format!("`archived` was moved to position {position} of {lineage}");
                timeline.too_early.push(text);
            }
        }
    }

    /// Whether what is left is enough to come back from, up to where the log is archived.
    async fn left(&self, timeline: &Timeline) -> Result<(), BoxError> {
        let objects = &Objects::new(self.left.clone(), self.env.clone());
        let head = timeline.heads.last().ok_or("no `head` was ever written")?;
        let lineage = head.value.lineage;
        let of_last = |era: usize| era + 1 == timeline.eras;
        let checkpoint = timeline.checkpoints.iter().rev().find(|at| of_last(at.era));
        let mut at = Head { lineage, position: 0, commit: lineage };
        if let Some(checkpoint) = checkpoint {
            let CheckpointRecord { lineage, position } = checkpoint.value;
            let (commit, _) = state(objects, &self.keys, lineage, position).await?;
            at = Head { lineage, position, commit };
        }
        let archived = timeline.archived.iter().rev().find(|at| of_last(at.era));
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
        let mut found = read_file(objects, keys, file).await?;
        found.iter_mut().for_each(|object| plain_object(object, manifest.schema));
        state.extend(found.iter().map(entry));
    }
    Ok((manifest.commit, state))
}
