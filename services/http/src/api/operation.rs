//! The description of an endpoint for the API document: one method for each usual kind of
//! operation, which adds its parameters and its bodies.

use std::collections::BTreeSet;

use drydock_core::error::Code;
use http::{HeaderName, header};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::endpoint::Endpoint;
use super::headers::IDEMPOTENCY_KEY;
use super::page::{ListQuery, Page, ReadQuery};

/// Makes the schema of a type.
pub type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// The media type of a body that is merged into an object (RFC 7396).
pub const MERGE_PATCH: &str = "application/merge-patch+json";

/// The codes of what a service asks on behalf of a user, who may not have the right.
pub const DELEGATION: &[Code] = &[Code::CallerForbidden, Code::CallerNotExist];

/// The answer of an operation that succeeds.
#[derive(Clone, Copy)]
pub enum Success {
    /// 204.
    Nothing,
    /// 200 with JSON.
    Object(SchemaOf),
    /// 201 with JSON, `Location` and `ETag`.
    Created(SchemaOf),
    /// As `Created`, or 200 if the object was there before.
    CreatedOrChanged(SchemaOf),
    /// 201 with JSON, or 204.
    CreatedOrNothing(SchemaOf),
    /// 201 with JSON, or 200 if there was such an object, which stays.
    CreatedOrKept(SchemaOf),
    /// 200 with another media type.
    Other(&'static str),
    /// As `Other`, or 204.
    OtherOrNothing(&'static str),
}

/// The description of an operation in the document.
#[derive(Clone)]
pub struct Operation {
    pub summary: &'static str,
    pub query: Option<SchemaOf>,
    pub request: Option<SchemaOf>,
    /// Whether the request's body may be left out.
    pub optional: bool,
    /// The media types of a request's body that is not JSON.
    pub takes: &'static [&'static str],
    pub headers: Vec<HeaderName>,
    /// Whether the operation also goes by PATCH: its body is merged into the object.
    pub merges: bool,
    /// Whether the answer of a read has an `ETag`.
    pub tagged: bool,
    pub success: Success,
    /// The codes that do not follow from the endpoint's `Spec`.
    pub(super) codes: BTreeSet<Code>,
}

impl Default for Operation {
    fn default() -> Operation {
        Operation {
            summary: "",
            query: None,
            request: None,
            optional: false,
            takes: &[],
            headers: Vec::new(),
            merges: false,
            tagged: false,
            success: Success::Nothing,
            codes: BTreeSet::new(),
        }
    }
}

fn schema<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// The schema itself and not a reference to it: its fields become parameters.
fn inline<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    T::json_schema(generator)
}

impl<F> Endpoint<F> {
    /// Describes the operation in a few words.
    pub fn about(mut self, summary: &'static str) -> Endpoint<F> {
        self.operation.summary = summary;
        self
    }

    /// Answers a page of `T`.
    pub fn lists<T: JsonSchema>(self) -> Endpoint<F> {
        self.query::<ListQuery>().answers::<Page<T>>().refuses(DELEGATION)
    }

    /// Answers one object.
    pub fn shows<T: JsonSchema>(mut self) -> Endpoint<F> {
        self.operation.tagged = true;
        self.query::<ReadQuery>().answers::<T>().refuses(DELEGATION)
    }

    /// Makes an object with a name; may be repeated under an idempotency key.
    pub fn creates<New: JsonSchema, T: JsonSchema>(mut self) -> Endpoint<F> {
        self.operation.headers.push(IDEMPOTENCY_KEY);
        self.operation.success = Success::Created(schema::<T>);
        self.takes::<New>().refuses(DELEGATION)
    }

    /// Changes an object, if it is the one that `If-Match` names. Fields that are left out stay as
    /// they are, so PATCH means the same.
    pub fn changes<Change: JsonSchema, T: JsonSchema>(mut self) -> Endpoint<F> {
        self.operation.merges = true;
        self.takes::<Change>().answers::<T>().conditional()
    }

    /// Deletes an object, if it is the one that `If-Match` names.
    pub fn deletes(self) -> Endpoint<F> {
        self.conditional()
    }

    /// Takes a JSON body.
    pub fn takes<T: JsonSchema>(mut self) -> Endpoint<F> {
        self.operation.request = Some(schema::<T>);
        self
    }

    /// Takes a JSON body, or none.
    pub fn takes_if_given<T: JsonSchema>(mut self) -> Endpoint<F> {
        self.operation.optional = true;
        self.takes::<T>()
    }

    /// Takes a body of one of these media types.
    pub fn takes_media(mut self, media: &'static [&'static str]) -> Endpoint<F> {
        self.operation.takes = media;
        self
    }

    /// Takes the fields of `T` as parameters.
    pub fn query<T: JsonSchema>(mut self) -> Endpoint<F> {
        self.operation.query = Some(inline::<T>);
        self
    }

    /// Answers JSON.
    pub fn answers<T: JsonSchema>(mut self) -> Endpoint<F> {
        self.operation.success = Success::Object(schema::<T>);
        self
    }

    /// Answers JSON with 201, or with 200 if the object was there before.
    pub fn puts<Change: JsonSchema, T: JsonSchema>(mut self) -> Endpoint<F> {
        self.operation.success = Success::CreatedOrChanged(schema::<T>);
        self.takes::<Change>().conditional()
    }

    /// Answers another media type.
    pub fn answers_media(mut self, media: &'static str) -> Endpoint<F> {
        self.operation.success = Success::Other(media);
        self
    }

    /// Answers JSON with 201, or 204 if there is nothing to answer.
    pub fn answers_created<T: JsonSchema>(mut self) -> Endpoint<F> {
        self.operation.success = Success::CreatedOrNothing(schema::<T>);
        self
    }

    /// Answers JSON with 201, or with 200 if there was such an object, which stays.
    pub fn answers_created_or_kept<T: JsonSchema>(mut self) -> Endpoint<F> {
        self.operation.success = Success::CreatedOrKept(schema::<T>);
        self
    }

    /// Answers another media type, or 204 if there is nothing to answer.
    pub fn answers_media_or_nothing(mut self, media: &'static str) -> Endpoint<F> {
        self.operation.success = Success::OtherOrNothing(media);
        self
    }

    /// Is not asked on behalf of anybody.
    pub fn undelegated(mut self) -> Endpoint<F> {
        self.operation.codes.retain(|code| !DELEGATION.contains(code));
        self
    }

    /// Adds codes to the ones that follow from the rest of the description.
    pub fn refuses(mut self, codes: &[Code]) -> Endpoint<F> {
        self.operation.codes.extend(codes);
        self
    }

    fn conditional(mut self) -> Endpoint<F> {
        self.operation.headers.push(header::IF_MATCH);
        self.refuses(DELEGATION)
    }
}
