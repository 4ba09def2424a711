//! The driver of the core's maintenance state machine, the same for every service: it feeds events
//! to the machine and carries its effects out.
//!
//! The gate is open only in normal mode with a loaded read model; it depends on both, and on
//! nothing else. Background tasks are awaited, not abandoned, on a switch as on shutdown.

use std::future::{Future, pending};
use std::time::Duration;

use drydock_core::log::format::{InstanceState, Mode};
use drydock_core::maintenance::{Effect, Event, ModeCell, SeenMode, State};
use drydock_core::store::Phase;
use drydock_http::server::gate::{Gate, GateState};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::instance::Instance;
use super::tasks::Tasks;

pub(super) struct Driver {
    pub(super) gate: Gate,
    pub(super) phase: watch::Receiver<Phase>,
    pub(super) mode: ModeCell,
    pub(super) instance: Instance,
    /// How long requests in flight may go on after maintenance has begun.
    pub(super) drain: Duration,
    pub(super) tasks: Tasks,
}

impl Driver {
    /// Runs until `stop`; then a background pass that has begun comes to its end.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        stop.run_until_cancelled(self.drive()).await;
        self.tasks.finish().await;
    }

    async fn drive(&mut self) {
        let mut modes = self.mode.subscribe();
        // On a runtime with threads the mode may have been read before this task began.
        modes.mark_changed();
        let mut phase = self.phase.clone();
        let mut state = State::Starting;
        // When requests in flight are cancelled. No event while they drain puts it off.
        let mut deadline = None;
        loop {
            self.set_gate(state);
            let (draining, stopping) = match state {
                State::Draining { generation } => {
                    let until = *deadline.get_or_insert_with(|| Instant::now() + self.drain);
                    (Some((generation, until)), None)
                }
                State::Stopping { generation } => (None, Some(generation)),
                _ => (None, None),
            };
            if draining.is_none() {
                deadline = None;
            }
            let drained = self.drained(draining);
            let event = tokio::select! {
                // The senders outlive this task: they are in `self` and in the store.
                _ = modes.changed() => {
                    let seen = modes.borrow_and_update().clone();
                    seen.map(mode_seen)
                }
                _ = phase.changed() => None,
                generation = drained => Some(Event::Drained { generation }),
                generation = self.tasks.ended(stopping) => {
                    Some(Event::TasksStopped { generation })
                }
            };
            let Some(event) = event else { continue };
            let (next, effects) = state.on(event);
            state = next;
            effects.into_iter().for_each(|effect| self.apply(effect));
        }
    }

    /// Carries an effect out, or begins it if it takes time.
    fn apply(&mut self, effect: Effect) {
        match effect {
            Effect::CloseGate => self.gate.set(GateState::Maintenance),
            Effect::Drain { generation } => {
                self.instance.report(InstanceState::Draining, generation)
            }
            Effect::StopTasks { .. } => self.tasks.stop(),
            Effect::StartTasks => self.tasks.start(),
            // `set_gate` opens the gate once the read model is loaded, too.
            Effect::OpenGate => {}
            Effect::Acknowledge { generation, mode } => {
                tracing::info!(?mode, generation, "acknowledged");
                let state = match mode {
                    Mode::Normal => InstanceState::Normal,
                    Mode::Maintenance => InstanceState::Maintenance,
                };
                self.instance.report(state, generation);
            }
        }
    }

    fn set_gate(&self, state: State) {
        if self.gate.state() == GateState::Stopping {
            return;
        }
        let loaded = *self.phase.borrow() == Phase::Ready;
        self.gate.set(match state {
            State::Open { .. } if loaded => GateState::Normal,
            State::Starting | State::Open { .. } => GateState::Loading,
            State::Draining { .. } | State::Stopping { .. } | State::Closed { .. } => {
                GateState::Maintenance
            }
        });
    }

    /// Resolves when no request is in flight; requests that take too long are cancelled.
    fn drained(
        &self,
        draining: Option<(u64, Instant)>,
    ) -> impl Future<Output = u64> + Send + use<> {
        let gate = self.gate.clone();
        async move {
            let Some((generation, until)) = draining else { return pending().await };
            if tokio::time::timeout_at(until, gate.drained()).await.is_err() {
                tracing::warn!(
                    requests = gate.passes(),
                    "cancelled requests at the drain deadline"
                );
                gate.cut_off();
                gate.drained().await;
            }
            generation
        }
    }
}

