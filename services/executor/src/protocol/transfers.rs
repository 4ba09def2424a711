//! Archives on their way: what attempts have saved, and what they restore. Each attempt has at most
//! one task of its own, apart from everything else that the executor does.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use drydock_api::runservice::client::ExecutorClient;
use drydock_api::runservice::types::{
    ArchiveReport, AttemptId, LogReport, RestoredArchive, UploadQuery,
};
use drydock_core::context::Context;
use drydock_core::env::{Env, Rng};
use drydock_core::error::{BoxError, Chain, Kind};
use drydock_http::client::ClientError;
use futures_util::{StreamExt, stream};
use tokio::task::{AbortHandle, Id, JoinSet};
use tokio::time::Instant;

use super::caches::{self, Finding};
use super::pause::Pause;
use crate::attempt::{Frame, SavedCache, WantedCache};
use crate::driver::AttemptArchives;

/// The bytes that are read and sent at a time.
const PIECE: u64 = 256 << 10;
/// A transfer may take this long, and a second more for each of so many bytes.
const LEAST_TIME: Duration = Duration::from_secs(60);
const BYTES_A_SECOND: u64 = 1 << 20;

/// What became of a task.
pub enum Transferred {
    /// These are stored. The error is that of the one after them.
    Uploaded(BTreeMap<String, ArchiveReport>, Option<UploadError>),
    Restored(Result<(), RestoreError>),
    /// What these steps have saved is cached. The error is that of the one after them.
    Cached(BTreeSet<String>, Option<ClientError>),
    /// The task has ended without an answer.
    Ended,
}

#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    #[error(transparent)]
    Call(#[from] ClientError),
    #[error("`{0}` is no number of a step")]
    Step(String),
}

/// Why an attempt cannot restore.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    #[error("what `{task}` has saved in step {step} cannot be had: {source}")]
    Missing { task: String, step: String, source: ClientError },
    #[error("what `{task}` has saved in step {step} is damaged")]
    Damaged { task: String, step: String },
    #[error("what is to be restored cannot be kept")]
    Disk(#[from] std::io::Error),
    #[error("what is to be restored did not come in time")]
    Late,
}

pub struct Transfers {
    env: Env,
    client: ExecutorClient,
    archives: Arc<dyn AttemptArchives>,
    running: BTreeMap<Id, AttemptId>,
    aborts: BTreeMap<AttemptId, AbortHandle>,
    /// They end with this.
    tasks: JoinSet<Transferred>,
}

