//! The steps that turn an object of an earlier schema version into one of the current version.
//!
//! | version | change |
//! |---|---|
//! | 1 | users, organizations, members |
//! | 2 | all other types; none of the earlier ones changed |
//! | 3 | `deleted_at` of project groups, users and organizations; `caller` and `nth` of stored answers |
//!
//! Builds wrote version 3 as version 2 for a while: the step to 3 leaves those objects as they are.

use drydock_core::read_model::{SchemaStep, TypeStep};
use drydock_runtime::once::NUMBERED_ANSWERS;

use super::{ORGS, PROJECT_GROUPS, USERS};

pub const STEPS: &[SchemaStep] = &[
    SchemaStep { version: 2, types: &[] },
    SchemaStep {
        version: 3,
        types: &[deletable(USERS), deletable(ORGS), deletable(PROJECT_GROUPS), NUMBERED_ANSWERS],
    },
];

/// An owner, or the root of a subtree, that nobody sees any more has a time instead of a name.
const fn deletable(name: &'static str) -> TypeStep {
    TypeStep {
        name,
        up: |_| Ok(()),
        down: |object| match object.contains_key("deleted_at") {
            true => Err("version 2 has no objects that are deleted later".to_owned()),
            false => Ok(()),
        },
    }
}
