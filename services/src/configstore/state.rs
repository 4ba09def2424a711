//! What configstore's handlers work with.

use drydock_core::store::Store;

use crate::http::server::context;
use crate::runtime::encryption::KeyRing;

#[derive(Clone)]
pub struct ConfigstoreState {
    pub store: Store,
    pub keys: KeyRing,
}

pub(super) type App = context::App<ConfigstoreState>;
