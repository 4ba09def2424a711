use std::ops::Deref;
use std::sync::Arc;

use drydock_harness::fault::Faults;

use crate::plan::Plan;
use crate::plan::fault::{Fault, FaultKind};

/// The faults of a run by what they are: those of coordination and objects are carried out by
/// storage, behind the same indexes as the harness's.
#[derive(Clone)]
pub struct StorageFaults {
    planned: Arc<Vec<Fault>>,
    faults: Faults,
}

impl StorageFaults {
    pub fn new(plan: &Plan, faults: &Faults) -> StorageFaults {
        StorageFaults { planned: Arc::new(plan.faults.clone()), faults: faults.clone() }
    }

    /// What the fault is.
    pub fn kind(&self, index: usize) -> &FaultKind {
        &self.planned[index].what
    }

    /// The first active fault that `pick` wants.
    pub fn find<'a, T>(&'a self, pick: impl Fn(&'a FaultKind) -> Option<T>) -> Option<(usize, T)> {
        self.faults.first(|index| pick(self.kind(index)))
    }

    /// Takes one strike of the first active fault that `pick` wants, and that has any left of the
    /// count that `pick` tells.
    pub fn strike<'a, T>(
        &'a self,
        pick: impl Fn(&'a FaultKind) -> Option<(u64, T)>,
    ) -> Option<(usize, T)> {
        self.faults.strike(|index| pick(self.kind(index)))
    }
}

impl Deref for StorageFaults {
    type Target = Faults;

    fn deref(&self) -> &Faults {
        &self.faults
    }
}
