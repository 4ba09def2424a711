//! Encryption at rest: AES-256-GCM-SIV under one of several configured keys.
//!
//! Invariants: a cipher text names its key by an identity that is made from the key's bytes, so
//! that it survives an export, an import, a change of the primary key and a new name for the key,
//! and is never tried with another key of the same name; it is bound to its object (kind and id),
//! so that it cannot be decrypted for another one. No key and no plain text is ever shown or
//! logged. Nonces are random; a repeated nonce reveals only that two plain texts of one object are
//! equal.
//!
//! The first key is the primary key, which encrypts. The other keys only decrypt. A text under
//! another key is encrypted again under the primary key when it is used, or on request. Texts of
//! earlier versions name their key as the configuration does.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use aes_gcm_siv::aead::{Aead, KeyInit, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Key, Nonce};
use drydock_core::env::Env;
use drydock_core::error::{ApiError, Code};
use drydock_core::read_model::{KeyCheck, KeyProblem};
use rand::RngExt;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::Zeroizing;

const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 12;
/// The context of the function that makes identities.
const IDENTITY: &str = "drydock encryption key identity 1";
const IDENTITY_BYTES: usize = 8;
const MAX_KEYS: usize = 16;
const MAX_KEY_ID_LENGTH: usize = 32;

/// The configured keys. Clones share them.
#[derive(Clone)]
pub struct KeyRing(Arc<[NamedKey]>);

struct NamedKey {
    /// The name in the configuration, which means nothing to others.
    name: String,
    /// What texts call the key.
    id: String,
    cipher: Aes256GcmSiv,
}

/// A cipher text as it is stored, with its key and nonce.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Encrypted {
    pub key: String,
    nonce: HexBytes,
    text: HexBytes,
}

/// The object to which a cipher text is bound.
#[derive(Debug, Clone, Copy)]
pub struct Bound {
    pub kind: &'static str,
    pub id: Uuid,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKeys {
    #[error("has no key; it is a list such as `name:64 hexadecimal digits,name:…`")]
    None,
    #[error("has more than {MAX_KEYS} keys")]
    TooMany,
    #[error("has a key without a name of 1 to {MAX_KEY_ID_LENGTH} letters, digits and dashes")]
    Id,
    #[error("has two keys with the name `{0}`")]
    Twice(String),
    #[error("has a key `{0}` that is not 64 hexadecimal digits")]
    Key(String),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecryptError {
    #[error("the encryption key `{0}` is not configured")]
    UnknownKey(String),
    #[error("a text encrypted under the key `{0}` is damaged, or belongs to another object")]
    Damaged(String),
}

impl From<DecryptError> for ApiError {
    fn from(error: DecryptError) -> ApiError {
        match &error {
            DecryptError::UnknownKey(_) => ApiError::new(Code::EncryptionKeyMissing.kind())
                .with_code(Code::EncryptionKeyMissing)
                .with_message("a key that this needs is not configured")
                .with_source(error),
            DecryptError::Damaged(_) => ApiError::new(Code::Internal.kind()).with_source(error),
        }
    }
}

impl KeyRing {
    /// All names by which texts may call the keys: identities, and names of the configuration in
    /// texts of earlier versions.
    pub fn references(&self) -> BTreeSet<String> {
        self.0.iter().flat_map(|key| [key.id.clone(), key.name.clone()]).collect()
    }

    /// The names and the identities of the keys, in the order of the configuration.
    pub fn named(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|key| (key.name.as_str(), key.id.as_str()))
    }

    /// The name in the configuration of the key that a text calls `reference`.
    pub fn name_of(&self, reference: &str) -> Option<&str> {
        let found = self.0.iter().find(|key| key.id == reference);
        let found = found.or_else(|| self.0.iter().find(|key| key.name == reference));
        found.map(|key| key.name.as_str())
    }

    /// The identity of the key that encrypts.
    pub fn primary(&self) -> &str {
        &self.0[0].id
    }

    /// Encrypts `plain` for the object `bound` under the primary key.
    pub fn encrypt(&self, env: &Env, bound: Bound, plain: &[u8]) -> Encrypted {
        let NamedKey { id, cipher, .. } = &self.0[0];
        let nonce: [u8; NONCE_BYTES] = env.rng("nonces").random();
        let payload = Payload { msg: plain, aad: &associated(bound, id) };
        let text = cipher.encrypt(&Nonce::from(nonce), payload);
        let text = text.expect("no text that fits into a request is too long for the cipher");
        Encrypted { key: id.clone(), nonce: HexBytes(nonce.to_vec()), text: HexBytes(text) }
    }

    /// Decrypts a text that was encrypted for the object `bound`.
    pub fn decrypt(
        &self,
        bound: Bound,
        encrypted: &Encrypted,
    ) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
        let reference = &encrypted.key;
        let unknown = || DecryptError::UnknownKey(reference.clone());
        let damaged = || DecryptError::Damaged(reference.clone());
        let nonce: [u8; NONCE_BYTES] =
            encrypted.nonce.0.as_slice().try_into().map_err(|_| damaged())?;
        let payload = Payload { msg: &encrypted.text.0, aad: &associated(bound, reference) };
        let open = |key: &NamedKey| key.cipher.decrypt(&Nonce::from(nonce), payload);
        let plain = match self.0.iter().find(|key| key.id == *reference) {
            Some(key) => open(key).map_err(|_| damaged())?,
            // Of an earlier version: a key of that name with other bytes is another key.
            None => {
                let key = self.0.iter().find(|key| key.name == *reference).ok_or_else(unknown)?;
                open(key).map_err(|_| unknown())?
            }
        };
        Ok(Zeroizing::new(plain))
    }

