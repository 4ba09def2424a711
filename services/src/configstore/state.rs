//! What configstore's handlers work with.

use std::sync::Arc;

use drydock_core::store::Store;

use crate::http::admin::{Admin, Administered};
use crate::http::shell;
use crate::seal::KeyRing;

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

pub(super) type App = shell::App<Configstore>;
