use std::collections::BTreeMap;

use drydock_api::runservice::types::{ProjectId, TaskId};

use super::harness::{MINUTE, at, id, name};
use crate::engine::pick::{
    ExecutorCapacity, Load, Obstacle, PickSettings, ProjectLoad, ReadyTask, obstacle, pick,
};

fn project(nth: u128) -> ProjectId {
    ProjectId(id(nth))
}

fn ready(nth: u128, of: u128) -> ReadyTask {
    ReadyTask {
        task: TaskId(id(nth)),
        name: name(&format!("t{nth}")),
        project: project(of),
        run_place: 1,
        place: 0,
        priority: 0,
        ready_at: at(0),
        not_before: None,
        labels: ["linux"].map(|label| label.parse().unwrap()).into(),
        arch: None,
        pool: None,
    }
}

fn capacity() -> ExecutorCapacity {
    let labels = ["linux", "big"].map(|label| label.parse().unwrap()).into();
    ExecutorCapacity { labels, arch: Some("arm64".to_owned()), limit: 2, active: 0 }
}

fn picked(ready: &[ReadyTask], load: &Load, settings: &PickSettings, now: u64) -> Option<u128> {
    pick(&capacity(), ready, load, settings, at(now)).map(|task| task.0.as_u128())
}

fn first(ready: &[ReadyTask]) -> Option<u128> {
    picked(ready, &Load::default(), &PickSettings::default(), 0)
}

fn load(projects: &[(u128, u32, u64)]) -> Load {
    let load = |&(nth, running, last_claim)| (project(nth), ProjectLoad { running, last_claim });
    Load { projects: projects.iter().map(load).collect(), pools: BTreeMap::new() }
}

#[test]
fn an_executor_gets_what_fits_it() {
    let task = ready(1, 1);
    let windows = ["windows"].map(|label| label.parse().unwrap()).into();
    for (task, found) in [
        (task.clone(), Some(1)),
        (ReadyTask { labels: windows, ..task.clone() }, None),
        (ReadyTask { arch: Some("arm64".into()), ..task.clone() }, Some(1)),
        (ReadyTask { arch: Some("amd64".into()), ..task.clone() }, None),
        (ReadyTask { not_before: Some(at(1)), ..task.clone() }, None),
        (ReadyTask { not_before: Some(at(0)), ..task.clone() }, Some(1)),
    ] {
        assert_eq!(first(std::slice::from_ref(&task)), found, "{task:?}");
    }
    let full = ExecutorCapacity { active: 2, ..capacity() };
    assert_eq!(pick(&full, &[task], &Load::default(), &PickSettings::default(), at(0)), None);
}

#[test]
fn the_project_with_the_smallest_share_comes_first() {
    let tasks = [ready(1, 1), ready(2, 2), ready(3, 3)];
    let settings = PickSettings::default();
    for (projects, expected) in [
        (vec![(1, 1, 0), (2, 0, 0), (3, 2, 0)], 2),
        // Of equal ones, the one that was served longest ago; a new one was never served.
        (vec![(1, 1, 30), (2, 1, 10), (3, 1, 20)], 2),
        (vec![(1, 0, 30), (2, 0, 10)], 3),
        (vec![], 1),
    ] {
        assert_eq!(picked(&tasks, &load(&projects), &settings, 0), Some(expected), "{projects:?}");
    }
    let heavy = PickSettings { weights: [(project(1), 3)].into(), ..settings };
    assert_eq!(picked(&tasks, &load(&[(1, 2, 9), (2, 1, 1), (3, 1, 1)]), &heavy, 0), Some(1));
    assert_eq!(picked(&tasks, &load(&[(1, 4, 9), (2, 1, 1), (3, 1, 1)]), &heavy, 0), Some(2));
}

#[test]
fn no_project_is_served_twice_while_another_one_waits() {
    let mut load = Load::default();
    let mut served = BTreeMap::new();
    for claim in 1..=90_u64 {
        // Every project always has work, one of them of high priority.
        let tasks: Vec<_> = (1..=3)
            .map(|of| ReadyTask { priority: if of == 1 { 100 } else { 0 }, ..ready(of, of) })
            .collect();
        let next = picked(&tasks, &load, &PickSettings::default(), 0).unwrap();
        let of = load.projects.entry(project(next)).or_default();
        (of.running, of.last_claim) = (of.running + 1, claim);
        *served.entry(next).or_insert(0_u32) += 1;
        let (least, most) = (served.values().min().unwrap(), served.values().max().unwrap());
        assert!(claim < 3 || most - least <= 1, "{served:?}");
    }
}

#[test]
fn within_a_project_priority_age_and_place_decide() {
    let task = |nth| ready(nth, 1);
    let high = ReadyTask { priority: 5, ..task(9) };
    assert_eq!(first(&[task(1), high.clone()]), Some(9));
    // Ten minutes of waiting count as much as one of priority.
    let old = ReadyTask { ready_at: at(0), ..task(1) };
    let new = ReadyTask { priority: 1, ready_at: at(10 * MINUTE), ..task(2) };
    let tasks = [old, new];
    let at_minute =
        |minute: u64| picked(&tasks, &Load::default(), &PickSettings::default(), minute * MINUTE);
    assert_eq!((at_minute(9), at_minute(20)), (Some(2), Some(1)));
    let newer_run = ReadyTask { run_place: 2, ..task(1) };
    assert_eq!(first(&[newer_run, task(2)]), Some(2));
    let lower = ReadyTask { place: 3, ..task(1) };
    assert_eq!(first(&[lower, ReadyTask { place: 1, ..task(2) }]), Some(2));
    assert_eq!(first(&[task(5), task(4)]), Some(4));
}

#[test]
fn a_project_has_a_limit() {
    let tasks = [ready(1, 1), ready(2, 2)];
    let settings = PickSettings { max_running_tasks: 2, ..PickSettings::default() };
    let busy = load(&[(1, 2, 1), (2, 2, 2)]);
    assert_eq!(picked(&tasks, &busy, &settings, 0), None);
    assert_eq!(obstacle(&tasks[0], &tasks, &busy, &settings), Some(Obstacle::ProjectLimit(2)));
    assert_eq!(picked(&tasks, &load(&[(1, 2, 1), (2, 1, 2)]), &settings, 0), Some(2));
}

#[test]
fn a_pool_is_taken_in_the_order_of_runs() {
    let in_pool =
        |nth, run_place| ReadyTask { run_place, pool: Some("db".to_owned()), ..ready(nth, nth) };
    let settings = PickSettings { pools: [("db".to_owned(), 2)].into(), ..PickSettings::default() };
    let taken = |places| Load { pools: [("db".to_owned(), places)].into(), ..Load::default() };
    let tasks = [in_pool(1, 7), in_pool(2, 5), in_pool(3, 5)];
    assert_eq!(picked(&tasks, &taken(1), &settings, 0), Some(2));
    assert_eq!(picked(&tasks[..1], &taken(1), &settings, 0), Some(1));
    assert_eq!(picked(&tasks, &taken(2), &settings, 0), None);
    let pool = Some(Obstacle::Pool("db".to_owned()));
    assert_eq!(obstacle(&tasks[0], &tasks, &taken(1), &settings), pool, "an older run waits");
    // A pool that no setting names has one place.
    assert_eq!(picked(&tasks, &taken(1), &PickSettings::default(), 0), None);
    assert_eq!(picked(&tasks, &taken(0), &PickSettings::default(), 0), Some(2));
}
