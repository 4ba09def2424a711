//! The newest bytes of logs, in memory until they are a part worth storing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use drydock_api::runservice::types::{Appended, AttemptId, LogStep, MAX_LOG_BYTES};
use drydock_core::error::Chain;
use drydock_core::objects::ObjectError;
use tokio::sync::{Notify, watch};

use super::{LogMetrics, Logs, part};

/// The bytes at which a tail is stored, whatever its age.
const PART: usize = 256 * 1024;
/// The age at which a tail is stored, whatever its size.
const AGE: Duration = Duration::from_secs(2);
const TICK: Duration = Duration::from_millis(500);
/// After this time without a piece, an empty tail is forgotten.
const FORGOTTEN: Duration = Duration::from_secs(60);
/// The bytes in memory, of all tails.
const MEMORY: usize = 64 << 20;
/// The bytes of one tail that object storage does not take.
const HELD: usize = 2 << 20;
/// The pause between two pieces of one log: as usual, while somebody follows it here, and while
/// much waits to be stored.
const PAUSE_MS: u64 = 2_000;
const FOLLOWED_PAUSE_MS: u64 = 200;
const LONG_PAUSE_MS: u64 = 10_000;

/// Why a piece is not taken.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    #[error("the log would be too large")]
    TooLarge,
    #[error("too much waits to be stored")]
    Busy,
    #[error(transparent)]
    Objects(#[from] ObjectError),
}

/// The tails of one instance. Clones are the same.
#[derive(Clone)]
pub struct Tails(Arc<Inner>);

struct Inner {
    logs: Logs,
    open: Mutex<BTreeMap<(AttemptId, LogStep), Arc<Tail>>>,
    /// The bytes in memory.
    held: AtomicUsize,
    metrics: LogMetrics,
    opened: Notify,
}

struct Tail {
    log: (AttemptId, LogStep),
    state: tokio::sync::Mutex<State>,
    /// The end of what was received.
    received: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    /// Whether `stored` was looked up.
    known: bool,
    stored: u64,
    /// What follows `stored`.
    bytes: BytesMut,
    /// Since when the first of these bytes waits.
    since: Option<Duration>,
    touched: Duration,
}

impl State {
    fn received(&self) -> u64 {
        self.stored + self.bytes.len() as u64
    }
}

