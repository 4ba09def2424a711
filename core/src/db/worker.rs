//! Runs jobs on connections: each on a thread of its own, inline, or, if a job is short and the
//! connection idle, where it is asked for: the way to a thread and back takes about as long.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError, mpsc};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{DbError, Execution, Length};

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

    /// Runs `job` on a connection. A panic in it comes out here.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        length: Length,
        job: impl FnOnce(&mut Connection) -> T + Send + 'static,
    ) -> Result<T, DbError> {
        match self {
            Worker::Inline(conn) => Ok(job(&mut lock(conn))),
            Worker::Threads { jobs, first } => {
                if length == Length::Short
                    && let Some(mut conn) = idle(first)
                {
                    return Ok(job(&mut conn));
                }
                let (answer, answered) = oneshot::channel();
                let job: Job = Box::new(move |conn| {
                    // The caller may be gone: then nobody wants the answer.
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

// A panic poisons a lock only in passing: the transaction is rolled back by then.

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

/// A thread that ends when the queue's sender is gone.
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
    // Without this thread, and any other, `call` answers `Closed`.
    if let Err(error) = started {
        tracing::error!(%error, "a database thread cannot be started");
    }
}
