//! Whether the encrypted texts of objects can be decrypted where they are.
//!
//! Core knows no cipher: a service says where an object keeps its encrypted text
//! ([`ObjectType::encrypted`](super::ObjectType)), and hands in a check that has the keys.

use uuid::Uuid;

/// Why an encrypted text cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyProblem {
    /// The key is not configured; its identity, or its name in texts of earlier versions.
    Missing(String),
    /// The key is there, and the text is damaged or belongs to another object.
    Damaged,
}

/// The keys at hand.
pub trait KeyCheck: Send + Sync {
    /// Tries the encrypted text of the object `id` of a type.
    fn check(&self, kind: &'static str, id: Uuid, text: &str) -> Result<(), KeyProblem>;
}

/// No keys are at hand, and nothing is tried.
#[derive(Debug, Clone, Copy)]
pub struct Unchecked;

impl KeyCheck for Unchecked {
    fn check(&self, _: &'static str, _: Uuid, _: &str) -> Result<(), KeyProblem> {
        Ok(())
    }
}
