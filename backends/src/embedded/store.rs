//! [`Embedded`]: opening it, and the trait over it.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use drydock_core::coord::mvcc::{Shared, State, first_lease_id};
use drydock_core::coord::{
    Coordination, Error, Lease, LeaseId, RangeRequest, RangeResponse, Result, Revision, Space, Txn,
    TxnResponse, WatchRequest, WatchStream,
};
use drydock_core::db::Execution;
use drydock_core::env::Clock;
use drydock_core::error::BoxError;
use drydock_core::private;
use redb::StorageBackend;
use redb::backends::FileBackend;
use tokio::sync::oneshot;

use super::engine::{Answer, Engine, Failure, Job};
use super::place::{FilePlace, Given, LEAST_FREE, Place, Room, room_of_file};
use super::writer::Writer;
use crate::lock::{LockError, ProcessLock};

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error("`{}` cannot be opened", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("`{name}` is not an embedded store that this build can read")]
    Unreadable { name: String, source: BoxError },
    #[error("the embedded store's thread cannot be started")]
    Thread(#[source] io::Error),
}

/// Where a store is.
pub(super) struct At {
    pub(super) place: Box<dyn Place>,
    pub(super) room: Room,
    /// For errors.
    pub(super) name: String,
    pub(super) lock: Option<ProcessLock>,
}

/// A durable store for one process. Clones share it; it closes with the last one.
#[derive(Clone)]
pub struct Embedded {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    clock: Arc<dyn Clock>,
    room: Room,
    // Dropped in this order: the file is closed before the lock is released.
    writer: Writer,
    _lock: Option<ProcessLock>,
}

impl Embedded {
    /// Opens or creates the store in the file `path`, and the directories above it.
    pub fn open(
        path: &Path,
        clock: Arc<dyn Clock>,
        execution: Execution,
    ) -> std::result::Result<Embedded, OpenError> {
        let failed = |source| OpenError::Io { path: path.to_owned(), source };
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let parent = parent.unwrap_or(Path::new("."));
        private::create_dir_all(parent).map_err(failed)?;
        let lock = ProcessLock::acquire(path)?;
        let mut options = private::options();
        let file = options.read(true).write(true).create(true).truncate(false).open(path);
        let file = file.map_err(failed)?;
        // A new file's name must survive a power cut, too.
        File::open(parent).and_then(|dir| dir.sync_all()).map_err(failed)?;
        let name = path.display().to_string();
        let backend = FileBackend::new(file).map_err(|source| OpenError::Unreadable {
            name: name.clone(),
            source: source.into(),
        })?;
        let place = Box::new(FilePlace::new(path, backend));
        let at = At { place, room: room_of_file(path), name, lock: Some(lock) };
        Embedded::start(at, clock, execution)
    }

    /// Opens or creates the store on the caller's `backend`; `name` is for errors. The caller makes
    /// sure that no other process uses it.
    pub fn open_with_backend(
        backend: impl StorageBackend,
        name: impl Into<String>,
        clock: Arc<dyn Clock>,
        execution: Execution,
    ) -> std::result::Result<Embedded, OpenError> {
        let place = Box::new(Given(Some(backend)));
        let at = At { place, room: Arc::new(|| None), name: name.into(), lock: None };
        Embedded::start(at, clock, execution)
    }

    pub(super) fn start(
        at: At,
        clock: Arc<dyn Clock>,
        execution: Execution,
    ) -> std::result::Result<Embedded, OpenError> {
        let At { mut place, room, name, lock } = at;
        let opened = place.open();
        let (disk, saved) =
            opened.map_err(|source| OpenError::Unreadable { name, source: source.into() })?;
        let state = match saved {
            Some(saved) => State::restore(saved, clock.monotonic()),
            None => State::new(first_lease_id(clock.wall())),
        };
        let shared = Shared::new(state);
        let engine =
            Engine::new(Arc::clone(&shared), disk, (place, Arc::clone(&room)), Arc::clone(&clock));
        let writer = Writer::start(engine, execution).map_err(OpenError::Thread)?;
        let inner = Inner { shared, clock, room, writer, _lock: lock };
        let inner = Arc::new(inner);
        Ok(Embedded { inner })
    }

    /// Removes expired leases. With a thread of its own the store does so by itself; inline, its
    /// owner calls this periodically.
    pub async fn expire_leases(&self) -> Result<()> {
        self.inner.writer.tick();
        self.call(|_, _| Ok(())).await
    }

    fn check_room(&self) -> Result<()> {
        let Some(space) = (self.inner.room)().filter(|space| space.is_full) else { return Ok(()) };
        let free = space.quota_bytes - space.used_bytes;
        let reason = format!("`{free}` bytes are free on its disk, `{LEAST_FREE}` are needed");
        Err(Error::NoSpace { reason })
    }

    /// Applies `work` in a batch, and answers when that is on disk.
    async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut State, Duration) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        // Refuses at once if the store has failed before, or there is no room.
        self.inner.shared.published()?;
        self.check_room()?;
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |state, now| {
            let done = work(state, now);
            let reply = move |written: std::result::Result<(), Failure>| {
                let done = match written {
                    Ok(()) => done,
                    Err(failure) => Err(failure.error()),
                };
                // The caller may have given up; then the answer is dropped.
                let _ = answer.send(done);
            };
            Box::new(reply) as Answer
        });
        self.inner.writer.submit(job)?;
        answered.await.unwrap_or_else(|_| {
            let reason = "the embedded store failed".to_owned();
            Err(Error::Unknown { reason })
        })
    }
}

/// Ends the watches that are left.
impl Drop for Inner {
    fn drop(&mut self) {
        self.shared.fail("the embedded store is closed".to_owned());
    }
}

#[async_trait]
impl Coordination for Embedded {
    async fn range(&self, request: RangeRequest) -> Result<RangeResponse> {
        self.inner.shared.range(&request)
    }

    async fn txn(&self, txn: Txn) -> Result<TxnResponse> {
        self.call(move |state, _| state.txn(&txn)).await
    }

    async fn watch(&self, request: WatchRequest) -> Result<WatchStream> {
        self.inner.shared.watch(request)
    }

    async fn lease_grant(&self, ttl: Duration) -> Result<Lease> {
        self.call(move |state, now| state.lease_grant(ttl, now)).await
    }

    /// A renewal is not written to disk: after a restart all leases start anew anyway.
    async fn lease_keep_alive(&self, id: LeaseId) -> Result<Duration> {
        let now = self.inner.clock.monotonic();
        self.inner.shared.with(|state| state.lease_keep_alive(id, now))?
    }

    async fn lease_revoke(&self, id: LeaseId) -> Result<()> {
        self.call(move |state, _| state.lease_revoke(id)).await
    }

    async fn compact(&self, revision: Revision) -> Result<()> {
        // A revision that is not published yet counts as a future one.
        let newest = self.inner.shared.published()?;
        if revision > newest {
            let requested = revision;
            return Err(Error::FutureRevision { requested, newest });
        }
        self.call(move |state, _| state.compact(revision)).await
    }

    async fn space(&self) -> Result<Option<Space>> {
        Ok((self.inner.room)())
    }
}
