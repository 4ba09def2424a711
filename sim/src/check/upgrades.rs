//! I19: what an earlier version wrote is read by a later one, and two of them run side by side: the
//! version that is written is one that every live instance reads, and it is raised in the end.
//!
//! That nothing is lost over an upgrade is the other oracles' part: they see one form of all
//! versions.

use std::collections::BTreeMap;

use drydock_core::coord::Revision;

use super::{Checks, Evidence, Violation};
use crate::timeline::Timeline;

pub const ORACLE: &str = "I19 upgrade";

pub fn check(evidence: &Evidence<'_>, checks: &mut Checks) {
    raises(evidence.timeline, checks);
    commits(evidence.timeline, checks);
    at_the_end(evidence.timeline, checks);
}

fn raises(timeline: &Timeline, checks: &mut Checks) {
    let mut before = 0;
    for raised in &timeline.writes {
        let schema = raised.value.schema;
        if schema <= before {
            // The key comes back after the store was lost or set back.
            continue;
        }
        before = schema;
        checks.done(ORACLE, 1);
        let live = live(timeline, raised.era, raised.revision);
        if let Some((id, reads)) = live.iter().find(|(_, reads)| **reads < schema) {
            checks.violated(Violation::new(
                ORACLE,
                "the version that is written was raised too early",
                format!("it was raised to {schema} at revision {}", raised.revision),
                format!("the live instance {id} reads up to {reads}"),
            ));
        }
    }
}

fn commits(timeline: &Timeline, checks: &mut Checks) {
    let mut raises = timeline.writes.iter().peekable();
    let mut written = 0;
    for commit in &timeline.commits {
        while let Some(raised) = raises.next_if(|raised| raised.seq <= commit.seq) {
            written = raised.value.schema.max(written);
        }
        checks.done(ORACLE, 1);
        // Before the key was seen: somebody else's log, or that of a build without it.
        if written > 0 && commit.value.schema > written {
            checks.violated(Violation::new(
                ORACLE,
                "a commit has a newer version than is written",
                format!("{written} is written at revision {}", commit.revision),
                format!("position {} has {}", commit.value.position, commit.value.schema),
            ));
        }
    }
}

fn at_the_end(timeline: &Timeline, checks: &mut Checks) {
    let Some(last) = timeline.writes.last() else { return };
    checks.done(ORACLE, 1);
    let live = live(timeline, timeline.eras.saturating_sub(1), Revision::MAX);
    let all_read = live.values().min().copied().unwrap_or(0);
    if all_read > last.value.schema {
        checks.violated(Violation::new(
            ORACLE,
            "the version that is written was never raised",
            format!("all live instances read {all_read}"),
            format!("{} is written", last.value.schema),
        ));
    }
}

/// The instances that were live before a revision, and what they read.
fn live(timeline: &Timeline, era: usize, before: Revision) -> BTreeMap<&str, u32> {
    let mut changes = BTreeMap::new();
    let begun = timeline.instances.iter().filter(|at| at.era == era && at.revision < before);
    for at in begun {
        changes.insert((at.revision, at.value.id.as_str()), Some(at.value.schema));
    }
    let ended = timeline.instance_ends.iter().filter(|at| at.era == era && at.revision < before);
    for at in ended {
        changes.insert((at.revision, at.value.as_str()), None);
    }
    let mut live = BTreeMap::new();
    for ((_, id), reads) in changes {
        match reads {
            Some(reads) => live.insert(id, reads),
            None => live.remove(id),
        };
    }
    live
}

#[cfg(test)]
mod tests {
    use drydock_core::log::format::{
        Body, Commit, InstanceRecord, InstanceState, Reason, WritesRecord,
    };
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;
    use crate::timeline::At;

    fn at<T>(revision: u64, value: T) -> At<T> {
        let written = i64::try_from(revision).unwrap();
        At { era: 0, revision: written, seq: revision, value }
    }

    fn instance(revision: u64, id: &str, schema: u32) -> At<InstanceRecord> {
        at(
            revision,
            InstanceRecord {
                id: id.to_owned(),
                version: "1".to_owned(),
                schema,
                address: "a:1".to_owned(),
                state: InstanceState::Normal,
                generation: 0,
                position: None,
                seen_at: Timestamp::UNIX_EPOCH,
            },
        )
    }

    fn writes(revision: u64, schema: u32) -> At<WritesRecord> {
        at(revision, WritesRecord { schema, since: Timestamp::UNIX_EPOCH })
    }

    fn commit(revision: u64, schema: u32) -> At<Commit> {
        at(
            revision,
            Commit {
                lineage: Uuid::nil(),
                position: revision,
                previous: Uuid::nil(),
                id: Uuid::max(),
                time: Timestamp::UNIX_EPOCH,
                schema,
                body: Body::Switch { reason: Reason::Import },
            },
        )
    }

    /// One instance is replaced at revision 5, the other one at revision 7.
    fn upgrade() -> Timeline {
        Timeline {
            eras: 1,
            writes: vec![writes(1, 1), writes(9, 2)],
            instances: vec![
                instance(2, "old-1", 1),
                instance(3, "old-2", 1),
                instance(6, "new-1", 2),
                instance(8, "new-2", 2),
            ],
            instance_ends: vec![at(5, "old-1".to_owned()), at(7, "old-2".to_owned())],
            commits: vec![commit(4, 1), commit(10, 1), commit(11, 2)],
            ..Timeline::default()
        }
    }

    fn found(timeline: &Timeline) -> Vec<String> {
        let mut checks = Checks::default();
        raises(timeline, &mut checks);
        commits(timeline, &mut checks);
        at_the_end(timeline, &mut checks);
        checks.violations.iter().map(|violation| violation.sentence.clone()).collect()
    }

    #[test]
    fn an_upgrade_that_waits_for_everybody_is_fine() {
        assert_eq!(found(&upgrade()), [""; 0]);
    }

    #[test]
    fn a_raise_while_an_older_instance_lives_is_a_violation() {
        let mut timeline = upgrade();
        timeline.instance_ends.pop();
        assert_eq!(found(&timeline), ["the version that is written was raised too early"]);
    }

    #[test]
    fn a_commit_of_a_version_that_is_not_written_yet_is_a_violation() {
        let mut timeline = upgrade();
        timeline.commits[0].value.schema = 2;
        assert_eq!(found(&timeline), ["a commit has a newer version than is written"]);
    }

    #[test]
    fn an_upgrade_that_never_ends_is_a_violation() {
        let mut timeline = upgrade();
        timeline.writes.pop();
        timeline.commits.pop();
        assert_eq!(found(&timeline), ["the version that is written was never raised"]);
    }

    #[test]
    fn a_key_that_comes_back_after_a_loss_was_not_raised_anew() {
        let mut timeline = upgrade();
        timeline.eras = 2;
        for (nth, schema) in [(1, 1), (3, 2)] {
            let mut instance = instance(nth, &format!("later-{nth}"), schema);
            instance.era = 1;
            timeline.instances.push(instance);
        }
        let mut back = writes(20, 2);
        (back.era, back.revision) = (1, 2);
        timeline.writes.push(back);
        assert_eq!(found(&timeline), [""; 0]);
    }
}
