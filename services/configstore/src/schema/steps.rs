//! How objects of earlier versions of the schema become those of this one.
//!
//! | version | change |
//! |---|---|
//! | 1 | users, organizations, members |
//! | 2 | all other types; none of the earlier ones changed |
//! | 3 | `deleted_at` of project groups; `caller` and `nth` of stored answers |
//!
//! Builds wrote version 3 as version 2 for a while: the step to 3 leaves those objects as they are.

use drydock_core::read_model::{SchemaStep, TypeStep};
use drydock_runtime::once::NUMBERED_ANSWERS;

use super::PROJECT_GROUPS;

pub const STEPS: &[SchemaStep] = &[
    SchemaStep { version: 2, types: &[] },
    SchemaStep { version: 3, types: &[DELETED_GROUPS, NUMBERED_ANSWERS] },
];

/// The root of a subtree that nobody sees any more has neither owner nor parent, but a time.
const DELETED_GROUPS: TypeStep = TypeStep {
    name: PROJECT_GROUPS,
    up: |_| Ok(()),
    down: |group| match group.contains_key("deleted_at") {
        true => Err("version 2 has no deleted groups".to_owned()),
        false => Ok(()),
    },
};