    /// Whether a text is encrypted under the primary key.
    pub fn is_current(&self, encrypted: &Encrypted) -> bool {
        self.0[0].id == encrypted.key
    }
}

impl KeyCheck for KeyRing {
    fn check(&self, kind: &'static str, id: Uuid, text: &str) -> Result<(), KeyProblem> {
        let encrypted: Encrypted = serde_json::from_str(text).map_err(|_| KeyProblem::Damaged)?;
        match self.decrypt(Bound { kind, id }, &encrypted) {
            Ok(_) => Ok(()),
            Err(DecryptError::UnknownKey(key)) => Err(KeyProblem::Missing(key)),
            Err(DecryptError::Damaged(_)) => Err(KeyProblem::Damaged),
        }
    }
}

/// The identity of a key: a one-way function of its bytes, of which it tells nothing else.
pub fn identity(key: &[u8; KEY_BYTES]) -> String {
    let derived = Zeroizing::new(blake3::derive_key(IDENTITY, key));
    // No name has a colon.
    format!("blake3:{}", hex::encode(&derived[..IDENTITY_BYTES]))
}

fn associated(bound: Bound, key: &str) -> Vec<u8> {
    format!("drydock/sealed/1\n{}\n{}\n{key}", bound.kind, bound.id).into_bytes()
}

impl FromStr for KeyRing {
    type Err = InvalidKeys;

    /// Reads `name:key,name:key`; errors show names, never keys.
    fn from_str(text: &str) -> Result<KeyRing, InvalidKeys> {
        let mut keys: Vec<NamedKey> = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, key) = part.split_once(':').ok_or(InvalidKeys::Id)?;
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
            if !(1..=MAX_KEY_ID_LENGTH).contains(&name.len()) || !name.chars().all(plain) {
                return Err(InvalidKeys::Id);
            }
            if keys.iter().any(|key| key.name == name) {
                return Err(InvalidKeys::Twice(name.to_owned()));
            }
            let mut bytes = Zeroizing::new([0; KEY_BYTES]);
            hex::decode_to_slice(key, bytes.as_mut_slice())
                .map_err(|_| InvalidKeys::Key(name.to_owned()))?;
            let cipher = Aes256GcmSiv::new(&Key::<Aes256GcmSiv>::from(*bytes));
            keys.push(NamedKey { name: name.to_owned(), id: identity(&bytes), cipher });
        }
        match keys.len() {
            0 => Err(InvalidKeys::None),
            1..=MAX_KEYS => Ok(KeyRing(keys.into())),
            _ => Err(InvalidKeys::TooMany),
        }
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyRing").field(&self.named().collect::<Vec<_>>()).finish()
    }
}

/// HexBytes as hexadecimal text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct HexBytes(Vec<u8>);

impl TryFrom<String> for HexBytes {
    type Error = hex::FromHexError;

    fn try_from(text: String) -> Result<HexBytes, hex::FromHexError> {
        hex::decode(text).map(HexBytes)
    }
}

impl From<HexBytes> for String {
    fn from(bytes: HexBytes) -> String {
        hex::encode(bytes.0)
    }
}

#[cfg(test)]
mod tests {
    use drydock_core::env::{ManualClock, RngTree};
    use jiff::Timestamp;

    use super::*;

