//! Reads and checks all keys and objects of a service.
//!
//! A finding says where the problem is, what it is, and its consequence for the service. A failure
//! that prevents the check, such as storage that does not answer, is an error and no finding.

use object_store::path::Path;
use serde::{Deserialize, Serialize};

use super::blobs::UnnamedBlob;
use super::{keys, load, objects};
use crate::db::DbError;
use crate::error::{Chain, FailureClass};
use crate::log::format::{Commit, Mutation, Object, is_canonical};
use crate::read_model::StoreError;
use crate::store::{Inner, Store};

/// A problem in the stored data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// A key or the name of an object.
    pub place: String,
    pub problem: String,
    /// The consequence for the service.
    pub meaning: String,
}

/// The amount of data that was checked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    pub keys: u64,
    pub commits: u64,
    pub objects: u64,
    pub bytes: u64,
    /// The number of states that were loaded in full.
    pub states: u64,
    /// The number of blobs that the state names, such as logs.
    pub blobs: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    pub checked: Checked,
    /// Empty if the store is sound.
    pub findings: Vec<Finding>,
    /// The blobs that the state does not name, and what becomes of each.
    pub unnamed: Vec<UnnamedBlob>,
}

impl Store {
    /// Reads and checks all keys and objects of this service.
    pub async fn verify(&self) -> Result<Verdict, StoreError> {
        let checked = Checked::default();
        let (findings, unnamed) = (Vec::new(), Vec::new());
        let mut verifier = Verifier { inner: &self.inner, checked, findings, unnamed };
        let state = keys::check(&mut verifier).await?;
        let inventory = objects::check(&mut verifier, &state).await?;
        load::check(&mut verifier, &state, &inventory).await?;
        let Verifier { checked, findings, unnamed, .. } = verifier;
        Ok(Verdict { checked, findings, unnamed })
    }
}

pub(super) struct Verifier<'a> {
    pub(super) inner: &'a Inner,
    pub(super) checked: Checked,
    findings: Vec<Finding>,
    pub(super) unnamed: Vec<UnnamedBlob>,
}

impl Verifier<'_> {
    pub(super) fn report(
        &mut self,
        place: impl ToString,
        problem: impl ToString,
        meaning: impl ToString,
    ) {
        let (place, problem) = (place.to_string(), problem.to_string());
        self.findings.push(Finding { place, problem, meaning: meaning.to_string() });
    }

    /// Reports an object with a name that no object has.
    pub(super) fn unknown_object(&mut self, key: &Path) {
        self.report(key, "it is not an object of this version", "nobody reads it");
    }

    /// Turns an error into a finding, unless the error prevents the check.
    pub(super) fn check<T>(
        &mut self,
        place: impl ToString,
        meaning: &str,
        result: Result<T, impl Into<StoreError>>,
    ) -> Result<Option<T>, StoreError> {
        let error = match result {
            Ok(value) => return Ok(Some(value)),
            Err(error) => error.into(),
        };
        if prevents_check(&error) {
            return Err(error);
        }
        self.report(place, Chain(&error), meaning);
        Ok(None)
    }

    /// Checks the mutations of a commit; `place` is the key or object that holds the commit.
    pub(super) async fn commit(&mut self, place: &str, commit: Commit) -> Result<(), StoreError> {
        self.checked.commits += 1;
        let meaning = "this commit cannot be applied any more";
        let read = self.inner.mutations(commit).await;
        for mutation in self.check(place, meaning, read)?.unwrap_or_default() {
            match mutation {
                Mutation::Put(object) => self.object(place, &object),
                Mutation::Delete { r#type, .. } => {
                    if self.inner.schema.find(&r#type).is_none() {
                        self.unknown_type(place, &r#type);
                    }
                }
            }
        }
        Ok(())
    }

    /// Checks an object that is written in this version of the schema.
    pub(super) fn stored_object(
        &mut self,
        place: &str,
        object: &Object,
        version: u32,
    ) -> Result<(), StoreError> {
        let raised = self.inner.schema.raise(object.clone(), version);
        let meaning = "this version cannot read that object";
        if let Some(raised) = self.check(place, meaning, raised)? {
            self.object(place, &raised);
        }
        Ok(())
    }

    fn object(&mut self, place: &str, object: &Object) {
        let Some((_, kind)) = self.inner.schema.find(&object.r#type) else {
            return self.unknown_type(place, &object.r#type);
        };
        let what = format!("object `{}` of type `{}`", object.id, object.r#type);
        if let Err(why) = (kind.check)(object.data.get()) {
            let meaning = "this version cannot read that object";
            self.report(place, format!("{what} is not of its type: {why}"), meaning);
        }
        if !is_canonical(&object.data) {
            let meaning = "exports of equal states would not be equal";
            self.report(place, format!("{what} is not in its canonical form"), meaning);
        }
    }

    fn unknown_type(&mut self, place: &str, kind: &str) {
        let meaning = "another version of the service wrote it; this one cannot load it";
        self.report(place, format!("type `{kind}` is not known"), meaning);
    }
}

/// Whether this error prevents the check.
fn prevents_check(error: &StoreError) -> bool {
    match error {
        StoreError::Coordination(_) | StoreError::Injected(_) => true,
        StoreError::Db(error) => !matches!(error, DbError::Constraint(_)),
        other => other.class() != FailureClass::Other,
    }
}
