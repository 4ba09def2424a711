//! Random histories against a plain model: after any sequence of commits, archiving, checkpoints,
//! trimming, collection, losses and imports every instance loads to the model's state, and all of
//! them export the same bytes.

use std::collections::BTreeSet;

use bytes::Bytes;
use futures_util::stream;
use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};

use super::*;
use crate::coord::CoordinationExt;
use crate::coord::lock::Lock;
use crate::log::format::Mode;
use crate::maintenance::SeenMode;
use crate::store::Reads;
use crate::tasks::{archive, checkpoint, collect, trim};
use crate::testkit::{Instance, World, keys, soon};

type Names = BTreeSet<String>;

/// The expected state.
#[derive(Debug, Clone)]
struct Model {
    /// The state at each position, from 0 on.
    states: Vec<Names>,
    /// The position up to which objects hold the log.
    proven: usize,
    /// The exported states.
    exports: Vec<Names>,
    next_name: usize,
}

#[derive(Debug, Clone)]
enum Step {
    /// Some new names, in one commit or, if large, by reference.
    Add {
        count: usize,
        large: bool,
    },
    /// The nth name is removed.
    Remove(usize),
    Archive,
    Checkpoint,
    Trim,
    Collect,
    /// The instance dies; another one takes over.
    Restart,
    Export,
    Import(usize),
    /// The coordination store is empty, with the instance running or not.
    Lose {
        running: bool,
    },
}

impl Model {
    fn now(&self) -> &Names {
        self.states.last().expect("there is a state at position 0")
    }
}

impl ReferenceStateMachine for Model {
    type State = Model;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Model> {
        let states = vec![Names::new()];
        Just(Model { states, proven: 0, exports: Vec::new(), next_name: 0 }).boxed()
    }

    fn transitions(_: &Model) -> BoxedStrategy<Step> {
        prop_oneof![
            6 => (1usize..4, any::<bool>()).prop_map(|(count, large)| Step::Add { count, large }),
            3 => (0usize..20).prop_map(Step::Remove),
            4 => Just(Step::Archive),
            3 => Just(Step::Checkpoint),
            3 => Just(Step::Trim),
            3 => Just(Step::Collect),
            1 => Just(Step::Restart),
            2 => Just(Step::Export),
            1 => (0usize..5).prop_map(Step::Import),
            1 => any::<bool>().prop_map(|running| Step::Lose { running }),
        ]
        .boxed()
    }

    fn preconditions(model: &Model, step: &Step) -> bool {
        match step {
            Step::Remove(nth) => *nth < model.now().len(),
            Step::Import(nth) => *nth < model.exports.len(),
            _ => true,
        }
    }

    fn apply(mut model: Model, step: &Step) -> Model {
        match step {
            Step::Add { count, .. } => {
                let mut names = model.now().clone();
                for _ in 0..*count {
                    names.insert(name(model.next_name));
                    model.next_name += 1;
                }
                model.states.push(names);
            }
            Step::Remove(nth) => {
                let gone = model.now().iter().nth(*nth).expect("checked before").clone();
                let mut names = model.now().clone();
                names.remove(&gone);
                model.states.push(names);
            }
            // The state of a checkpoint is proof of the commits before it.
            Step::Archive | Step::Checkpoint => model.proven = model.states.len() - 1,
            Step::Export => model.exports.push(model.now().clone()),
            Step::Import(nth) => {
                let state = model.exports[*nth].clone();
                model.states.push(state);
                model.proven = model.states.len() - 1;
            }
            Step::Lose { .. } => {
                model.states.truncate(model.proven + 1);
                // The switch to the recovered lineage.
                let state = model.now().clone();
                model.states.push(state);
                model.proven += 1;
            }
            Step::Trim | Step::Collect | Step::Restart => {}
        }
        model
    }
}

fn name(nth: usize) -> String {
    format!("n{nth:05}")
}

struct System {
    runtime: tokio::runtime::Runtime,
    world: World,
    instance: Instance,
    memory: collect::GarbageCandidates,
    exports: Vec<Vec<u8>>,
    generation: u64,
}

impl System {
    async fn locked(instance: &Instance, task: &str) -> Lock {
        let inner = &instance.store.inner;
        let ttl = std::time::Duration::from_secs(60);
        let key = inner.keys.task(task);
        Lock::try_take(&inner.coord, key, "test", ttl).await.unwrap().unwrap()
    }

    async fn switch(&mut self, mode: Mode) {
        let found = self.world.coord.get(keys().mode()).await.unwrap().0;
        let generation = SeenMode::decode(found.as_ref()).unwrap().generation + 1;
        self.generation = generation;
        self.world.switch_mode(mode, generation).await;
        let found = self.world.coord.get(keys().mode()).await.unwrap().0;
        self.instance.mode.observe(SeenMode::decode(found.as_ref()).unwrap());
    }

