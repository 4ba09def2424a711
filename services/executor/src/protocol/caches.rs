//! What the executor does for steps that save and restore caches: it looks for what a step waits
//! for, and stores what steps have saved once the attempt has ended. A cache only saves time: no
//! attempt fails because the service cannot be reached, or has nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use drydock_api::runservice::client::{CacheDownload, ExecutorClient};
use drydock_api::runservice::types::{AttemptId, SaveCacheQuery, TaskName};
use drydock_core::context::Context;
use drydock_core::env::Rng;
use drydock_core::error::Chain;
use drydock_http::client::ClientError;
use futures_util::StreamExt;
use tokio::time::Instant;

use super::executor::Executor;
use super::pause::Pause;
use super::transfers::{Piecewise, is_final, patience};
use crate::attempt::{AttemptPhase, FoundCache, Frame, Outcome, SavedCache, WantedCache};
use crate::driver::{AttemptArchives, Driver};
use crate::journal::Records;

/// How long a step waits while the service cannot answer.
const ANSWER_TIME: Duration = Duration::from_secs(60);
/// The longest that the download of an entry may take.
const DOWNLOAD_TIME: Duration = Duration::from_secs(30 * 60);
/// How long a step that cannot be answered waits for the next try.
const DISK_TIME: Duration = Duration::from_secs(5);
/// How often the upload of an entry is tried.
const MAX_UPLOADS: u32 = 3;
const NOTHING: &str = "nothing is cached under these keys";
const DAMAGED: &str = "what is cached did not arrive as it was saved, so nothing is restored";

/// How far the caches of an attempt have come.
#[derive(Debug, Default)]
pub struct CacheProgress {
    /// The steps that have saved, and need nothing more.
    done: BTreeSet<String>,
    failures: u32,
    pub pause: Pause,
    /// After a look for a step that waits which has failed.
    look: Pause,
}

impl<D: Driver, R: Records> Executor<D, R> {
    /// Looks for what a step waits for.
    pub(super) fn answer_cache(&mut self, attempt: AttemptId) {
        let look = &mut self.known.entry(attempt).or_default().caches.look;
        if !look.is_over() || self.transfers.is_running(attempt) {
            return;
        }
        match self.transfers.archives().wanted_cache(attempt) {
            Ok(Some(wanted)) => self.transfers.find_cache(attempt, wanted),
            Ok(None) => look.end(),
            Err(error) => {
                tracing::warn!(%attempt, %error, "cannot see whether a step waits for a cache");
                look.lengthen(&mut self.rng);
            }
        }
    }

    /// Whether what an attempt has saved is stored or given up; if not, it is on its way.
    pub(super) fn are_caches_stored(&mut self, attempt: AttemptId, outcome: &Outcome) -> bool {
        let uploads = &mut self.known.entry(attempt).or_default().caches;
        let mut left = outcome.caches.clone();
        left.retain(|step, _| !uploads.done.contains(step));
        let is_wanted = outcome.phase != AttemptPhase::Stopped && uploads.failures < MAX_UPLOADS;
        if left.is_empty() || !is_wanted {
            return true;
        }
        if uploads.pause.is_over() && !self.transfers.is_running(attempt) {
            self.transfers.upload_caches(attempt, left);
        }
        false
    }

    /// Takes the end of an upload.
    pub(super) fn cached(
        &mut self,
        attempt: AttemptId,
        done: BTreeSet<String>,
        error: Option<&ClientError>,
    ) {
        let uploads = &mut self.known.entry(attempt).or_default().caches;
        uploads.done.extend(done);
        let Some(error) = error else { return };
        tracing::warn!(%attempt, error = %Chain(error), "what it has saved is not cached");
        uploads.failures = if is_final(error) { MAX_UPLOADS } else { uploads.failures + 1 };
        uploads.pause.lengthen(&mut self.rng);
    }
}

