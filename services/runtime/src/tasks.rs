//! The background tasks of an instance: started in normal mode, awaited when it ends.

use std::future::pending;

use drydock_core::store::Store;
use drydock_core::tasks;
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

pub(super) struct Tasks {
    store: Store,
    /// Who holds the locks, for people.
    holder: String,
    running: Option<Running>,
}

struct Running {
    stop: CancellationToken,
    /// Goes with the instance, however that ends.
    done: AbortOnDropHandle<()>,
}

impl Tasks {
    pub(super) fn new(store: Store, holder: String) -> Tasks {
        Tasks { store, holder, running: None }
    }

    /// Starts them, after those that are still ending.
    pub(super) fn start(&mut self) {
        let ending = self.running.take_if(|running| running.stop.is_cancelled());
        if self.running.is_some() {
            return;
        }
        let stop = CancellationToken::new();
        let work = tasks::run(self.store.clone(), self.holder.clone(), stop.clone());
        let done = AbortOnDropHandle::new(tokio::spawn(async move {
            if let Some(ending) = ending {
                survive(ending.done.await);
            }
            Box::pin(work).await;
        }));
        self.running = Some(Running { stop, done });
    }

    /// Lets passes that have begun come to their end.
    pub(super) fn stop(&self) {
        if let Some(running) = &self.running {
            running.stop.cancel();
        }
    }

    /// Resolves when they have ended; never, if nobody waits for that. A panic in one of them comes
    /// out here.
    pub(super) async fn ended(&mut self, generation: Option<u64>) -> u64 {
        if let Some(generation) = generation {
            self.finish().await;
            return generation;
        }
        if let Some(running) = &mut self.running {
            survive((&mut running.done).await);
        }
        pending().await
    }

    /// Stops them and waits.
    pub(super) async fn finish(&mut self) {
        self.stop();
        if let Some(running) = &mut self.running {
            survive((&mut running.done).await);
        }
        self.running = None;
    }
}

/// Goes on after tasks that ended, and panics after one that did.
fn survive(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        std::panic::resume_unwind(error.into_panic());
    }
}
