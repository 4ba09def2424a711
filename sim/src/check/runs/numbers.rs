//! I13: the numbers of a project's runs strictly increase and never repeat, whatever becomes of the
//! state in which they were given.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::records::StateChange;
use super::{Checks, Violation};

pub const ORACLE: &str = "I13 numbers";

/// Every number that was ever given.
#[derive(Default)]
pub struct Numbers {
    given: BTreeMap<Uuid, BTreeMap<u64, Uuid>>,
}

impl Numbers {
    pub fn look(&mut self, change: &StateChange<'_>, checks: &mut Checks) {
        let new = change.runs().filter(|run| !change.before.runs.contains_key(&run.id.0));
        // Several may be made in one commit.
        let mut new: Vec<_> = new.collect();
        new.sort_by_key(|run| run.place);
        for run in new {
            let given = self.given.entry(run.project.0).or_default();
            let known = given.get(&run.number);
            if known == Some(&run.id.0) {
                continue;
            }
            checks.done(ORACLE, 1);
            let fact = format!("run {} has number {}", run.id, run.number);
            if let Some(other) = known {
                let other = format!("so has run {other}");
                let sentence = "a number was given twice";
                checks.violated(Violation::new(ORACLE, sentence, fact, other));
            } else if let Some((last, other)) =
                given.last_key_value().filter(|_| !change.place.jump)
                && *last > run.number
            {
                let other = format!("run {other} had number {last} before");
                let sentence = "numbers went back";
                checks.violated(Violation::new(ORACLE, sentence, fact, other));
            }
            given.insert(run.number, run.id.0);
        }
    }
}