impl Transfers {
    pub fn new(env: &Env, client: ExecutorClient, archives: Arc<dyn AttemptArchives>) -> Transfers {
        Transfers {
            env: env.clone(),
            client,
            archives,
            running: BTreeMap::new(),
            aborts: BTreeMap::new(),
            tasks: JoinSet::new(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    pub fn is_running(&self, attempt: AttemptId) -> bool {
        self.aborts.contains_key(&attempt)
    }

    /// Begins to upload what steps have saved.
    pub fn upload(&mut self, attempt: AttemptId, saved: BTreeMap<String, LogReport>) {
        let (client, archives) = (self.client.clone(), Arc::clone(&self.archives));
        let task = async move {
            let mut uploaded = BTreeMap::new();
            for (step, report) in saved {
                match upload(&client, &archives, (attempt, &step), &report).await {
                    Ok(archive) => drop(uploaded.insert(step, archive)),
                    Err(error) => return Transferred::Uploaded(uploaded, Some(error)),
                }
            }
            Transferred::Uploaded(uploaded, None)
        };
        self.begin(attempt, task);
    }

    /// Begins to look for what a step waits for.
    pub fn find_cache(&mut self, attempt: AttemptId, wanted: WantedCache) {
        let (client, archives) = (self.client.clone(), Arc::clone(&self.archives));
        let rng = self.env.rng("executor.cache");
        let finding = Finding { client, archives, attempt, wanted, rng };
        self.begin(attempt, async move {
            finding.run().await;
            Transferred::Ended
        });
    }

    /// Begins to upload what steps have saved for the cache.
    pub fn upload_caches(&mut self, attempt: AttemptId, saved: BTreeMap<String, SavedCache>) {
        let (client, archives) = (self.client.clone(), Arc::clone(&self.archives));
        self.begin(attempt, async move {
            let (done, error) = caches::upload(&client, &archives, attempt, saved).await;
            Transferred::Cached(done, error)
        });
    }

    pub fn archives(&self) -> &dyn AttemptArchives {
        &*self.archives
    }

    /// Begins to download what an attempt restores. It is tried until this moment.
    pub fn restore(&mut self, attempt: AttemptId, wanted: Vec<RestoredArchive>, until: Instant) {
        let restoring = Restoring {
            client: self.client.clone(),
            archives: Arc::clone(&self.archives),
            attempt,
            rng: self.env.rng("executor.restore"),
            until,
        };
        self.begin(attempt, async move { Transferred::Restored(restoring.run(&wanted).await) });
    }

    fn begin(
        &mut self,
        attempt: AttemptId,
        task: impl Future<Output = Transferred> + Send + 'static,
    ) {
        let abort = self.tasks.spawn(task);
        self.running.insert(abort.id(), attempt);
        self.aborts.insert(attempt, abort);
    }

    /// Ends what is on its way for an attempt.
    pub fn abort(&mut self, attempt: AttemptId) {
        if let Some(abort) = self.aborts.remove(&attempt) {
            abort.abort();
            self.running.remove(&abort.id());
        }
    }

    /// What became of the next task that ends; `None` if it was aborted.
    pub async fn next(&mut self) -> Option<(AttemptId, Transferred)> {
        let ended = self.tasks.join_next_with_id().await?;
        let (id, transferred) = ended.unwrap_or_else(|error| {
            if error.is_panic() {
                tracing::error!(%error, "an archive is not transferred");
            }
            (error.id(), Transferred::Ended)
        });
        let attempt = self.running.remove(&id)?;
        self.aborts.remove(&attempt);
        Some((attempt, transferred))
    }
}

/// The longest that the transfer of so many bytes may take.
pub fn patience(bytes: u64) -> Duration {
    LEAST_TIME + Duration::from_secs(bytes / BYTES_A_SECOND)
}

async fn upload(
    client: &ExecutorClient,
    archives: &Arc<dyn AttemptArchives>,
    (attempt, step): (AttemptId, &str),
    saved: &LogReport,
) -> Result<ArchiveReport, UploadError> {
    let number: u16 = step.parse().map_err(|_| UploadError::Step(step.to_owned()))?;
    let size = saved.size;
    let query = UploadQuery { size, blake3: saved.blake3.clone() };
    let piecewise = Piecewise { archives: Arc::clone(archives), attempt, step: number };
    let body = piecewise.body(0..size);
    let ctx = Context::background().timeout(patience(size));
    Ok(client.upload(&ctx, (attempt, number), &query, body).await?)
}

/// A file of an attempt's, which is read as it is sent.
pub struct Piecewise {
    pub archives: Arc<dyn AttemptArchives>,
    pub attempt: AttemptId,
    pub step: u16,
}

impl Piecewise {
    /// These bytes of what the step has saved.
    pub fn body(self, range: Range<u64>) -> Body {
        let Piecewise { archives, attempt, step } = self;
        let end = range.end;
        let pieces = stream::try_unfold(range.start, move |offset: u64| {
            let archives = Arc::clone(&archives);
            async move {
                if offset >= end {
                    return Ok::<_, BoxError>(None);
                }
                let next = end.min(offset + PIECE);
                let piece: Bytes = archives.read(attempt, step, offset..next)?;
                Ok(Some((piece, next)))
            }
        });
        Body::from_stream(pieces)
    }
}

/// The download of what an attempt restores.
struct Restoring {
    client: ExecutorClient,
    archives: Arc<dyn AttemptArchives>,
    attempt: AttemptId,
    rng: Rng,
    until: Instant,
}

impl Restoring {
    /// Tries until it succeeds, or cannot.
    async fn run(mut self, wanted: &[RestoredArchive]) -> Result<(), RestoreError> {
        let mut pause = Pause::default();
        loop {
            let left = self.until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(RestoreError::Late);
            }
            let ctx = Context::background().timeout(left);
            match self.once(&ctx, wanted).await {
                Err(RestoreError::Missing { source, .. }) if !is_final(&source) => {
                    let (attempt, error) = (self.attempt, Chain(&source).to_string());
                    tracing::debug!(%attempt, error, "what it restores is asked for again");
                    let least = source.remote().and_then(|remote| remote.retry_after);
                    pause.lengthen_to(least.unwrap_or_default(), &mut self.rng);
                    let until = pause.until().unwrap_or_else(Instant::now);
                    tokio::time::sleep_until(until.min(self.until)).await;
                }
                done => return done,
            }
        }
    }

    async fn once(&self, ctx: &Context, wanted: &[RestoredArchive]) -> Result<(), RestoreError> {
        let mut file = self.archives.begin_restore(self.attempt)?;
        for archive in wanted {
            let RestoredArchive { task, step, .. } = archive;
            let frame = Frame {
                task: task.clone(),
                above: archive.above.clone(),
                size: archive.archive.size,
            };
            file.write(&frame.line())?;
            let missing = |source| RestoreError::Missing {
                task: task.to_string(),
                step: step.clone(),
                source,
            };
            let answer = self.client.download(ctx, (archive.attempt, step)).await;
            let mut bytes = answer.map_err(missing)?.body;
            let (mut hasher, mut size) = (blake3::Hasher::new(), 0);
            while let Some(piece) = bytes.next().await {
                let piece = piece.map_err(missing)?;
                size += piece.len() as u64;
                hasher.update(&piece);
                if size > frame.size {
                    break;
                }
                file.write(&piece)?;
            }
            let digest = hasher.finalize().to_hex();
            if size != frame.size || digest.as_str() != archive.archive.blake3 {
                let (task, step) = (task.to_string(), step.clone());
                return Err(RestoreError::Damaged { task, step });
            }
        }
        Ok(file.finish()?)
    }
}

/// Whether the same call would be refused again.
pub fn is_final(error: &ClientError) -> bool {
    use Kind::{Internal, Timeout, TooManyRequests, Unauthorized, Unavailable};
    let again = [Internal, Timeout, TooManyRequests, Unauthorized, Unavailable];
    error.remote().is_some_and(|remote| !again.contains(&remote.kind))
}
