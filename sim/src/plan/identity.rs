//! What the processes of a run know themselves and each other by.

use drydock_runtime::encryption::KeyRing;
use secrecy::SecretString;

pub const CLUSTER: &str = "sim";

/// What clients and services call each other with.
pub fn token() -> SecretString {
    SecretString::from("simulated-internal-token")
}

/// What operators present.
pub fn admin_token() -> SecretString {
    SecretString::from("simulated-admin-token")
}

/// The encryption keys of every instance.
pub fn keys() -> KeyRing {
    let text = format!("simulated:{}", "5d".repeat(32));
    text.parse().expect("the keys are well-formed")
}