fn mode_seen(SeenMode { mode, generation, .. }: SeenMode) -> Event {
    Event::ModeSeen { mode, generation }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use drydock_core::coord::Bounded;
    use drydock_core::coord::memory::Memory;
    use drydock_core::db::Execution;
    use drydock_core::env::{Env, ManualClock, RngTree};
    use drydock_core::log::keys::Keys;
    use drydock_core::read_model::{Blobs, Leftovers, Schema};
    use drydock_core::store::{Applied, Store, StoreParts, StoreSettings};
    use object_store::memory::InMemory;

    use super::*;

    const SOON: Duration = Duration::from_secs(10);

    static SCHEMA: Schema = Schema {
        service: "toy",
        version: 1,
        steps: &[],
        types: &[],
        leftovers: Leftovers::NONE,
        counters: None,
        blobs: Blobs::NONE,
    };

    /// A driver, and what it looks at.
    struct World {
        gate: Gate,
        mode: ModeCell,
        loading: watch::Sender<Phase>,
        running: tokio::task::JoinHandle<()>,
    }

    impl World {
        fn start(mode: ModeCell) -> World {
            let clock = Arc::new(ManualClock::new(jiff::Timestamp::UNIX_EPOCH));
            let memory = Arc::new(Memory::new(clock.clone()));
            let env = Env::new(clock, RngTree::from_seed(1));
            let (store, _loops) = Store::new(StoreParts {
                cluster: "test".to_owned(),
                schema: &SCHEMA,
                env: env.clone(),
                coord: memory.clone(),
                objects: Arc::new(InMemory::new()),
                settings: StoreSettings::default(),
                execution: Execution::Inline,
                scratch: std::env::temp_dir(),
                mode: mode.clone(),
                key_check: Arc::new(drydock_core::read_model::Unchecked),
            });
            let coord = Bounded::new(memory, SOON);
            let ready = Applied { phase: Phase::Ready, head: None, revision: 1 };
            let (loading, phase) = watch::channel(ready.phase);
            let keys = Keys::new("test", "toy");
            let address = "toy:1".to_owned();
            let (instance, _registration) =
                Instance::new(&env, &coord, &keys, &store, address, SOON);
            let gate = Gate::new(GateState::Loading);
            let tasks = Tasks::new(store, "test".to_owned());
            let seen = mode.clone();
            let driver = Driver { gate: gate.clone(), phase, mode, instance, drain: SOON, tasks };
            let running = tokio::spawn(driver.run(CancellationToken::new()));
            World { gate, mode: seen, loading, running }
        }
    }

    impl Drop for World {
        fn drop(&mut self) {
            self.running.abort();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_mode_read_before_the_driver_began_is_not_missed() {
        let mode = ModeCell::default();
        mode.observe(SeenMode::NEVER_SWITCHED);
        let world = World::start(mode);
        tokio::time::sleep(SOON).await;
        assert_eq!(world.gate.state(), GateState::Normal);
    }

    #[tokio::test(start_paused = true)]
    async fn no_event_puts_the_end_of_requests_in_flight_off() {
        let world = World::start(ModeCell::default());
        world.mode.observe(SeenMode::NEVER_SWITCHED);
        tokio::time::sleep(SOON / 10).await;
        let request = world.gate.enter().unwrap();
        let maintenance = |generation, revision| SeenMode {
            mode: Mode::Maintenance,
            generation,
            revision,
            record: None,
        };
        world.mode.observe(maintenance(1, 10));
        for nth in 1..=4 {
            tokio::time::sleep(SOON / 3).await;
            world.loading.send_replace(Phase::Loading);
            world.mode.observe(maintenance(1, 10 + nth));
        }
        tokio::time::timeout(SOON / 10, request.cut_off()).await.unwrap();
    }
}