impl Tails {
    pub fn new(logs: Logs, metrics: LogMetrics) -> Tails {
        Tails(Arc::new(Inner {
            logs,
            open: Mutex::default(),
            held: AtomicUsize::new(0),
            metrics,
            opened: Notify::new(),
        }))
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<(AttemptId, LogStep), Arc<Tail>>> {
        self.0.open.lock().expect("no holder of this lock panics")
    }

    fn find(&self, attempt: AttemptId, step: LogStep) -> Option<Arc<Tail>> {
        self.open().get(&(attempt, step)).cloned()
    }

    fn find_or_open(&self, attempt: AttemptId, step: LogStep) -> Arc<Tail> {
        let new = || {
            let (received, _) = watch::channel(0);
            Arc::new(Tail { log: (attempt, step), state: Default::default(), received })
        };
        let tail = self.open().entry((attempt, step)).or_insert_with(new).clone();
        self.0.opened.notify_one();
        tail
    }

    /// Takes the bytes of a piece that are new, unless there is a gap before it.
    pub async fn append(
        &self,
        attempt: AttemptId,
        step: LogStep,
        offset: u64,
        mut piece: Bytes,
    ) -> Result<Appended, AppendError> {
        if offset.saturating_add(piece.len() as u64) > MAX_LOG_BYTES {
            return Err(AppendError::TooLarge);
        }
        let tail = self.find_or_open(attempt, step);
        let mut state = tail.state.lock().await;
        state.touched = self.0.logs.env.monotonic();
        if !state.known || offset > state.received() {
            self.look_up(&tail, &mut state).await?;
        }
        if let Some(known) = state.received().checked_sub(offset) {
            piece.advance(usize::try_from(known).unwrap_or(usize::MAX).min(piece.len()));
            self.take(&tail, &mut state, piece)?;
        }
        let is_part = state.bytes.len() >= PART;
        if is_part {
            self.store(&tail, &mut state).await?;
        }
        let much = self.0.held.load(Ordering::Relaxed) > MEMORY / 2;
        let next_after_ms = match (much, is_part) {
            (true, _) => LONG_PAUSE_MS,
            // Nothing of the log waits in memory: an executor with more to send may go on.
            (false, true) => 0,
            (false, false) if tail.received.receiver_count() > 0 => FOLLOWED_PAUSE_MS,
            (false, false) => PAUSE_MS,
        };
        Ok(Appended { received: state.received(), stored: state.stored, next_after_ms })
    }

    /// Learns what is stored: other instances may have stored more, and a lineage that was left may
    /// have deleted what this instance has stored.
    async fn look_up(&self, tail: &Tail, state: &mut State) -> Result<(), ObjectError> {
        let (attempt, step) = tail.log;
        let stored = self.0.logs.parts(attempt, step).await?.end();
        let is_less = !state.known && stored < state.stored;
        state.known = true;
        if stored > state.received() || is_less {
            self.release(state.bytes.len());
            (state.stored, state.since) = (stored, None);
            state.bytes.clear();
            tail.received.send_replace(stored);
        }
        Ok(())
    }

    fn take(&self, tail: &Tail, state: &mut State, piece: Bytes) -> Result<(), AppendError> {
        if piece.is_empty() {
            return Ok(());
        }
        let held = self.0.held.load(Ordering::Relaxed);
        if state.bytes.len() >= HELD || held + piece.len() > MEMORY {
            return Err(AppendError::Busy);
        }
        let now = self.0.held.fetch_add(piece.len(), Ordering::Relaxed) + piece.len();
        self.0.metrics.held_bytes.set(gauge(now));
        self.0.metrics.received_bytes.inc_by(piece.len() as u64);
        state.bytes.extend_from_slice(&piece);
        state.since.get_or_insert(self.0.logs.env.monotonic());
        tail.received.send_replace(state.received());
        Ok(())
    }

    /// These bytes are in memory no more.
    fn release(&self, bytes: usize) {
        let now = self.0.held.fetch_sub(bytes, Ordering::Relaxed).saturating_sub(bytes);
        self.0.metrics.held_bytes.set(gauge(now));
    }

    /// Stores what is in memory as one part.
    async fn store(&self, tail: &Tail, state: &mut State) -> Result<(), ObjectError> {
        let ((attempt, step), logs) = (tail.log, &self.0.logs);
        let (start, end) = (state.stored, state.received());
        let key = logs.keys.part(attempt, step, start, end, logs.env.new_id());
        logs.objects.put(&key, part::encode(attempt, step, start, &state.bytes)).await?;
        self.release(state.bytes.len());
        (state.stored, state.since) = (end, None);
        state.bytes.clear();
        Ok(())
    }

    /// The bytes in memory from an offset on.
    pub async fn read(&self, attempt: AttemptId, step: LogStep, offset: u64) -> Option<Bytes> {
        let tail = self.find(attempt, step)?;
        let state = tail.state.lock().await;
        let skipped = usize::try_from(offset.checked_sub(state.stored)?).ok()?;
        let bytes = state.bytes.get(skipped..).filter(|bytes| !bytes.is_empty())?;
        Some(Bytes::copy_from_slice(bytes))
    }

    /// The end of what this instance has received of a log.
    pub fn received(&self, attempt: AttemptId, step: LogStep) -> u64 {
        self.find(attempt, step).map_or(0, |tail| *tail.received.borrow())
    }

    /// Changes with the end of what this instance receives of a log, which need not have begun. As
    /// long as somebody holds it, the executor sends small pieces too.
    pub fn follow(&self, attempt: AttemptId, step: LogStep) -> watch::Receiver<u64> {
        self.find_or_open(attempt, step).received.subscribe()
    }

    /// The attempts of whose logs this instance has received something lately.
    pub fn attempts(&self) -> BTreeSet<AttemptId> {
        let open = self.open();
        let received = open.values().filter(|tail| *tail.received.borrow() > 0);
        received.map(|tail| tail.log.0).collect()
    }

    /// Makes the next piece of each log look up what is stored: the lineage is another one, and the
    /// one before may have deleted parts of logs that it had complete.
    pub async fn look_again(&self) {
        let all: Vec<Arc<Tail>> = self.open().values().cloned().collect();
        for tail in all {
            tail.state.lock().await.known = false;
        }
    }

    /// Stores what is in memory of the logs of an attempt.
    pub async fn store_all(&self, attempt: AttemptId) -> Result<(), ObjectError> {
        let of = |tail: &&Arc<Tail>| tail.log.0 == attempt;
        let tails: Vec<Arc<Tail>> = self.open().values().filter(of).cloned().collect();
        for tail in tails {
            let mut state = tail.state.lock().await;
            if !state.bytes.is_empty() {
                self.store(&tail, &mut state).await?;
            }
        }
        Ok(())
    }

    /// Stores tails that are old, and forgets those that have ended, until it is dropped.
    pub async fn run(self) {
        loop {
            if self.open().is_empty() {
                self.0.opened.notified().await;
            }
            tokio::time::sleep(TICK).await;
            self.store_old().await;
            let now = self.0.logs.env.monotonic();
            self.open().retain(|_, tail| {
                // Nobody else can have it, because the map is locked.
                let forgotten = Arc::strong_count(tail) == 1
                    && tail.received.receiver_count() == 0
                    && tail.state.try_lock().is_ok_and(|state| {
                        state.bytes.is_empty() && now.saturating_sub(state.touched) > FORGOTTEN
                    });
                !forgotten
            });
        }
    }

    /// Stores the tails that are old.
    pub(crate) async fn store_old(&self) {
        let all: Vec<Arc<Tail>> = self.open().values().cloned().collect();
        for tail in all {
            self.tend(&tail).await;
        }
    }

    async fn tend(&self, tail: &Tail) {
        let mut state = tail.state.lock().await;
        let now = self.0.logs.env.monotonic();
        let old = state.since.is_some_and(|since| now.saturating_sub(since) >= AGE);
        if old && let Err(error) = self.store(tail, &mut state).await {
            let (attempt, step) = tail.log;
            let error = Chain(&error).to_string();
            tracing::debug!(%attempt, %step, error, "a part of a log cannot be stored yet");
        }
    }
}

fn gauge(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
