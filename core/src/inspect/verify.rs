//! Reads and checks everything.
//!
//! A finding says where, what, and what it means for the service. What keeps this from looking at
//! all, such as storage that does not answer, is an error and no finding.

use serde::{Deserialize, Serialize};

use super::{keys, load, objects};
use crate::checkpoint::CheckpointError;
use crate::db::DbError;
use crate::error::Chain;
use crate::log::format::{Action, Body, Object, is_canonical};
use crate::log::segment::SegmentError;
use crate::objects::ObjectError;
use crate::read_model::StoreError;
use crate::store::{Inner, Store};

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// A key or the name of an object.
    pub place: String,
    pub problem: String,
    /// What follows from it.
    pub meaning: String,
}

/// How much was looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    pub keys: u64,
    pub commits: u64,
    pub objects: u64,
    pub bytes: u64,
    /// States that were loaded in full.
    pub states: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    pub checked: Checked,
    /// None: all is sound.
    pub findings: Vec<Finding>,
}

impl Store {
    /// Reads and checks everything that this service has in coordination and objects.
    pub async fn verify(&self) -> Result<Verdict, StoreError> {
        let checked = Checked::default();
        let mut verifier = Verifier { inner: &self.inner, checked, findings: Vec::new() };
        let seen = keys::check(&mut verifier).await?;
        let kept = objects::check(&mut verifier, &seen).await?;
        load::check(&mut verifier, &seen, &kept).await?;
        let Verifier { checked, findings, .. } = verifier;
        Ok(Verdict { checked, findings })
    }
}

pub(super) struct Verifier<'a> {
    pub(super) inner: &'a Inner,
    pub(super) checked: Checked,
    findings: Vec<Finding>,
}

impl Verifier<'_> {
    pub(super) fn find(
        &mut self,
        place: impl ToString,
        problem: impl ToString,
        meaning: impl ToString,
    ) {
        let (place, problem) = (place.to_string(), problem.to_string());
        self.findings.push(Finding { place, problem, meaning: meaning.to_string() });
    }

    /// A failure is a finding, unless it is one to look at all.
    pub(super) fn sound<T>(
        &mut self,
        place: impl ToString,
        meaning: &str,
        result: Result<T, impl Into<StoreError>>,
    ) -> Result<Option<T>, StoreError> {
        let error = match result {
            Ok(value) => return Ok(Some(value)),
            Err(error) => error.into(),
        };
        if prevents(&error) {
            return Err(error);
        }
        self.find(place, Chain(&error), meaning);
        Ok(None)
    }

    /// Checks what a commit holds; `place` is where the commit stands.
    pub(super) async fn body(&mut self, place: &str, body: Body) -> Result<(), StoreError> {
        self.checked.commits += 1;
        let meaning = "this commit cannot be applied any more";
        let read = self.inner.actions(body).await;
        for action in self.sound(place, meaning, read)?.unwrap_or_default() {
            match action {
                Action::Put(object) => self.object(place, &object),
                Action::Delete { r#type, .. } => {
                    if self.inner.schema.find(&r#type).is_none() {
                        self.unknown_type(place, &r#type);
                    }
                }
            }
        }
        Ok(())
    }

    pub(super) fn object(&mut self, place: &str, object: &Object) {
        let Some((_, kind)) = self.inner.schema.find(&object.r#type) else {
            return self.unknown_type(place, &object.r#type);
        };
        let what = format!("object `{}` of type `{}`", object.id, object.r#type);
        if let Err(why) = (kind.check)(object.data.get()) {
            let meaning = "this version cannot read that object";
            self.find(place, format!("{what} is not of its type: {why}"), meaning);
        }
        if !is_canonical(&object.data) {
            let meaning = "exports of equal states would not be equal";
            self.find(place, format!("{what} is not in its canonical form"), meaning);
        }
    }

    fn unknown_type(&mut self, place: &str, kind: &str) {
        let meaning = "another version of the service wrote it; this one cannot load it";
        self.find(place, format!("type `{kind}` is not known"), meaning);
    }
}

/// Whether nothing can be said because of this error.
fn prevents(error: &StoreError) -> bool {
    match error {
        StoreError::Coordination(_) | StoreError::Interrupted(_) | StoreError::Injected(_) => true,
        StoreError::Objects(error)
        | StoreError::Checkpoint(CheckpointError::Objects(error))
        | StoreError::Segment(SegmentError::Objects(error)) => {
            matches!(error, ObjectError::Unavailable { .. })
        }
        StoreError::Db(error) => !matches!(error, DbError::Constraint(_)),
        _ => false,
    }
}
