//! Configstore's operations, grouped by noun.

mod people;
mod scoped;
mod tree;

use drydock_http::api::endpoint::Endpoint;

pub use people::{linked_account, member, org, token, user};
pub use scoped::{group_secret, group_variable, project_secret, project_variable};
pub use tree::{project, project_group, remote_source};

/// All endpoints, in the order of the document.
pub fn all() -> Vec<Endpoint> {
    [
        user::all(),
        token::all(),
        linked_account::all(),
        org::all(),
        member::all(),
        remote_source::all(),
        project_group::all(),
        project::all(),
        project_secret::all(),
        project_variable::all(),
        group_secret::all(),
        group_variable::all(),
    ]
    .concat()
}
