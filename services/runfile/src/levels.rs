//! The levels in which a run's tasks can be shown.

use std::collections::{BTreeMap, BTreeSet};

use drydock_api::runservice::types::{Dependency, TaskSpec};

/// The names of the tasks that `task` depends on.
pub fn parents_of(task: &TaskSpec) -> BTreeSet<&str> {
    let mut parents = BTreeSet::new();
    for dependency in &task.depends {
        match dependency {
            Dependency::Name(name) => {
                parents.insert(&**name);
            }
            Dependency::Conditional(edges) => parents.extend(edges.keys().map(String::as_str)),
        }
    }
    parents
}

/// The tasks in levels: a task is one level below the lowest of its parents. For tasks of a file
/// that was read, so without circles; tasks in one are left out.
pub fn levels(tasks: &BTreeMap<String, TaskSpec>) -> Vec<Vec<&str>> {
    let mut open: BTreeMap<&str, BTreeSet<&str>> =
        tasks.iter().map(|(name, task)| (&**name, parents_of(task))).collect();
    let mut levels = Vec::new();
    loop {
        let is_free = |above: &BTreeSet<&str>| above.iter().all(|it| !open.contains_key(it));
        let level: Vec<&str> =
            open.iter().filter(|(_, above)| is_free(above)).map(|(name, _)| *name).collect();
        if level.is_empty() {
            return levels;
        }
        open.retain(|name, _| !level.contains(name));
        levels.push(level);
    }
}
