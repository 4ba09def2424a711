//! What configstore's handlers work with.

use drydock_core::store::Store;
use drydock_http::server::context;
use drydock_runtime::encryption::KeyRing;

#[derive(Clone)]
pub struct ConfigstoreState {
    pub store: Store,
    pub keys: KeyRing,
}

pub(super) type App = context::App<ConfigstoreState>;
