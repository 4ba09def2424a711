//! I2: positions are gapless, position order is commit order, every commit names its predecessor.

use std::collections::{BTreeMap, BTreeSet};

use drydock_core::log::format::{Body, Commit, Head, Reason};
use drydock_harness::record::Seq;

use super::{Checks, Violation};
use crate::timeline::Timeline;

pub const ORACLE: &str = "I2 log";

pub fn check(timeline: &Timeline, checks: &mut Checks) {
    let broken =
        |sentence: &str, one: String, other: String| Violation::new(ORACLE, sentence, one, other);
    for damaged in &timeline.damaged {
        let fact = damaged.clone();
        checks.violated(broken("a value of the store cannot be read", fact, String::new()));
    }
    let Some(first) = timeline.heads.first() else {
        return;
    };
    let mut before = first.value;
    let mut era = first.era;
    for commit in &timeline.commits {
        checks.done(ORACLE, 1);
        let (value, revision) = (&commit.value, commit.revision);
        if commit.era != era {
            era = commit.era;
            before = began(timeline, era, value);
        }
        let recovery = matches!(value.body, Body::Switch { reason: Reason::Recovery });
        if recovery {
            // Where it goes on from is for the oracle of recoveries to judge.
            before = value.head();
            continue;
        }
        let fact = format!(
            "revision {revision} commits {} at position {} after {}",
            value.id, value.position, value.previous
        );
        let earlier =
            format!("before it, head was commit {} at position {}", before.commit, before.position);
        if value.position != before.position + 1 {
            let sentence = "a position was left out or written twice";
            checks.violated(broken(sentence, earlier, fact));
        } else if value.previous != before.commit {
            let sentence = "a commit does not name its predecessor";
            checks.violated(broken(sentence, earlier, fact));
        } else if value.lineage != before.lineage && !matches!(value.body, Body::Switch { .. }) {
            let sentence = "the lineage changed without a switch";
            checks.violated(broken(sentence, earlier, fact));
        }
        before = value.head();
    }
    let by_seq: BTreeMap<Seq, &Commit> =
        timeline.commits.iter().map(|commit| (commit.seq, &commit.value)).collect();
    let turns: BTreeSet<Seq> = timeline.turns.iter().map(|turn| turn.seq).collect();
    for head in &timeline.heads {
        if head.value.position == 0 || turns.contains(&head.seq) {
            continue;
        }
        let same = by_seq.get(&head.seq);
        if same.is_none_or(|commit| commit.head() != head.value) {
            let one = format!("revision {} sets head to {:?}", head.revision, head.value);
            let other = match same {
                Some(commit) => format!("and commits {:?}", commit.head()),
                None => "and commits nothing".to_owned(),
            };
            let sentence = "head and log changed apart from each other";
            checks.violated(broken(sentence, one, other));
        }
    }
}

/// The head that a store began with, before its first commit.
fn began(timeline: &Timeline, era: usize, first: &Commit) -> Head {
    let head = timeline.heads.iter().find(|head| head.era == era);
    let turned = timeline.turns.iter().any(|turn| turn.era == era);
    match head {
        Some(head) if turned || head.value.position == 0 => head.value,
        // It began empty, and with a recovery.
        _ => Head { lineage: first.lineage, position: first.position - 1, commit: first.previous },
    }
}
