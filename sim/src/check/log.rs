//! I2: positions are gapless, position order is commit order, every commit names its predecessor.

use drydock_core::log::format::Body;

use super::{Checks, Violation};
use crate::truth::Truth;

pub const ORACLE: &str = "I2 log";

pub fn check(truth: &Truth, checks: &mut Checks) {
    let broken =
        |sentence: &str, one: String, other: String| Violation::new(ORACLE, sentence, one, other);
    for damaged in &truth.damaged {
        let fact = damaged.clone();
        checks.violated(broken("a value of the store cannot be read", fact, String::new()));
    }
    let Some(first) = truth.heads.first() else {
        return;
    };
    let mut before = first.value;
    for commit in &truth.commits {
        checks.done(ORACLE, 1);
        let (value, revision) = (&commit.value, commit.revision);
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
    for head in truth.heads.iter().skip(1) {
        let same = truth.commits.iter().find(|c| c.revision == head.revision);
        if same.is_none_or(|commit| commit.value.head() != head.value) {
            let one = format!("revision {} sets head to {:?}", head.revision, head.value);
            let other = match same {
                Some(commit) => format!("and commits {:?}", commit.value.head()),
                None => "and commits nothing".to_owned(),
            };
            let sentence = "head and log changed apart from each other";
            checks.violated(broken(sentence, one, other));
        }
    }
}
