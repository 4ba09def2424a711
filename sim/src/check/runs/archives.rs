//! Archives: an attempt names what its steps have saved, whole and under a name of its own; a
//! task that restores gets what all tasks above it have saved, in their order, and nothing else;
//! and what is named is there until the end.

use std::collections::{BTreeMap, BTreeSet};

use drydock_api::runservice::types::{AttemptId, AttemptPhase, Claimed, Step, TaskName};
use drydock_runservice::record::{Attempt, RunDefinition};
use uuid::Uuid;

use super::records::{Records, StateChange};
use super::{Checks, Evidence, Violation};
use crate::executor::saved_bytes;
use crate::history::{Call, Reply, RunsCall, RunsReply};

pub const ORACLE: &str = "archives";

pub struct Archives<'a> {
    evidence: &'a Evidence<'a>,
    /// What each claim was told to restore.
    claimed: BTreeMap<AttemptId, &'a Claimed>,
    /// Of the last state, those that have ended.
    attempts: BTreeMap<Uuid, Attempt>,
}

impl<'a> Archives<'a> {
    pub fn new(evidence: &'a Evidence<'a>) -> Archives<'a> {
        let claimed = evidence.operations.iter().filter_map(|operation| match operation.reply() {
            Some(Reply::Runs(RunsReply::Claimed(Some(claimed)))) => {
                Some((claimed.attempt.id, &**claimed))
            }
            _ => None,
        });
        Archives { claimed: claimed.collect(), evidence, attempts: BTreeMap::new() }
    }

    pub fn look(&mut self, change: &StateChange<'_>, checks: &mut Checks) {
        if change.place.jump {
            self.attempts = change.now.attempts.clone();
            return;
        }
        for (before, attempt) in change.attempts() {
            self.attempts.insert(attempt.id.0, attempt.clone());
            if before.is_none() {
                self.restored(change, attempt, checks);
            }
            if before.is_none_or(|before| before.archives.is_empty()) {
                self.named(change, attempt, checks);
            }
            let has_ended = before.is_none_or(|before| !before.phase.is_final());
            if has_ended && attempt.phase == AttemptPhase::Success {
                all_named(change, attempt, checks);
            }
        }
    }

    /// What the end of an attempt names.
    fn named(&self, change: &StateChange<'_>, attempt: &Attempt, checks: &mut Checks) {
        for (step, archive) in &attempt.archives {
            checks.done(ORACLE, 1);
            let stored = self.evidence.timeline.archives.get(&archive.object);
            let number = step.parse().unwrap_or(usize::MAX);
            let saved = saved_bytes(attempt.id, number);
            let is_own = archive.object.starts_with(&format!("archives/{}/", attempt.id));
            if !is_own || stored.is_none_or(|stored| **stored != saved) {
                let sentence = "an attempt names an archive that is not what it has saved";
                let fact = format!("step {step} of attempt {}: {}", attempt.id, archive.object);
                checks.violated(Violation::new(ORACLE, sentence, change.at(), fact));
            }
        }
    }

    /// What an attempt is told to restore is what its ancestors name when it is claimed.
    fn restored(&self, change: &StateChange<'_>, attempt: &Attempt, checks: &mut Checks) {
        let Some(claimed) = self.claimed.get(&attempt.id) else { return };
        let Some(definition) = change.now.definitions.get(&attempt.run.0) else { return };
        let expected = above(change.now, definition, attempt);
        let told: BTreeSet<_> = claimed
            .restore
            .iter()
            .map(|archive| (archive.task.clone(), archive.archive.object.clone()))
            .collect();
        checks.done(ORACLE, 1);
        if told != expected {
            let sentence = "a task is told to restore something else than is saved above it";
            let fact = format!("attempt {}: {told:?}, not {expected:?}", attempt.id);
            checks.violated(Violation::new(ORACLE, sentence, change.at(), fact));
        }
        for (nth, archive) in claimed.restore.iter().enumerate() {
            let late = claimed.restore[nth + 1..].iter();
            if let Some(other) = late.clone().find(|other| archive.above.contains(&other.task)) {
                let sentence = "an archive would lie over one of a task that follows it";
                let fact = format!("attempt {}: {} over {}", attempt.id, other.task, archive.task);
                checks.violated(Violation::new(ORACLE, sentence, change.at(), fact));
            }
        }
    }

    pub fn finish(&self, checks: &mut Checks) {
        for operation in self.evidence.operations {
            let (
                Call::Runs(RunsCall::Download { attempt, step, .. }),
                Some(Reply::Runs(RunsReply::Archive(bytes))),
            ) = (&operation.call, operation.reply())
            else {
                continue;
            };
            checks.done(ORACLE, 1);
            let saved = saved_bytes(*attempt, step.parse().unwrap_or(usize::MAX));
            if **bytes != saved {
                let sentence = "an executor read another archive than was saved";
                let fact = format!("{} bytes of step {step} of {attempt}", bytes.len());
                checks.violated(Violation::new(ORACLE, sentence, operation.to_string(), fact));
            }
        }
        if self.evidence.final_state.exports.is_empty() {
            return;
        }
        for attempt in self.attempts.values() {
            for archive in attempt.archives.values() {
                checks.done(ORACLE, 1);
                if !self.evidence.timeline.archives_left.contains(&archive.object) {
                    let sentence = "an archive that an attempt names is gone";
                    let text = format!("attempt {} of {}", attempt.id, attempt.name);
                    let fact = archive.object.clone();
                    checks.violated(Violation::new(ORACLE, sentence, text, fact));
                }
            }
        }
    }
}

