//! The gateway's implementation of the runtime's trait [`Stateless`].

use drydock_api::gateway::SERVICE;
use drydock_http::server::route::Route;
use drydock_runtime::Stateless;

use super::routes::routes;
use super::state::Gateway;

impl Stateless for Gateway {
    const NAME: &'static str = SERVICE;

    fn routes() -> Vec<Route<Gateway>> {
        routes()
    }
}
