//! Properties over random graphs, events and orders of messages.

use std::collections::BTreeMap;

use drydock_api::runservice::types::{AttemptPhase, Reason, TaskName, TaskStatus};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

use super::harness::{at, failed, id, name, settings, started, succeeded};
use crate::engine::RunState;
use crate::engine::advance::advance;
use crate::engine::approval::{Decider, Decision, decide};
use crate::engine::attempt::{Ending, is_ready};
use crate::engine::deadline::{due, expire};
use crate::engine::stop::stop;
use crate::record::Attempt;

const CONDITIONS: [&str; 4] = ["on_success", "on_failure", "on_skipped", "always"];

/// Up to nine tasks; each may depend on those before it.
fn graphs() -> impl Strategy<Value = Value> {
    let edge = (any::<bool>(), 0..CONDITIONS.len());
    let task = (prop::collection::vec(edge, 8), 0..20_u8, 0..3_u8);
    prop::collection::vec(task, 1..10).prop_map(|tasks| {
        let mut graph = json!({});
        for (nth, (edges, kind, retries)) in tasks.into_iter().enumerate() {
            let edges = edges.iter().take(nth).enumerate().filter(|(_, edge)| edge.0);
            let depends: Vec<_> = edges
                .map(|(above, edge)| json!({format!("t{above}"): CONDITIONS[edge.1]}))
                .collect();
            let mut task = json!({"steps": [], "depends": depends, "retry": {"max": retries}});
            match kind {
                0 => task["skip"] = json!(true),
                1 | 2 => task["allow_failure"] = json!(true),
                3 | 4 => task["approval"] = json!({}),
                5 => task["exclusive"] = json!(true),
                6 | 7 => task["steps"] = json!([{"restore": {}}]),
                _ => {}
            }
            graph[format!("t{nth}")] = task;
        }
        graph
    })
}

#[derive(Debug, Clone, Copy)]
enum Event {
    Claim(usize),
    Succeed(usize),
    Fail(usize),
    Stopped(usize),
    Lose(usize, Reason),
    Approve(usize),
    Refuse(usize),
    Stop,
    Wait,
    ArchivesGone(usize),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let task = 0..9_usize;
    let lost = prop::sample::select(vec![
        Reason::ExecutorLost,
        Reason::ClaimLost,
        Reason::ExecutorRestarted,
        Reason::LostInRestore,
    ]);
    let event = prop_oneof![
        8 => task.clone().prop_map(Event::Claim),
        4 => task.clone().prop_map(Event::Succeed),
        3 => task.clone().prop_map(Event::Fail),
        1 => task.clone().prop_map(Event::Stopped),
        2 => (task.clone(), lost).prop_map(|(task, reason)| Event::Lose(task, reason)),
        2 => task.clone().prop_map(Event::Approve),
        1 => task.clone().prop_map(Event::Refuse),
        1 => Just(Event::Stop),
        1 => Just(Event::Wait),
        1 => task.prop_map(Event::ArchivesGone),
    ];
    prop::collection::vec(event, 0..60)
}

/// Applies an event as an action would: what does not fit is refused.
fn apply(state: &mut RunState, event: Event, second: u64) {
    let task = |nth: usize| format!("t{}", nth % state.tasks.len());
    let now = at(second);
    let end = |state: &mut RunState, task: &str, ending| {
        if state.live_attempt(&name(task)).is_some() {
            state.end_at(task, ending, now);
        }
    };
    let judge = |state: &mut RunState, task: &str, decision| {
        let decider = Decider { approver: "alice".to_owned(), comment: None };
        let _ = decide(state, &name(task), decision, decider, now, &settings());
    };
    match event {
        Event::Claim(nth) => {
            let task = task(nth);
            if is_ready(state, &name(&task)) {
                state.claim_at(&task, now);
            }
        }
        Event::Succeed(nth) => end(state, &task(nth), succeeded()),
        Event::Fail(nth) => end(state, &task(nth), failed(1)),
        Event::Stopped(nth) => {
            let ending = Ending::unheard(AttemptPhase::Stopped, Reason::StoppedByUser);
            end(state, &task(nth), ending);
        }
        Event::Lose(nth, reason) => {
            let task = task(nth);
            if state.live_attempt(&name(&task)).is_some() {
                state.lose_at(&task, reason, now);
            }
        }
        Event::Approve(nth) => judge(state, &task(nth), Decision::Approve),
        Event::Refuse(nth) => judge(state, &task(nth), Decision::Refuse),
        Event::Stop => drop(stop(state, Reason::StoppedByUser, now, &settings())),
        Event::Wait => {
            let due = due(state, &settings());
            if let Some(due) = due {
                expire(state, due, &settings());
            }
        }
        Event::ArchivesGone(nth) => {
            let task = name(&task(nth));
            state.task_mut(&task).archives_missing = true;
            advance(state, now, &settings());
        }
    }
}

