//! What configstore's handlers work with.

use std::sync::Arc;

use drydock_core::store::Store;

use crate::http::server::context;
use crate::runtime::encryption::KeyRing;
use crate::runtime::routes::{Admin, Administered};

#[derive(Clone)]
pub struct Configstore {
    pub store: Store,
    pub admin: Arc<dyn Admin>,
    pub keys: KeyRing,
}

impl Administered for Configstore {
    fn admin(&self) -> &dyn Admin {
        &*self.admin
    }
}

pub(super) type App = context::App<Configstore>;
