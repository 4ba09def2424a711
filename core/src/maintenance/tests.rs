use proptest::prelude::*;

use super::*;

/// A driver that takes its steps in an order that the test chooses.
#[derive(Default)]
struct World {
    gate_open: bool,
    tasks_run: bool,
    in_flight: bool,
    pending: Vec<Event>,
    acknowledged: Option<(u64, Mode)>,
}

impl World {
    fn apply(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::CloseGate => self.gate_open = false,
                Effect::OpenGate => {
                    self.gate_open = true;
                    self.in_flight = true;
                }
                Effect::StartTasks => self.tasks_run = true,
                Effect::Drain { generation } => self.pending.push(Event::Drained { generation }),
                Effect::StopTasks { generation } => {
                    self.pending.push(Event::TasksStopped { generation });
                }
                Effect::Acknowledge { generation, mode } => {
                    if mode == Mode::Maintenance {
                        assert!(!self.gate_open, "acknowledged while open");
                        assert!(!self.in_flight, "acknowledged with requests in flight");
                        assert!(!self.tasks_run, "acknowledged with tasks running");
                    } else {
                        assert!(self.gate_open);
                    }
                    assert!(self.acknowledged.is_none_or(|(before, _)| generation > before));
                    self.acknowledged = Some((generation, mode));
                }
            }
        }
    }

    /// Finishes one pending step; answers the event to report.
    fn finish(&mut self, which: usize) -> Option<Event> {
        if self.pending.is_empty() {
            return None;
        }
        let event = self.pending.remove(which % self.pending.len());
        match event {
            Event::Drained { .. } if !self.gate_open => self.in_flight = false,
            Event::TasksStopped { .. } if !self.gate_open => self.tasks_run = false,
            _ => {}
        }
        Some(event)
    }
}

#[derive(Debug, Clone)]
enum Step {
    /// The operator switched the mode this often since the instance saw it last.
    Switch(u64),
    /// The same mode is seen once more.
    SeeAgain,
    Finish(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (1u64..4).prop_map(Step::Switch),
        Just(Step::SeeAgain),
        (0usize..4).prop_map(Step::Finish),
        (0usize..4).prop_map(Step::Finish),
    ]
}

fn mode_of(generation: u64) -> Mode {
    if generation % 2 == 1 { Mode::Maintenance } else { Mode::Normal }
}

proptest! {
    #[test]
    fn acknowledges_only_what_is_true_and_always_arrives(
        steps in proptest::collection::vec(step(), 0..60),
    ) {
        let (mut state, mut world, mut generation) = (State::Starting, World::default(), 0);
        let tell = |state: &mut State, world: &mut World, event| {
            let (next, effects) = state.on(event);
            prop_assert!(next.generation() >= state.generation());
            *state = next;
            world.apply(effects);
            Ok(())
        };
        for step in steps {
            let event = match step {
                Step::Switch(times) => {
                    generation += times;
                    Some(Event::ModeSeen { mode: mode_of(generation), generation })
                }
                Step::SeeAgain => Some(Event::ModeSeen { mode: mode_of(generation), generation }),
                Step::Finish(which) => world.finish(which),
            };
            if let Some(event) = event {
                tell(&mut state, &mut world, event)?;
            }
        }
        let last = Event::ModeSeen { mode: mode_of(generation), generation };
        tell(&mut state, &mut world, last)?;
        while let Some(event) = world.finish(0) {
            tell(&mut state, &mut world, event)?;
        }
        prop_assert_eq!(world.acknowledged, Some((generation, mode_of(generation))));
        prop_assert_eq!(world.gate_open, mode_of(generation) == Mode::Normal);
    }
}

/// What a coordination store that was set back, or recovered twice, may say.
#[test]
fn a_mode_of_an_older_or_the_same_generation_is_followed() {
    let closed = State::Closed { generation: 4 };
    for generation in [3, 4] {
        let (next, effects) = closed.on(Event::ModeSeen { mode: Mode::Normal, generation });
        assert_eq!(next, State::Open { generation });
        assert!(effects.contains(&Effect::OpenGate));
    }
    let open = State::Open { generation: 4 };
    for generation in [3, 4] {
        let (next, effects) = open.on(Event::ModeSeen { mode: Mode::Maintenance, generation });
        assert_eq!(next, State::Draining { generation });
        assert!(effects.contains(&Effect::CloseGate));
    }
}

#[test]
fn the_cell_takes_an_older_mode_that_was_read_after_the_known_one() {
    let seen = |revision| SeenMode { revision, ..SeenMode::NEVER_SWITCHED };
    let cell = ModeCell::default();
    cell.observe(seen(5));
    let known = cell.get();
    cell.observe_read(known.as_ref(), seen(3));
    assert_eq!(cell.get(), Some(seen(3)), "the store was set back");
    cell.observe(seen(7));
    cell.observe_read(known.as_ref(), seen(4));
    assert_eq!(cell.get(), Some(seen(7)), "the answer is late");
    cell.observe_read(cell.get().as_ref(), seen(8));
    assert_eq!(cell.get(), Some(seen(8)));
}

#[test]
fn the_cell_keeps_the_newest() {
    let cell = ModeCell::default();
    assert_eq!(cell.get(), None);
    cell.observe(SeenMode { revision: 5, generation: 2, ..SeenMode::NEVER_SWITCHED });
    cell.observe(SeenMode { revision: 3, generation: 1, ..SeenMode::NEVER_SWITCHED });
    assert_eq!(cell.get().unwrap().generation, 2);
}