/// Stores what steps have saved; answers the steps of which nothing more is to be done, and the
/// error of the one after them.
pub async fn upload(
    client: &ExecutorClient,
    archives: &Arc<dyn AttemptArchives>,
    attempt: AttemptId,
    saved: BTreeMap<String, SavedCache>,
) -> (BTreeSet<String>, Option<ClientError>) {
    let mut done = BTreeSet::new();
    for (step, SavedCache { key, offset, archive }) in saved {
        let Ok(number) = step.parse() else { continue };
        let piecewise = Piecewise { archives: Arc::clone(archives), attempt, step: number };
        let body = piecewise.body(offset..offset + archive.size);
        let ctx = Context::background().timeout(patience(archive.size));
        let query = SaveCacheQuery { key, size: archive.size, blake3: archive.blake3 };
        match client.put_cache(&ctx, attempt, &query, body).await {
            Ok(_) => drop(done.insert(step)),
            Err(error) => return (done, Some(error)),
        }
    }
    (done, None)
}

/// The search for what a step waits for.
pub struct Finding {
    pub client: ExecutorClient,
    pub archives: Arc<dyn AttemptArchives>,
    pub attempt: AttemptId,
    pub wanted: WantedCache,
    pub rng: Rng,
}

impl Finding {
    /// Answers the step, with what is cached or with why it gets nothing.
    pub async fn run(mut self) {
        let (attempt, step) = (self.attempt, self.wanted.step);
        let why = match self.find().await {
            Ok(true) => return,
            Ok(false) => NOTHING.to_owned(),
            Err(FindError::Damaged) => DAMAGED.to_owned(),
            Err(FindError::Call(error)) => {
                format!("the cache cannot be read, so nothing is restored: {error}")
            }
            Err(FindError::Disk(error)) => {
                format!("the cache cannot be kept here, so nothing is restored: {error}")
            }
        };
        if let Err(error) = self.archives.no_cache(attempt, step, &why) {
            tracing::warn!(%attempt, %error, "a step that waits for a cache is not answered");
            // The step goes on waiting, so it is found again as soon as this ends.
            tokio::time::sleep(DISK_TIME).await;
        }
    }

    /// Tries until there is an answer, or has been none for too long.
    async fn find(&mut self) -> Result<bool, FindError> {
        let until = Instant::now() + ANSWER_TIME;
        let mut pause = Pause::default();
        loop {
            let ctx = Context::background().timeout(DOWNLOAD_TIME);
            match self.once(&ctx).await {
                Err(FindError::Call(error)) if !is_final(&error) && Instant::now() < until => {
                    pause.lengthen(&mut self.rng);
                    let next = pause.until().unwrap_or_else(Instant::now);
                    tokio::time::sleep_until(next.min(until)).await;
                }
                done => return done,
            }
        }
    }

    /// Whether there was something.
    async fn once(&self, ctx: &Context) -> Result<bool, FindError> {
        let found = self.client.cache(ctx, self.attempt, &self.wanted.keys).await?;
        let Some(CacheDownload { key, scope, size, blake3, mut bytes }) = found else {
            return Ok(false);
        };
        let mut file = self.archives.begin_cache(self.attempt, self.wanted.step)?;
        file.write(&FoundCache { key, scope }.line())?;
        let task: TaskName = "cache".parse().expect("it is a name");
        file.write(&Frame { task, above: BTreeSet::new(), size }.line())?;
        let (mut hasher, mut arrived) = (blake3::Hasher::new(), 0);
        while let Some(piece) = bytes.next().await {
            let piece = piece?;
            arrived += piece.len() as u64;
            hasher.update(&piece);
            if arrived > size {
                break;
            }
            file.write(&piece)?;
        }
        if arrived != size || hasher.finalize().to_hex().as_str() != blake3 {
            return Err(FindError::Damaged);
        }
        file.finish()?;
        Ok(true)
    }
}

/// Why a step gets nothing.
#[derive(Debug, thiserror::Error)]
enum FindError {
    #[error(transparent)]
    Call(#[from] ClientError),
    #[error("what is cached is damaged")]
    Damaged,
    #[error("what is cached cannot be kept")]
    Disk(#[from] std::io::Error),
}
