//! The operations that only the gateway offers. It also serves the operations of [`configstore`],
//! and those operations of [`runservice`] that operators use, under the same paths.
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
    [
        own::all(),
        run::all(),
        configstore::all(),
        runservice::all(),
        runs::executor::all(),
        runs::gate::all(),
    ]
    .concat()
}

pub use own::*;

/// The operations of users.
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
    }
}

/// The operations of operators on a service with a store.
macro_rules! operators {
    ($module:ident, $service:literal) => {
        #[doc = concat!("The operations of operators on ", $service, ".")]
        pub mod $module {
            use super::*;

            endpoints! {
                status = behind(admin::status(), concat!("/api/v1/maintenance/", $service));
                switch_on = behind(admin::switch_on(), concat!("/api/v1/maintenance/", $service));
                switch_off = behind(admin::switch_off(), concat!("/api/v1/maintenance/", $service));
                export = behind(admin::export(), concat!("/api/v1/export/", $service));
                import = behind(admin::import(), concat!("/api/v1/import/", $service));
                lineages = behind(admin::lineages(), concat!("/api/v1/lineages/", $service));
                restore = behind(
                    admin::restore(),
                    concat!("/api/v1/lineages/", $service, "/{lineage}/restore"),
                );
            }
        }
    };
}

operators!(configstore, "configstore");
operators!(runservice, "runservice");

/// An operation of the service behind.
fn behind<F: Failure>(endpoint: Endpoint<F>, path: &'static str) -> Endpoint {
    endpoint.described().at(path).serving()
}
