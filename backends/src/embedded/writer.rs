//! Runs batches: on a thread that waits for the disk, so that the runtime need not, or inline.

use std::io;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use drydock_core::coord::Error;
use drydock_core::db::Execution;

use super::engine::{Engine, Job};

/// The most requests that may wait; beyond that they are refused.
const QUEUE: usize = 1024;
/// The most requests that share one write.
const BATCH: usize = 256;
/// How often leases are checked while no request comes.
const LEASE_TICK: Duration = Duration::from_millis(250);

pub(super) enum Writer {
    Thread {
        /// `None` while the store closes.
        jobs: Option<SyncSender<Job>>,
        thread: Option<JoinHandle<()>>,
    },
    Inline(Box<Mutex<Engine>>),
}

impl Writer {
    pub(super) fn start(engine: Engine, execution: Execution) -> io::Result<Writer> {
        match execution {
            Execution::Inline => Ok(Writer::Inline(Box::new(Mutex::new(engine)))),
            Execution::Threads { .. } => {
                let (jobs, queue) = sync_channel(QUEUE);
                Ok(Writer::Thread { jobs: Some(jobs), thread: Some(spawn(engine, queue)?) })
            }
        }
    }

    /// Does what the thread does while no request comes.
    pub(super) fn tick(&self) {
        if let Writer::Inline(engine) = self {
            engine.lock().expect("a batch does not panic").run(vec![]);
        }
    }

    pub(super) fn submit(&self, job: Job) -> Result<(), Error> {
        match self {
            Writer::Inline(engine) => {
                let mut engine = engine.lock().expect("a batch does not panic");
                engine.run(vec![job]);
                Ok(())
            }
            Writer::Thread { jobs, .. } => {
                let jobs = jobs.as_ref().expect("it is open while it is used");
                jobs.try_send(job).map_err(|error| Error::Unavailable {
                    reason: match error {
                        TrySendError::Full(_) => format!("`{QUEUE}` requests wait for the disk"),
                        TrySendError::Disconnected(_) => "its writer is gone".to_owned(),
                    },
                })
            }
        }
    }
}

/// Waits until the last batch is on disk and the file is closed.
impl Drop for Writer {
    fn drop(&mut self) {
        if let Writer::Thread { jobs, thread } = self {
            drop(jobs.take());
            let ended = thread.take().map(JoinHandle::join);
            if let Some(Err(_)) = ended {
                tracing::error!("the embedded store's writer panicked");
            }
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the embedded store starts its thread"
)]
fn spawn(mut engine: Engine, queue: Receiver<Job>) -> io::Result<JoinHandle<()>> {
    let run = move || {
        loop {
            match queue.recv_timeout(LEASE_TICK) {
                Ok(first) => {
                    let waiting = queue.try_iter().take(BATCH - 1);
                    engine.run(std::iter::once(first).chain(waiting).collect());
                }
                Err(RecvTimeoutError::Timeout) => engine.run(vec![]),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    };
    let name = "drydock-coord".to_owned();
    std::thread::Builder::new().name(name).spawn(run)
}
