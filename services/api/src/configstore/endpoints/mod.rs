//! Configstore's operations, by the noun that they are about.

mod people;
mod placed;
mod tree;

use drydock_http::api::endpoint::Endpoint;

pub use people::{linked_account, member, org, token, user};
pub use placed::{group_secret, group_variable, project_secret, project_variable};
pub use tree::{project, project_group, remote_source};

/// All of them, in the order of the document.
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
