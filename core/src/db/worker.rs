//! Runs jobs on connections: each on a thread of its own, or inline.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{DbError, Execution};

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// Connections that take jobs from one queue.
pub(super) enum Worker {
    Threads(mpsc::Sender<Job>),
    Inline(Box<Mutex<Connection>>),
}

impl Worker {
    pub(super) fn new(mut connections: Vec<Connection>, execution: Execution) -> Worker {
        match execution {
            Execution::Inline => {
                let conn = connections.pop().expect("a worker has a connection");
                Worker::Inline(Box::new(Mutex::new(conn)))
            }
            Execution::Threads { .. } => {
                let (jobs, queue) = mpsc::channel::<Job>();
                let queue = Arc::new(Mutex::new(queue));
                for conn in connections {
                    spawn(conn, Arc::clone(&queue));
                }
                Worker::Threads(jobs)
            }
        }
    }

    /// Runs `job` on a connection when one is free; nobody waits for it.
    pub(super) fn post(&self, job: impl FnOnce(&mut Connection) + Send + 'static) {
        match self {
            Worker::Inline(conn) => {
                job(&mut conn.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
            }
            // Without a thread whoever waits for the next job hears of it.
            Worker::Threads(jobs) => drop(jobs.send(Box::new(job))),
        }
    }

    /// Runs `job` on a connection. A panic in it comes out here.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Connection) -> T + Send + 'static,
    ) -> Result<T, DbError> {
        match self {
            // A panic poisons the lock only in passing: the transaction is rolled back by then.
            Worker::Inline(conn) => {
                let mut conn = conn.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                Ok(job(&mut conn))
            }
            Worker::Threads(jobs) => {
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

/// A thread that ends when the queue's sender is gone.
#[expect(clippy::disallowed_methods, reason = "the one place where database threads start")]
fn spawn(mut conn: Connection, queue: Arc<Mutex<mpsc::Receiver<Job>>>) {
    let run = move || {
        loop {
            let next = queue.lock().expect("receiving does not panic").recv();
            match next {
                Ok(job) => job(&mut conn),
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
