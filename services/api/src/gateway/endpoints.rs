//! What only the gateway has. Its other operations are those of [`configstore`], with the same
//! paths.
//!
//! [`configstore`]: crate::configstore::endpoints

use drydock_core::error::Code;
use drydock_http::api::endpoint::Endpoint;

use crate::admin::endpoints as admin;
use crate::configstore::types::User;
use crate::endpoints::endpoints;

endpoints! {
    me = Endpoint::get("/api/v1/user")
        .about("shows whose token it is")
        .shows::<User>()
        .refuses(&[Code::Forbidden]);
    status = behind(admin::status(), "/api/v1/maintenance/configstore");
    switch_on = behind(admin::switch_on(), "/api/v1/maintenance/configstore");
    switch_off = behind(admin::switch_off(), "/api/v1/maintenance/configstore");
    export = behind(admin::export(), "/api/v1/export/configstore");
    import = behind(admin::import(), "/api/v1/import/configstore");
    lineages = behind(admin::lineages(), "/api/v1/lineages/configstore");
    restore = behind(admin::restore(), "/api/v1/lineages/configstore/{lineage}/restore");
}

/// What operators ask of the service behind.
fn behind(endpoint: Endpoint, path: &'static str) -> Endpoint {
    endpoint.at(path).serving()
}
