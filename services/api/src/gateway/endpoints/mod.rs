//! The operations that only the gateway has. Its other operations have the paths of those of
//! [`configstore`], and of those of [`runservice`] that are for operators.
//!
//! [`configstore`]: crate::configstore::endpoints
//! [`runservice`]: crate::runservice::endpoints

pub mod run;

use drydock_core::error::Failure;
use drydock_core::refusals;
use drydock_http::api::endpoint::Endpoint;
use drydock_http::api::precondition::RevisionMismatch;

use crate::admin::endpoints as admin;
use crate::configstore::endpoints::{org, user};
use crate::configstore::refusals::{
    InvalidRef, NotRepeatable, OrgAlreadyExists, UserAlreadyExists, UserNotExist,
};
use crate::configstore::types::User;
use crate::endpoints::endpoints;
use crate::names::InvalidName;
use crate::runservice::endpoints as runs;

refusals! {
    /// The caller is known, but lacks the right.
    Forbidden(why: &'static str) = "{why}";
}

/// All endpoints, in the order of the document.
pub fn all() -> Vec<Endpoint> {
    [own::all(), run::all(), runs::executor::all(), runs::gate::all()].concat()
}

pub use own::*;

/// The operations of users and operators.
mod own {
    use super::*;

    endpoints! {
        me: Me { Forbidden } =
            Endpoint::get("/api/v1/user")
                .about("shows whose token it is")
                .shows::<User>();
        create_org: CreateOrg {
            Forbidden, InvalidName, InvalidRef, NotRepeatable, OrgAlreadyExists, UserNotExist,
        } = org::create().failing();
        update_user: UpdateUser {
            Forbidden, InvalidName, RevisionMismatch, UserAlreadyExists, UserNotExist,
        } = user::update().failing();
        status = behind(admin::status(), "/api/v1/maintenance/configstore");
        switch_on = behind(admin::switch_on(), "/api/v1/maintenance/configstore");
        switch_off = behind(admin::switch_off(), "/api/v1/maintenance/configstore");
        export = behind(admin::export(), "/api/v1/export/configstore");
        import = behind(admin::import(), "/api/v1/import/configstore");
        lineages = behind(admin::lineages(), "/api/v1/lineages/configstore");
        restore = behind(admin::restore(), "/api/v1/lineages/configstore/{lineage}/restore");
    }
}

/// What operators ask of the service behind.
fn behind<F: Failure>(endpoint: Endpoint<F>, path: &'static str) -> Endpoint {
    endpoint.described().at(path).serving()
}
