//! Everything that can be set for one instance of a service.

use std::time::Duration;

use drydock_core::store::StoreSettings;
use drydock_http::server::HttpSettings;
use secrecy::SecretString;

use crate::encryption::KeyRing;

#[derive(Debug, Clone)]
pub struct Settings {
    /// Separates deployments that share a coordination store or a bucket.
    pub cluster: String,
    /// What callers of an internal service must present.
    pub internal_token: SecretString,
    /// What secrets are encrypted with.
    pub keys: KeyRing,
    pub http: HttpSettings,
    pub store: StoreSettings,
    /// How long an instance counts as live after it was last heard of.
    pub lease_ttl: Duration,
    /// How long requests in flight may go on when maintenance begins.
    pub maintenance_drain: Duration,
}

impl Settings {
    /// The defaults, with this token and these keys.
    pub fn new(internal_token: SecretString, keys: KeyRing) -> Settings {
        Settings {
            cluster: "default".to_owned(),
            internal_token,
            keys,
            http: HttpSettings::default(),
            store: StoreSettings::default(),
            lease_ttl: Duration::from_secs(10),
            maintenance_drain: Duration::from_secs(10),
        }
    }
}

/// Everything that can be set for one instance of a service without a store.
#[derive(Debug, Clone)]
pub struct StatelessSettings {
    /// What callers of an internal service must present.
    pub internal_token: SecretString,
    pub http: HttpSettings,
}
