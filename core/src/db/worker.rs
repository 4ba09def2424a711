//! Runs jobs on connections: each connection on a thread of its own, or inline. A short job runs on
//! its caller's thread if the connection is idle: the way to a thread and back takes about as long
//! as the job.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError, mpsc};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{DbError, Execution, RunOn};

type Job = Box<dyn FnOnce(&mut Connection) + Send>;
type Shared = Arc<Mutex<Connection>>;

/// Connections that take jobs from one queue.
pub(super) enum Worker {
    Threads { jobs: mpsc::Sender<Job>, first: Shared },
    Inline(Shared),
}

impl Worker {
    pub(super) fn new(connections: Vec<Connection>, execution: Execution) -> Worker {
        let shared = connections.into_iter().map(|conn| Arc::new(Mutex::new(conn)));
        let connections: Vec<Shared> = shared.collect();
        let first = Arc::clone(connections.first().expect("a worker has a connection"));
        match execution {
            Execution::Inline => Worker::Inline(first),
            Execution::Threads { .. } => {
                let (jobs, queue) = mpsc::channel::<Job>();
                let queue = Arc::new(Mutex::new(queue));
                for conn in connections {
                    spawn(conn, Arc::clone(&queue));
                }
                Worker::Threads { jobs, first }
            }
        }
    }

    /// Runs `job` on a connection. A panic of the job is raised again here.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        run_on: RunOn,
        job: impl FnOnce(&mut Connection) -> T + Send + 'static,
    ) -> Result<T, DbError> {
        match self {
            Worker::Inline(conn) => Ok(job(&mut lock(conn))),
            Worker::Threads { jobs, first } => {
                if run_on == RunOn::Caller
                    && let Some(mut conn) = idle(first)
                {
                    return Ok(job(&mut conn));
                }
                let (answer, answered) = oneshot::channel();
                let job: Job = Box::new(move |conn| {
                    // The caller may have given up; then the answer is dropped.
                    let _ = answer.send(catch_unwind(AssertUnwindSafe(|| job(conn))));
                });
                jobs.send(job).map_err(|_| DbError::Closed)?;
                match answered.await.map_err(|_| DbError::Closed)? {
                    Ok(done) => Ok(done),
                    Err(panic) => resume_unwind(panic),
                }
            }
        }
    }
}

// A poisoned lock is usable: the panicking job's transaction is rolled back by then.

fn lock(conn: &Shared) -> MutexGuard<'_, Connection> {
    conn.lock().unwrap_or_else(PoisonError::into_inner)
}

fn idle(conn: &Shared) -> Option<MutexGuard<'_, Connection>> {
    match conn.try_lock() {
        Ok(conn) => Some(conn),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

/// Starts a thread that ends when the queue's sender is dropped.
#[expect(clippy::disallowed_methods, reason = "the one place where database threads start")]
fn spawn(conn: Shared, queue: Arc<Mutex<mpsc::Receiver<Job>>>) {
    let run = move || {
        loop {
            let next = queue.lock().expect("receiving does not panic").recv();
            match next {
                Ok(job) => job(&mut lock(&conn)),
                Err(mpsc::RecvError) => return,
            }
        }
    };
    let started = std::thread::Builder::new().name("drydock-db".to_owned()).spawn(run);
    // If no thread at all could be started, `call` answers `Closed`.
    if let Err(error) = started {
        tracing::error!(%error, "a database thread cannot be started");
    }
}
