//! The graph of a run's tasks: whether they fit together, and an order in which each task comes
//! after its parents.

use std::collections::{BTreeMap, BTreeSet};

use drydock_api::runservice::types::{Conditions, Dependency, TaskName, TaskSpec};

use super::edge::ConditionSet;

pub const MAX_TASKS: usize = 256;
pub const MAX_PARENTS: usize = 64;
pub const MAX_STEPS: usize = 64;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    #[error("a run has 1 to {MAX_TASKS} tasks, not {0}")]
    TaskCount(usize),
    #[error("`{0}` has more than {MAX_PARENTS} parents")]
    TooManyParents(TaskName),
    #[error("`{task}` depends on `{parent}`, which does not exist")]
    UnknownParent { task: TaskName, parent: String },
    #[error("`{0}` depends on itself")]
    OwnParent(TaskName),
    #[error("`{task}` depends on `{parent}` twice")]
    ParentTwice { task: TaskName, parent: TaskName },
    #[error("`{task}` depends on `{parent}` under no condition")]
    NoCondition { task: TaskName, parent: TaskName },
    #[error("these tasks depend on each other in a circle: {}", quoted(.0))]
    Circle(Vec<TaskName>),
}

fn quoted(names: &[TaskName]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// A graph without circles.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Graph {
    parents: BTreeMap<TaskName, BTreeMap<TaskName, ConditionSet>>,
    order: Vec<TaskName>,
}

impl Graph {
    /// The graph of these tasks.
    ///
    /// # Errors
    /// Every reason why there is none.
    pub fn of(specs: &BTreeMap<TaskName, TaskSpec>) -> Result<Graph, Vec<GraphError>> {
        let mut errors = Vec::new();
        if !(1..=MAX_TASKS).contains(&specs.len()) {
            return Err(vec![GraphError::TaskCount(specs.len())]);
        }
        let mut parents = BTreeMap::new();
        for (name, spec) in specs {
            parents.insert(name.clone(), edges(name, spec, specs, &mut errors));
        }
        let order = order(&parents);
        if order.len() < parents.len() {
            errors.push(GraphError::Circle(circle(&parents, &order)));
        }
        if errors.is_empty() { Ok(Graph { parents, order }) } else { Err(errors) }
    }

    /// All tasks, parents before children; names order what is left open.
    pub fn order(&self) -> &[TaskName] {
        &self.order
    }

    pub fn place(&self, name: &TaskName) -> usize {
        self.order.iter().position(|it| it == name).unwrap_or(usize::MAX)
    }

    pub fn parents(&self, name: &TaskName) -> &BTreeMap<TaskName, ConditionSet> {
        self.parents.get(name).expect("the graph has every task")
    }

    /// All tasks above `name`.
    pub fn ancestors(&self, name: &TaskName) -> BTreeSet<&TaskName> {
        let mut found = BTreeSet::new();
        let mut open: Vec<&TaskName> = self.parents(name).keys().collect();
        while let Some(next) = open.pop() {
            if found.insert(next) {
                open.extend(self.parents(next).keys());
            }
        }
        found
    }
}

/// The edges into `name`. What is wrong with them is added to `errors`.
fn edges(
    name: &TaskName,
    spec: &TaskSpec,
    specs: &BTreeMap<TaskName, TaskSpec>,
    errors: &mut Vec<GraphError>,
) -> BTreeMap<TaskName, ConditionSet> {
    let mut edges = BTreeMap::new();
    let mut add = |parent: &str, conditions: ConditionSet| {
        let known = parent.parse().ok().filter(|parent| specs.contains_key(parent));
        let Some(parent) = known else {
            let parent = parent.to_owned();
            errors.push(GraphError::UnknownParent { task: name.clone(), parent });
            return;
        };
        if parent == *name {
            errors.push(GraphError::OwnParent(parent));
        } else if conditions.is_empty() {
            errors.push(GraphError::NoCondition { task: name.clone(), parent });
        } else if edges.insert(parent.clone(), conditions).is_some() {
            errors.push(GraphError::ParentTwice { task: name.clone(), parent });
        }
    };
    for dependency in &spec.depends {
        match dependency {
            Dependency::Name(parent) => add(parent, ConditionSet::SUCCESS),
            Dependency::Conditional(parents) => {
                for (parent, conditions) in parents {
                    let conditions = match conditions {
                        Conditions::One(one) => std::slice::from_ref(one),
                        Conditions::Any(any) => any,
                    };
                    add(parent, ConditionSet::of(conditions));
                }
            }
        }
    }
    if edges.len() > MAX_PARENTS {
        errors.push(GraphError::TooManyParents(name.clone()));
    }
    edges
}

type Parents = BTreeMap<TaskName, BTreeMap<TaskName, ConditionSet>>;

/// Kahn's algorithm. Tasks in a circle, and those below one, are left out.
fn order(parents: &Parents) -> Vec<TaskName> {
    let mut children: BTreeMap<&TaskName, Vec<&TaskName>> = BTreeMap::new();
    let mut missing: BTreeMap<&TaskName, usize> = BTreeMap::new();
    for (name, above) in parents {
        missing.insert(name, above.len());
        for parent in above.keys() {
            children.entry(parent).or_default().push(name);
        }
    }
    let mut free: BTreeSet<&TaskName> =
        missing.iter().filter(|(_, count)| **count == 0).map(|(name, _)| *name).collect();
    let mut order = Vec::new();
    while let Some(next) = free.pop_first() {
        order.push(next.clone());
        for child in children.get(next).into_iter().flatten() {
            let count = missing.get_mut(child).expect("every task was counted");
            *count -= 1;
            if *count == 0 {
                free.insert(child);
            }
        }
    }
    order
}

/// The tasks that are in circles or between two of them.
fn circle(parents: &Parents, order: &[TaskName]) -> Vec<TaskName> {
    let mut left: BTreeSet<&TaskName> =
        parents.keys().filter(|name| !order.contains(name)).collect();
    loop {
        let is_parent =
            |name: &TaskName| left.iter().any(|child| parents[*child].contains_key(name));
        let kept: BTreeSet<_> = left.iter().copied().filter(|name| is_parent(name)).collect();
        if kept.len() == left.len() {
            return kept.into_iter().cloned().collect();
        }
        left = kept;
    }
}
