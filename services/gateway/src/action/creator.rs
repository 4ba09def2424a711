//! The creator of a run, as its annotations name it.

use std::collections::BTreeMap;

use crate::auth::caller::Caller;

/// The name of those who have the admin token. No user has it: names hold no spaces.
pub const ADMIN_TOKEN: &str = "admin token";

/// The annotation with the creator's name.
pub const CREATOR: &str = "creator";
/// The annotation with the id of the creator, if it is a user.
pub const CREATOR_ID: &str = "creator_id";

/// Whether the caller created the run with these annotations. Names may have changed hands since,
/// so ids are compared.
pub fn is_creator(caller: &Caller, annotations: &BTreeMap<String, String>) -> bool {
    match caller.user() {
        Some(user) => annotations.get(CREATOR_ID) == Some(&user.id.to_string()),
        None => annotations.get(CREATOR).is_some_and(|creator| creator == ADMIN_TOKEN),
    }
}
