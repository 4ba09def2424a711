//! One archiver, from taking a ballot to giving it up: who may say that something is archived.
//!
//! Invariants: a ballot is announced before its archiver reads what objects hold; it goes on only
//! with a log that holds that; it stores commits of one course of the log only; and nothing is
//! published once a higher ballot is announced. So whatever was published is on the path that
//! every later archiver finds, however often the coordination store is set back or lost, and
//! whatever stands still or arrives late. The proof: docs/decisions/0019.
//!
//! The lock of the background task only keeps two from doing the same work.

use rand::RngExt;
use uuid::Uuid;

use super::notes::{self, Note};
use super::proof;
use crate::checkpoint::Manifest;
use crate::log::ballot::Ballot;
use crate::log::format::Head;
use crate::read_model::StoreError;
use crate::read_model::base::StoreBase;
use crate::read_model::load::Start;

#[derive(Debug)]
pub struct Tenure {
    pub(crate) ballot: Ballot,
    pub(crate) lineage: Uuid,
    /// The last commit that it read or stored, or may have stored. It goes on from there.
    pub(crate) end: Head,
    /// The lineage's first state, which is archived with the note.
    pub(crate) first: Head,
}

impl Tenure {
    /// Takes a ballot and notes the lineage in force: from then on it is what is recovered.
    pub(crate) async fn begin(store: &StoreBase) -> Result<Tenure, StoreError> {
        let (objects, keys, env) = (&store.objects, &store.object_keys, &store.env);
        let before = notes::notes(objects, keys).await?;
        let number = before.iter().map(|note| note.ballot.number).max().unwrap_or(0) + 1;
        // From a stream of its own: an archiver shifts no id of an object.
        let random: [u8; 16] = env.rng("ballot").random();
        let session = uuid::Builder::from_random_bytes(random).into_uuid();
        let ballot = Ballot { number, session };
        notes::announce(objects, keys, ballot).await?;
        env.point("archive.announced").await?;
        let mut start = Start::read(store).await?.ok_or(StoreError::NotReady)?;
        let proof = proof::read(store, &start).await?;
        if !proof.is_held_by(store, &start).await? {
            // The log may have gone on meanwhile.
            start = Start::read(store).await?.ok_or(StoreError::NotReady)?;
            if !proof.is_held_by(store, &start).await? {
                if let Some(end) = proof.end {
                    proof::is_ours(store, &start.head, &end).await?;
                }
                return Err(StoreError::SetBack);
            }
        }
        let lineage = start.head.lineage;
        let first = first_of(store, &start).await?;
        let end = proof.end.filter(|end| end.lineage == lineage).unwrap_or(first);
        env.point("archive.before_note").await?;
        notes::note(objects, keys, ballot, lineage).await?;
        env.point("archive.after_note").await?;
        let tenure = Tenure { ballot, lineage, end, first };
        tenure.check(store).await?;
        Ok(tenure)
    }

    /// Fails if somebody else has begun since, who need not have seen what this one stored.
    pub(crate) async fn check(&self, store: &StoreBase) -> Result<(), StoreError> {
        let notes = notes::notes(&store.objects, &store.object_keys).await?;
        let higher = |note: &Note| note.ballot > self.ballot;
        if notes.iter().any(higher) { Err(StoreError::Fenced) } else { Ok(()) }
    }
}

/// The first commit of the lineage in force, or one that is published already.
async fn first_of(store: &StoreBase, start: &Start) -> Result<Head, StoreError> {
    let lineage = start.head.lineage;
    if let Some(published) = start.published() {
        return Ok(published);
    }
    match start.checkpoint.filter(|checkpoint| checkpoint.lineage == lineage) {
        // No other is published before the lineage is.
        Some(checkpoint) => {
            let key = store.object_keys.manifest(lineage, checkpoint.position);
            Ok(store.objects.get_envelope::<Manifest>(&key).await?.head())
        }
        // That of a first boot.
        None => Ok(Head { lineage, position: 0, commit: lineage }),
    }
}
