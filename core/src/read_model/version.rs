//! Versions of a schema, and the steps between them.
//!
//! Whatever is stored says in which version of the schema its objects are written. A later version
//! reads it by the steps upwards. While older instances run beside newer ones, the newer ones write
//! the older version, by the steps downwards.
//!
//! Invariants: a step is a pure function of one object; types are added, but never removed,
//! renamed or put in another order; an object is only written in an older version if reading it
//! back gives the same object, so that all instances have the same state.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Map, Value};

use super::schema::{ObjectType, Schema};
use crate::log::format::{FIRST_SCHEMA, Object, canonical};

/// The changes of one version to the version before it. A step to the first version that labels its
/// commits may meet objects that have taken it already: it leaves these as they are.
#[derive(Debug)]
pub struct SchemaStep {
    /// The version that the step leads up to.
    pub version: u32,
    /// The types whose objects this step changes. Objects of all other types stay as they are.
    pub types: &'static [TypeStep],
}

/// A change of the objects of one type.
#[derive(Debug)]
pub struct TypeStep {
    pub name: &'static str,
    /// From the version before.
    pub up: Change,
    /// To the version before. It need not keep what that version cannot hold: such an object is
    /// not written in that version.
    pub down: Change,
}

/// Changes the data of one object, or says why it cannot.
pub type Change = fn(&mut Map<String, Value>) -> Result<(), String>;

#[derive(Debug, thiserror::Error)]
pub enum VersionError {
    #[error("`{place}` has version `{found}` of the schema, this program reads up to `{reads}`")]
    Newer { place: String, found: u32, reads: u32 },
    #[error(
        "object `{id}` of type `{kind}`, version `{from}` of the schema, cannot be read: {why}"
    )]
    Step { kind: String, id: uuid::Uuid, from: u32, why: String },
    /// An older instance is running, and would not understand it.
    #[error("an object of type `{kind}` cannot be written in version `{writes}` of the schema")]
    Unwritable { kind: String, writes: u32 },
}

impl Schema {
    /// Refuses a version that is newer than this one. `place` names it in errors.
    pub(crate) fn check_version(
        &self,
        found: u32,
        place: impl std::fmt::Display,
    ) -> Result<(), VersionError> {
        let reads = self.version;
        if found <= reads {
            return Ok(());
        }
        Err(VersionError::Newer { place: place.to_string(), found, reads })
    }

    /// The types that there were in a version.
    pub(crate) fn types_at(&self, version: u32) -> impl Iterator<Item = &'static ObjectType> {
        self.types.iter().filter(move |kind| kind.since <= version)
    }

    /// An object of version `from` in this version.
    pub(crate) fn raise(&self, object: Object, from: u32) -> Result<Object, VersionError> {
        if from >= self.version {
            return Ok(object);
        }
        let failed = |why: String| {
            let (kind, id) = (object.r#type.clone(), object.id);
            VersionError::Step { kind, id, from, why }
        };
        let steps = self.steps_of(&object.r#type, from);
        let ups = steps.map(|step| step.up).collect::<Vec<_>>();
        match changed(&object, &ups).map_err(failed)? {
            Some(data) => Ok(Object { data, ..object }),
            None => Ok(object),
        }
    }

    /// An object of this version in version `to`; `None`: it is the same there.
    pub(crate) fn lower(&self, object: &Object, to: u32) -> Result<Option<Object>, VersionError> {
        if to >= self.version {
            return Ok(None);
        }
        let kind = object.r#type.as_str();
        let unwritable = || VersionError::Unwritable { kind: kind.to_owned(), writes: to };
        if self.find(kind).is_some_and(|(_, kind)| kind.since > to) {
            return Err(unwritable());
        }
        let steps = self.steps_of(kind, to);
        let mut downs = steps.map(|step| step.down).collect::<Vec<_>>();
        downs.reverse();
        let lowered = changed(object, &downs).map_err(|_why| unwritable())?;
        let Some(data) = lowered else { return Ok(None) };
        let lowered = Object { data, ..object.clone() };
        let raised = self.raise(lowered.clone(), to)?;
        let same = raised.data.get() == object.data.get();
        if same { Ok(Some(lowered)) } else { Err(unwritable()) }
    }

    /// The steps of a type after a version.
    fn steps_of<'a>(
        &self,
        kind: &'a str,
        after: u32,
    ) -> impl Iterator<Item = &'static TypeStep> + use<'a> {
        let steps: &'static [SchemaStep] = self.steps;
        let steps = steps.iter().filter(move |step| step.version > after);
        steps.flat_map(|step| step.types).filter(move |step| step.name == kind)
    }
}

/// The canonical data of an object after these changes; `None`: there are none.
fn changed(
    object: &Object,
    changes: &[Change],
) -> Result<Option<Box<serde_json::value::RawValue>>, String> {
    if changes.is_empty() {
        return Ok(None);
    }
    let data = serde_json::from_str(object.data.get());
    let mut data: Map<String, Value> = data.map_err(|error| error.to_string())?;
    changes.iter().try_for_each(|change| change(&mut data))?;
    canonical(&data).map(Some).map_err(|error| error.to_string())
}

/// The newest version of the schema that is known to be written in this cluster: the key `writes`,
/// and the labels of what was read. It only grows.
#[derive(Debug)]
pub(crate) struct WritesVersion(AtomicU32);

impl Default for WritesVersion {
    fn default() -> WritesVersion {
        WritesVersion(AtomicU32::new(FIRST_SCHEMA))
    }
}

impl WritesVersion {
    pub(crate) fn get(&self) -> u32 {
        self.0.load(Ordering::SeqCst)
    }

    /// Something was found that is written in this version.
    pub(crate) fn found(&self, version: u32) {
        self.0.fetch_max(version, Ordering::SeqCst);
    }
}
