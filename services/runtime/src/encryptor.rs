//! Encryption by the actions of a service: with the nonces of its environment, and with the refusal
//! of a request whose key is missing.

use drydock_api::refusals::EncryptionKeyMissing;
use drydock_core::env::Env;
use drydock_core::error::ActionError;
use zeroize::Zeroizing;

use crate::encryption::{Bound, DecryptError, Encrypted, KeyRing};

/// The configured keys, and the source of nonces.
#[derive(Clone)]
pub struct Encryptor {
    pub env: Env,
    pub keys: KeyRing,
}

impl Encryptor {
    pub fn encrypt(&self, bound: Bound, plain: &[u8]) -> Encrypted {
        self.keys.encrypt(&self.env, bound, plain)
    }
}

/// # Errors
/// `encryption_key_missing` if the key is not configured.
pub fn decrypt<F: From<EncryptionKeyMissing>>(
    keys: &KeyRing,
    bound: Bound,
    encrypted: &Encrypted,
) -> Result<Zeroizing<Vec<u8>>, ActionError<F>> {
    keys.decrypt(bound, encrypted).map_err(|error| match error {
        DecryptError::UnknownKey(_) => ActionError::because(EncryptionKeyMissing, error),
        DecryptError::Damaged(_) => ActionError::internal(error),
    })
}
