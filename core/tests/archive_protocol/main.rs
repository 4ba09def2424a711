//! The protocol by which the log is archived, explored exhaustively for small sizes: see
//! docs/decisions/0019. Whatever is acknowledged as archived is on the path that objects prove,
//! with any order of set-backs, losses, stalls and kills at every step.
//!
//! A session of an archiver is one run of steps. It may stop before any of them, for good (a kill,
//! an outage of objects that outlives it) or until anything else has happened (a pause, a request
//! that is late). Commits and new lineages may come at any time: whoever stands exactly at a `head`
//! that was set back does not notice.

#![expect(
    clippy::disallowed_types,
    reason = "worlds are only looked up in the set; its order is never seen"
)]

mod steps;
mod world;

use std::collections::HashSet;

use steps::{Step, successors};
use world::{BEFORE, MENDED, Rules, Sizes, World};

/// How many states there are, or the steps to one in which something archived would be lost.
fn explore(sizes: Sizes, rules: Rules) -> Result<usize, Vec<Step>> {
    let start = World::new(sizes);
    let mut found = HashSet::from([start]);
    let mut origins: Vec<(usize, Step)> = Vec::new();
    let mut level = vec![(start, 0)];
    let mut lost = None;
    while !level.is_empty() && lost.is_none() {
        let mut below = Vec::new();
        for (world, nth) in level {
            successors(&world, rules, &mut |step, next| {
                let next = next.settle();
                if next == world || !found.insert(next) {
                    return;
                }
                origins.push((nth, step));
                below.push((next, origins.len()));
                if lost.is_none() && next.lost(rules) {
                    lost = Some(origins.len());
                }
            });
        }
        level = below;
    }
    let Some(mut at) = lost else { return Ok(found.len()) };
    let mut steps = Vec::new();
    while at > 0 {
        let (before, step) = origins[at - 1];
        steps.push(step);
        at = before;
    }
    steps.reverse();
    Err(steps)
}

/// Small enough for every run; two archivers at once, or one that was killed and its successor.
const SET_BACK_TWICE: Sizes =
    Sizes { sessions: 2, recoveries: 0, collectors: 0, writes: 3, forks: 0, disasters: 2 };

/// A recovery and a lineage from the log (a fork or an import) meet a collector and a disaster.
const LINEAGES: Sizes =
    Sizes { recoveries: 1, collectors: 1, writes: 1, forks: 1, disasters: 1, ..SET_BACK_TWICE };

#[test]
fn nothing_that_was_archived_is_lost_with_two_set_backs() {
    assert!(explore(SET_BACK_TWICE, MENDED).expect("nothing is lost") > 200_000);
}

#[test]
fn nothing_that_was_archived_is_lost_where_lineages_meet() {
    assert!(explore(LINEAGES, MENDED).expect("nothing is lost") > 100_000);
}

#[test]
fn the_rules_of_before_lose_commits() {
    explore(SET_BACK_TWICE, BEFORE).expect_err("another course is archived over the first");
    explore(LINEAGES, BEFORE).expect_err("a lineage is called archived before it is noted");
}

#[test]
fn no_rule_can_be_left_out() {
    let without: [(&str, Sizes, Rules); 7] = [
        ("check", SET_BACK_TWICE, Rules { check: false, ..MENDED }),
        ("verify", LINEAGES, Rules { verify: false, ..MENDED }),
        ("ballots", LINEAGES, Rules { ballots: false, ..MENDED }),
        ("names", SET_BACK_TWICE, Rules { names: false, ..MENDED }),
        ("silent_begin", LINEAGES, Rules { silent_begin: false, ..MENDED }),
        ("one_course", SET_BACK_TWICE, Rules { one_course: false, ..MENDED }),
        ("patient_collector", LINEAGES, Rules { patient_collector: false, ..MENDED }),
    ];
    for (rule, sizes, rules) in without {
        let steps = explore(sizes, rules).err();
        assert!(steps.is_some(), "nothing is lost without `{rule}`");
    }
}
