//! The background tasks of an instance: started in normal mode, awaited when it ends.

use std::future::pending;

use drydock_core::store::Store;
use drydock_core::tasks;
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

pub(super) struct Tasks {
    store: Store,
    /// The holder's name in the tasks' locks, for people.
    holder: String,
    running: Option<Running>,
}

struct Running {
    stop: CancellationToken,
    /// Aborted with the instance, however that ends.
    done: AbortOnDropHandle<()>,
}

impl Tasks {
    pub(super) fn new(store: Store, holder: String) -> Tasks {
        Tasks { store, holder, running: None }
    }

    /// Starts the tasks, after the previous ones have ended.
    pub(super) fn start(&mut self) {
        let ending = self.running.take_if(|running| running.stop.is_cancelled());
        if self.running.is_some() {
            return;
        }
        let stop = CancellationToken::new();
        let work = tasks::run(self.store.clone(), self.holder.clone(), stop.clone());
        let done = AbortOnDropHandle::new(tokio::spawn(async move {
            if let Some(ending) = ending {
                resume_panic(ending.done.await);
            }
            Box::pin(work).await;
        }));
        self.running = Some(Running { stop, done });
    }

    /// Tells the tasks to stop; a pass that has begun comes to its end.
    pub(super) fn stop(&self) {
        if let Some(running) = &self.running {
            running.stop.cancel();
        }
    }

    /// Resolves to `generation` when the tasks have ended; never without a generation. A panic of a
    /// task is resumed here.
    pub(super) async fn ended(&mut self, generation: Option<u64>) -> u64 {
        if let Some(generation) = generation {
            self.finish().await;
            return generation;
        }
        if let Some(running) = &mut self.running {
            resume_panic((&mut running.done).await);
        }
        pending().await
    }

    /// Stops the tasks and waits for their end.
    pub(super) async fn finish(&mut self) {
        self.stop();
        if let Some(running) = &mut self.running {
            resume_panic((&mut running.done).await);
        }
        self.running = None;
    }
}

/// Panics if a task has panicked.
fn resume_panic(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        std::panic::resume_unwind(error.into_panic());
    }
}