/// Everything of a run that never changes again.
fn finals(state: &RunState) -> (BTreeMap<TaskName, TaskStatus>, Vec<Attempt>, Option<String>) {
    let tasks = state.tasks.iter().filter(|(_, task)| task.status.is_final());
    let tasks = tasks.map(|(name, task)| (name.clone(), task.status)).collect();
    let attempts = state.attempts.values().filter(|attempt| attempt.phase.is_final());
    let run = state.run.phase.is_final().then(|| format!("{:?}", state.run));
    (tasks, attempts.cloned().collect(), run)
}

fn check(state: &RunState) {
    let mut again = state.clone();
    advance(&mut again, at(1_000_000), &settings());
    assert_eq!(&again, state, "a second pass changes nothing");
    let live = |name: &TaskName| {
        let task = state.task(name).id;
        state.attempts.values().filter(|it| it.task == task && !it.phase.is_final()).count()
    };
    for (name, task) in &state.tasks {
        let runs = matches!(task.status, TaskStatus::Running | TaskStatus::Stopping);
        assert_eq!(live(name), usize::from(runs), "one attempt of a task that runs: {name}");
    }
    let all_final = state.tasks.values().all(|task| task.status.is_final());
    assert_eq!(state.run.phase.is_final(), all_final);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn every_state_is_a_fixpoint_and_what_is_final_never_changes(
        graph in graphs(), events in events(), fail_fast: bool,
    ) {
        let mut state = started(&graph);
        state.run.fail_fast = fail_fast;
        check(&state);
        for (second, event) in events.into_iter().enumerate() {
            let (tasks, attempts, run) = finals(&state);
            apply(&mut state, event, second as u64);
            check(&state);
            let (tasks_now, attempts_now, run_now) = finals(&state);
            for (name, status) in tasks {
                prop_assert_eq!(tasks_now.get(&name), Some(&status), "{} after {:?}", name, event);
            }
            for attempt in attempts {
                prop_assert!(attempts_now.contains(&attempt), "{:?} after {:?}", attempt, event);
            }
            prop_assert!(run.is_none() || run == run_now, "the run after {:?}", event);
        }
    }

    /// Executors report in any order: the same tasks end in the same way.
    #[test]
    fn the_order_of_reports_does_not_change_what_is_final(
        graph in graphs(),
        fails in prop::collection::vec(any::<bool>(), 9),
        orders in prop::collection::vec(prop::collection::vec(any::<Index>(), 100), 2),
    ) {
        let run = |order: &[Index]| {
            let mut state = started(&graph);
            for next in order {
                let names = state.graph.order().to_vec();
                for name in &names {
                    let asks = state.task(name).approval.as_ref();
                    if asks.is_some_and(|asks| asks.decided_at.is_none()) {
                        let decider = Decider { approver: "alice".to_owned(), comment: None };
                        let _ = decide(
                            &mut state, name, Decision::Approve, decider, at(0), &settings(),
                        );
                    }
                    if is_ready(&state, name) {
                        state.claim(name.as_str());
                    }
                }
                let live = |name: &&TaskName| state.live_attempt(name).is_some();
                let live: Vec<_> = names.iter().filter(live).collect();
                if live.is_empty() {
                    break;
                }
                let name = live[next.index(live.len())].as_str().to_owned();
                let nth: usize = name[1..].parse().unwrap();
                state.end_at(&name, if fails[nth] { failed(1) } else { succeeded() }, at(0));
            }
            prop_assert!(state.run.phase.is_final());
            Ok((state.statuses(), state.outcome()))
        };
        prop_assert_eq!(run(&orders[0])?, run(&orders[1])?);
    }

    /// Nothing runs for ever: once executors are silent, deadlines end the run.
    #[test]
    fn deadlines_end_every_run(graph in graphs(), events in events()) {
        let mut state = started(&graph);
        for (second, event) in events.into_iter().enumerate() {
            apply(&mut state, event, second as u64);
        }
        for _ in 0..500 {
            let Some(next) = due(&state, &settings()) else { break };
            prop_assert!(expire(&mut state, next, &settings()));
            check(&state);
        }
        prop_assert!(state.run.phase.is_final(), "{}", state.statuses());
    }
}

#[test]
fn ids_of_attempts_are_fences() {
    let mut state = started(&json!({"a": {"steps": [], "retry": {"max": 1}}}));
    let first = state.claim("a");
    state.lose_at("a", Reason::ExecutorLost, at(0));
    let second = state.claim("a");
    assert_ne!(first.id, second.id);
    assert_eq!(state.live_attempt(&name("a")).map(|attempt| attempt.id), Some(second.id));
    assert_ne!(first.id.0, id(0));
}