    async fn step(&mut self, before: &Model, step: Step) {
        match step {
            Step::Add { count, large } => {
                let names = (0..count).map(|nth| name(before.next_name - count + nth)).collect();
                add(&self.instance, names, large).await;
            }
            Step::Remove(_) => remove_all_but(&self.instance, before.now().clone()).await,
            Step::Archive => {
                let lock = System::locked(&self.instance, "archive").await;
                archive::run_once(&self.instance.store, lock.fence(), &mut None).await.unwrap();
                lock.release().await.unwrap();
            }
            Step::Checkpoint => {
                // The state of a read model is archived too, so that the chain goes on from it.
                let lock = System::locked(&self.instance, "checkpoint").await;
                checkpoint::run_once(&self.instance.store, lock.fence()).await.unwrap();
                lock.release().await.unwrap();
            }
            Step::Trim => {
                let lock = System::locked(&self.instance, "trim").await;
                trim::run_once(&self.instance.store, lock.fence()).await.unwrap();
                lock.release().await.unwrap();
            }
            Step::Collect => {
                let lock = System::locked(&self.instance, "collect").await;
                let (store, memory) = (&self.instance.store, &mut self.memory);
                collect::run_once(store, lock.fence(), memory).await.unwrap();
                lock.release().await.unwrap();
            }
            Step::Restart => self.replace_instance().await,
            Step::Export => self.exports.push(self.instance.export().await),
            Step::Import(nth) => {
                self.switch(Mode::Maintenance).await;
                let export = Bytes::from(self.exports[nth].clone());
                let input = stream::iter([Ok(export)]);
                self.instance.store.import(&soon(), input, Intent::Apply).await.unwrap();
                self.switch(Mode::Normal).await;
            }
            Step::Lose { running } => self.lose(running).await,
        }
    }

    /// Starts another instance; the garbage candidates of the old one are lost with it.
    async fn replace_instance(&mut self) {
        self.memory = collect::GarbageCandidates::default();
        self.instance = self.world.start().await;
    }

    async fn lose(&mut self, running: bool) {
        self.world.coord.lose_everything();
        if !running {
            self.replace_instance().await;
            return;
        }
        let lineage = self.instance.store.applied().borrow().head.map(|head| head.lineage);
        let mut applied = self.instance.store.applied();
        let recovered = applied.wait_for(|now| {
            now.phase == crate::store::Phase::Ready && now.head.map(|head| head.lineage) != lineage
        });
        let patience = std::time::Duration::from_secs(60);
        tokio::time::timeout(patience, recovered).await.expect("it recovers by itself").unwrap();
    }
}

/// The lines between header and trailer, which are equal for equal states.
fn objects(export: &[u8]) -> Vec<&[u8]> {
    let lines: Vec<_> = export.split_inclusive(|byte| *byte == b'\n').collect();
    lines[1..lines.len() - 1].to_vec()
}

async fn add(instance: &Instance, names: Vec<String>, large: bool) {
    let note = if large { "x".repeat(2000) } else { String::new() };
    let work = move |tx: &mut crate::store::StoreTx<'_>| {
        for name in &names {
            let id = tx.new_id();
            tx.put("item", id, &crate::testkit::Item { id, name: name.clone() })?;
            let part = tx.new_id();
            let part_of = crate::testkit::Part { id: part, item: id, note: note.clone() };
            tx.put("part", part, &part_of)?;
        }
        Ok(())
    };
    instance.store.transact(&soon(), work).await.unwrap();
}

async fn remove_all_but(instance: &Instance, names: Names) {
    let work = move |tx: &mut crate::store::StoreTx<'_>| {
        let items: Vec<crate::testkit::Item> = tx.query_objects("SELECT data FROM item", [])?;
        for item in items.iter().filter(|item| !names.contains(&item.name)) {
            let of = "SELECT data FROM part WHERE item = ?1";
            let parts: Vec<crate::testkit::Part> = tx.query_objects(of, [item.id.to_string()])?;
            parts.iter().try_for_each(|part| tx.delete("part", part.id))?;
            tx.delete("item", item.id)?;
        }
        Ok(())
    };
    instance.store.transact(&soon(), work).await.unwrap();
}

impl StateMachineTest for System {
    type SystemUnderTest = System;
    type Reference = Model;

    fn init_test(_: &Model) -> System {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_time().start_paused(true).build().unwrap();
        let mut world = World::new();
        world.settings.inline_bytes = 1500;
        world.settings.tasks.checkpoint_commits = 1;
        world.settings.tasks.window_commits = 1;
        world.settings.tasks.grace_ms = 0;
        world.settings.tasks.lineages_kept = 2;
        let instance = runtime.block_on(world.start());
        let (memory, exports) = (collect::GarbageCandidates::default(), Vec::new());
        System { runtime, world, instance, memory, exports, generation: 0 }
    }

    fn apply(mut system: System, model: &Model, step: Step) -> System {
        let handle = system.runtime.handle().clone();
        let _entered = handle.enter();
        let runtime = std::mem::replace(
            &mut system.runtime,
            tokio::runtime::Builder::new_current_thread().build().unwrap(),
        );
        runtime.block_on(async {
            system.step(model, step).await;
            let names: Names =
                system.instance.names(Reads::Linearizable).await.into_iter().collect();
            assert_eq!(&names, model.now());
            let position = system.instance.store.applied().borrow().position();
            assert_eq!(position, Some(model.states.len() as u64 - 1));
            // A fresh one loads to the same bytes.
            let fresh = system.world.start().await;
            let (fresh, running) = (fresh.export().await, system.instance.export().await);
            assert!(objects(&fresh) == objects(&running), "an instance loads to another state");
        });
        drop(std::mem::replace(&mut system.runtime, runtime));
        system
    }
}

prop_state_machine! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn every_history_loads_to_the_same_state(sequential 1..40 => System);
}
