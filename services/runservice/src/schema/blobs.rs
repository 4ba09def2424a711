//! The blobs that attempts and entries of caches name, and the fate of the others.

use drydock_api::runservice::types::{LogState, RunId};
use drydock_core::db::{DbError, Tx};
use drydock_core::read_model::{Blob, BlobDigest, Blobs, Fate, OtherLineages};
use serde::de::DeserializeOwned;

use super::types::{ATTEMPTS, CACHES, RUNS};
use crate::blobs::{garbage, names, sealed};
use crate::record::{Attempt, Cache, Run};

pub const BLOBS: Blobs =
    Blobs { folders: &[names::LOGS, names::ARCHIVES, names::CACHES], named, unnamed };

fn named(tx: &Tx<'_>, kind: &str, data: &str) -> Result<Vec<Blob>, DbError> {
    match kind {
        ATTEMPTS => of_attempt(tx, parse(kind, data)?),
        CACHES => Ok(vec![of_cache(parse(kind, data)?)]),
        _ => Ok(Vec::new()),
    }
}

fn parse<T: DeserializeOwned>(kind: &str, data: &str) -> Result<T, DbError> {
    serde_json::from_str(data).map_err(|source| DbError::Decode {
        table: kind.to_owned(),
        id: String::new(),
        source,
    })
}

/// The complete logs and the archives of an attempt.
fn of_attempt(tx: &Tx<'_>, attempt: Attempt) -> Result<Vec<Blob>, DbError> {
    if attempt.sealed.is_empty() && attempt.archives.is_empty() {
        return Ok(Vec::new());
    }
    let run = run(tx, attempt.run)?;
    let of = format!("attempt {} of task `{}` of {run}", attempt.number, attempt.name);
    let folder = format!("{}/{}", names::LOGS, attempt.id);
    let logs = attempt.sealed.into_iter().map(|(step, log)| {
        let step = if step == "setup" { step } else { format!("step {step}") };
        let (digest, size) = (log.blake3, log.size);
        Blob {
            name: format!("{folder}/{}", log.object),
            size: log.stored,
            digest: BlobDigest::OfContent { digest, size, read: sealed::digest },
            title: format!("the log of {step} of {of}"),
            meaning: "this log cannot be read as a whole; nothing else depends on it",
        }
    });
    let archives = attempt.archives.into_iter().map(|(step, archive)| Blob {
        name: archive.object,
        size: archive.size,
        digest: BlobDigest::OfObject(archive.blake3),
        title: format!("the archive of step {step} of {of}"),
        meaning: "it cannot be read, and tasks that restore it fail; nothing else depends on it",
    });
    Ok(logs.chain(archives).collect())
}

fn run(tx: &Tx<'_>, id: RunId) -> Result<String, DbError> {
    let run: Option<Run> = tx.get(RUNS, id.0)?;
    let number = |run: Run| format!("run {} of project `{}`", run.number, run.project);
    Ok(run.map_or_else(|| format!("run `{id}`"), number))
}

fn of_cache(entry: Cache) -> Blob {
    let Cache { id, project, key, scope, .. } = entry;
    Blob {
        name: entry.object,
        size: entry.size,
        digest: BlobDigest::OfObject(entry.blake3),
        title: format!("cache entry `{id}` (`{key}` of {scope}) of project `{project}`"),
        meaning: "tasks go on without this entry; nothing else depends on it",
    }
}

fn unnamed(tx: &Tx<'_>, name: &str, others: OtherLineages) -> Result<Option<Fate>, DbError> {
    let Some((folder, attempt)) = names::parse(name) else { return Ok(None) };
    let attempt: Option<Attempt> = tx.get(ATTEMPTS, attempt.0)?;
    let Some(attempt) = attempt else {
        return Ok(Some(match others {
            OtherLineages::Kept => Fate::Kept,
            OtherLineages::None => Fate::Orphaned,
        }));
    };
    let (may_be_named, is_garbage) = match folder {
        names::LOGS => {
            let deletable = garbage::of_logs(attempt.log_state, others);
            let may_be_named = attempt.log_state == LogState::Live || attempt.denies_logs();
            (may_be_named, deletable.includes(name))
        }
        _ => (!attempt.phase.is_final(), garbage::deletes_uploads(&attempt, others)),
    };
    Ok(Some(match (may_be_named, is_garbage) {
        (true, _) => Fate::InProgress,
        (false, true) => Fate::Garbage,
        (false, false) => Fate::Kept,
    }))
}