/// An attempt that has succeeded names an archive for each step that saves.
fn all_named(change: &StateChange<'_>, attempt: &Attempt, checks: &mut Checks) {
    let definition = change.now.definitions.get(&attempt.run.0);
    let Some(spec) = definition.and_then(|it| it.tasks.get(&attempt.name)) else { return };
    let saves = spec.steps.iter().enumerate().filter(|(_, step)| matches!(step, Step::Save(_)));
    let steps: BTreeSet<String> = saves.map(|(nth, _)| nth.to_string()).collect();
    checks.done(ORACLE, 1);
    if !attempt.archives.keys().eq(&steps) {
        let sentence = "an attempt has succeeded without all that its steps save";
        let named: Vec<_> = attempt.archives.keys().collect();
        let fact = format!("attempt {}: steps {named:?}, not {steps:?}", attempt.id);
        checks.violated(Violation::new(ORACLE, sentence, change.at(), fact));
    }
}

/// What the tasks above an attempt's have saved.
fn above(
    now: &Records,
    definition: &RunDefinition,
    attempt: &Attempt,
) -> BTreeSet<(TaskName, String)> {
    let mut open = vec![attempt.name.clone()];
    let mut names: BTreeSet<TaskName> = BTreeSet::new();
    while let Some(name) = open.pop() {
        let Some(spec) = definition.tasks.get(&name) else { continue };
        for parent in spec.depends.iter().flat_map(parents) {
            if names.insert(parent.clone()) {
                open.push(parent);
            }
        }
    }
    let saves = |name: &TaskName| {
        let spec = definition.tasks.get(name);
        spec.is_some_and(|spec| spec.steps.iter().any(|step| matches!(step, Step::Save(_))))
    };
    let tasks = now.tasks.values().filter(|task| task.run == attempt.run);
    let tasks = tasks.filter(|task| names.contains(&task.name) && saves(&task.name));
    let of_task = |task: &drydock_runservice::record::Task| {
        let id = task.attempt.or(task.kept.and_then(|kept| kept.attempt))?;
        Some((task.name.clone(), now.attempts.get(&id.0)?.archives.clone()))
    };
    tasks
        .filter_map(of_task)
        .flat_map(|(name, archives)| {
            archives.into_values().map(move |archive| (name.clone(), archive.object))
        })
        .collect()
}

fn parents(dependency: &drydock_api::runservice::types::Dependency) -> Vec<TaskName> {
    use drydock_api::runservice::types::Dependency::{Conditional, Name};
    let names: Vec<&String> = match dependency {
        Name(name) => vec![name],
        Conditional(conditions) => conditions.keys().collect(),
    };
    names.into_iter().filter_map(|name| name.parse().ok()).collect()
}
