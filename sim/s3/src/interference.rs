//! Where a test or a plan may make things go wrong.

use std::time::Duration;

use super::error::Code;
use super::request::operation::Operation;
use super::state::Object;

/// A request, as far as faults may depend on it.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// Who asks, as the listener named it.
    pub peer: &'a str,
    pub operation: Operation,
    pub bucket: &'a str,
    pub key: &'a str,
}

/// Decides what goes wrong. It is asked once for every request, and once more for every key of a
/// bulk deletion, with [`Operation::DeleteObject`], where only [`Outcome`]s with a code matter.
pub trait Interference: Send + Sync {
    fn strike(&self, call: &Call<'_>) -> Strike;

    /// A request is over, with the mark of what struck it. None: it was never answered, because its
    /// connection ended first.
    fn answered(&self, _: &Asked<'_>, _mark: Option<u64>, _: Option<Answer>) {}

    /// A listing does not show what is there.
    fn listed_late(&self) {}

    /// An object was written, or deleted: none. Called while the state is locked.
    fn changed(&self, _bucket: &str, _key: &str, _object: Option<&Object>) {}
}

/// What goes wrong with one request; by default nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Strike {
    /// Between the arrival of the request and its effect.
    pub before: Duration,
    pub outcome: Outcome,
    /// Between the effect and the answer.
    pub after: Duration,
    /// Whose doing it is, told again when the request is over.
    pub mark: Option<u64>,
}

/// A request that is over, as far as it was understood.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    pub peer: &'a str,
    pub operation: Option<Operation>,
    pub bucket: &'a str,
    pub key: &'a str,
}

/// What it was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub code: Option<Code>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Outcome {
    #[default]
    Fine,
    /// Answered with an error, without effect.
    Refuse(Code),
    /// Takes effect, and is answered with an error.
    Fail(Code),
    /// As `Refuse` and `Fail`, but after a status of 200 (copies and completed uploads only; for
    /// others, like those).
    LateRefuse(Code),
    LateFail(Code),
    /// The connection ends when the request has been read: without effect.
    ResetBefore,
    /// The connection ends before the answer: with effect.
    ResetAfter,
    /// The connection ends after so many bytes of the answer's body.
    Truncate(usize),
}

impl Outcome {
    /// Whether the request takes effect, should it be a valid one.
    pub fn applies(self) -> bool {
        !matches!(self, Outcome::Refuse(_) | Outcome::LateRefuse(_) | Outcome::ResetBefore)
    }

    /// The error that is answered in any case.
    pub fn code(self) -> Option<Code> {
        match self {
            Outcome::Refuse(code)
            | Outcome::Fail(code)
            | Outcome::LateRefuse(code)
            | Outcome::LateFail(code) => Some(code),
            Outcome::Fine | Outcome::ResetBefore | Outcome::ResetAfter | Outcome::Truncate(_) => {
                None
            }
        }
    }

    /// Whether the error comes after a 200.
    pub fn is_late(self) -> bool {
        matches!(self, Outcome::LateRefuse(_) | Outcome::LateFail(_))
    }
}

/// Nothing goes wrong.
#[derive(Debug, Clone, Copy, Default)]
pub struct Calm;

impl Interference for Calm {
    fn strike(&self, _: &Call<'_>) -> Strike {
        Strike::default()
    }
}