    fn env() -> Env {
        Env::new(Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH)), RngTree::from_seed(1))
    }

    fn key(digit: char) -> String {
        digit.to_string().repeat(64)
    }

    fn ring(keys: &str) -> KeyRing {
        keys.parse().unwrap()
    }

    fn bound(id: u128) -> Bound {
        Bound { kind: "secrets", id: Uuid::from_u128(id) }
    }

    #[test]
    fn a_cipher_text_survives_json_and_a_new_primary_key() {
        let old = ring(&format!("old:{}", key('1')));
        let encrypted = old.encrypt(&env(), bound(1), b"plain");
        let json = serde_json::to_string(&encrypted).unwrap();
        assert!(!json.contains("plain"));
        let read: Encrypted = serde_json::from_str(&json).unwrap();
        let both = ring(&format!("new:{},old:{}", key('2'), key('1')));
        assert_eq!(both.decrypt(bound(1), &read).unwrap().as_slice(), b"plain");
        assert!(!both.is_current(&read));
        let again = both.encrypt(&env(), bound(1), b"plain");
        assert!(both.is_current(&again));
        let missing = DecryptError::UnknownKey(both.primary().to_owned());
        assert_eq!(old.decrypt(bound(1), &again), Err(missing));
    }

    #[test]
    fn a_cipher_text_is_decrypted_only_for_its_object_and_only_undamaged() {
        let ring = ring(&format!("one:{},two:{}", key('1'), key('2')));
        let encrypted = ring.encrypt(&env(), bound(1), b"plain");
        let damaged = Err(DecryptError::Damaged(ring.primary().to_owned()));
        assert_eq!(ring.decrypt(bound(2), &encrypted), damaged);
        let other = Bound { kind: "variables", ..bound(1) };
        assert_eq!(ring.decrypt(other, &encrypted), damaged);
        let mut flipped = encrypted.clone();
        flipped.text.0[0] ^= 1;
        assert_eq!(ring.decrypt(bound(1), &flipped), damaged);
        let mut cut = encrypted.clone();
        cut.nonce.0.pop();
        assert_eq!(ring.decrypt(bound(1), &cut), damaged);
        let two = identity(&[0x22; KEY_BYTES]);
        let other = Encrypted { key: two.clone(), ..encrypted };
        assert_eq!(ring.decrypt(bound(1), &other), Err(DecryptError::Damaged(two)));
    }

    #[test]
    fn a_key_is_known_by_its_bytes_and_not_by_its_name() {
        let (mine, other) =
            (ring(&format!("key:{}", key('1'))), ring(&format!("key:{}", key('2'))));
        let encrypted = mine.encrypt(&env(), bound(1), b"plain");
        let missing = DecryptError::UnknownKey(mine.primary().to_owned());
        assert_eq!(other.decrypt(bound(1), &encrypted), Err(missing));
        let text = serde_json::to_string(&encrypted).unwrap();
        let problem = KeyProblem::Missing(mine.primary().to_owned());
        assert_eq!(other.check("secrets", Uuid::from_u128(1), &text), Err(problem));
        let renamed = ring(&format!("key:{},prod:{}", key('2'), key('1')));
        assert_eq!(renamed.decrypt(bound(1), &encrypted).unwrap().as_slice(), b"plain");
        assert_eq!(renamed.name_of(mine.primary()), Some("prod"));
    }

    #[test]
    fn a_text_of_an_earlier_version_names_its_key_as_the_configuration_does() {
        let ring = ring(&format!("old:{}", key('1')));
        let text = ring.0[0].cipher.encrypt(
            &Nonce::from([7; NONCE_BYTES]),
            Payload { msg: b"plain", aad: &associated(bound(1), "old") },
        );
        let encrypted = Encrypted {
            key: "old".to_owned(),
            nonce: HexBytes(vec![7; NONCE_BYTES]),
            text: HexBytes(text.unwrap()),
        };
        assert_eq!(ring.decrypt(bound(1), &encrypted).unwrap().as_slice(), b"plain");
        assert!(!ring.is_current(&encrypted), "it is encrypted again when it is used");
        let other: KeyRing = format!("old:{}", key('2')).parse().unwrap();
        let missing = Err(DecryptError::UnknownKey("old".into()));
        assert_eq!(other.decrypt(bound(1), &encrypted), missing);
    }

    #[test]
    fn errors_of_invalid_key_rings_show_no_key() {
        let good = key('a');
        for (text, expected) in [
            ("".to_owned(), InvalidKeys::None),
            (" , ".to_owned(), InvalidKeys::None),
            (good.clone(), InvalidKeys::Id),
            (format!(":{good}"), InvalidKeys::Id),
            (format!("a b:{good}"), InvalidKeys::Id),
            (format!("a:{good},a:{good}"), InvalidKeys::Twice("a".into())),
            (format!("a:{}", &good[1..]), InvalidKeys::Key("a".into())),
            (format!("a:{}", key('x')), InvalidKeys::Key("a".into())),
        ] {
            let error = text.parse::<KeyRing>().unwrap_err();
            assert_eq!(error, expected);
            assert!(!error.to_string().contains("aaaa"));
        }
        let shown = format!("{:?}", ring(&format!("one:{good}")));
        assert!(shown.starts_with(r#"KeyRing([("one", "blake3:"#), "{shown}");
        assert!(!shown.contains("aaaa"), "{shown}");
    }
}
