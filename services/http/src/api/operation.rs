//! The description of an endpoint for the API document: one method for each usual kind of
//! operation, which adds its parameters, its bodies and its codes.

use std::collections::BTreeSet;

use drydock_core::error::Code;
use http::{HeaderName, Method, header};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::endpoint::{Access, Availability, BodyRule, Endpoint, Spec};
use super::headers::IDEMPOTENCY_KEY;
use super::page::{ListQuery, Page, ReadQuery};

/// Makes the schema of a type.
pub type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// The codes of a change that a service asks for on behalf of a user, who may not have the right.
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
    /// 200 with another media type.
    Other(&'static str),
}

/// The description of an operation in the document.
#[derive(Clone)]
pub struct Operation {
    pub summary: &'static str,
    pub query: Option<SchemaOf>,
    pub request: Option<SchemaOf>,
    /// Whether the request's body may be left out.
    pub optional: bool,
    /// The media type of a request's body that is not JSON.
    pub takes: Option<&'static str>,
    pub headers: Vec<HeaderName>,
    pub success: Success,
    /// The codes that do not follow from the endpoint's [`Spec`].
    codes: BTreeSet<Code>,
}

impl Default for Operation {
    fn default() -> Operation {
        Operation {
            summary: "",
            query: None,
            request: None,
            optional: false,
            takes: None,
            headers: Vec::new(),
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

impl Endpoint {
    /// Describes the operation in a few words.
    pub fn about(mut self, summary: &'static str) -> Endpoint {
        self.operation.summary = summary;
        self
    }

    /// Answers a page of `T`.
    pub fn lists<T: JsonSchema>(self) -> Endpoint {
        self.query::<ListQuery>()
            .answers::<Page<T>>()
            .refuses(&[Code::InvalidLimit, Code::InvalidCursor])
    }

    /// Answers one object.
    pub fn shows<T: JsonSchema>(self) -> Endpoint {
        self.query::<ReadQuery>().answers::<T>()
    }

    /// Makes an object with a name; may be repeated under an idempotency key.
    pub fn creates<New: JsonSchema, T: JsonSchema>(mut self) -> Endpoint {
        self.operation.headers.push(IDEMPOTENCY_KEY);
        self.operation.success = Success::Created(schema::<T>);
        self.takes::<New>()
            .refuses(&[Code::IdempotencyKeyReused, Code::EncryptionKeyMissing])
            .refuses(DELEGATION)
    }

    /// Changes an object, if it is the one that `If-Match` names.
    pub fn changes<Change: JsonSchema, T: JsonSchema>(self) -> Endpoint {
        self.takes::<Change>().answers::<T>().conditional()
    }

    /// Deletes an object, if it is the one that `If-Match` names.
    pub fn deletes(self) -> Endpoint {
        self.conditional()
    }

    /// Takes a JSON body.
    pub fn takes<T: JsonSchema>(mut self) -> Endpoint {
        self.operation.request = Some(schema::<T>);
        self
    }

    /// Takes a JSON body, or none.
    pub fn takes_if_given<T: JsonSchema>(mut self) -> Endpoint {
        self.operation.optional = true;
        self.takes::<T>()
    }

    /// Takes a body of this media type.
    pub fn takes_media(mut self, media: &'static str) -> Endpoint {
        self.operation.takes = Some(media);
        self
    }

    /// Takes the fields of `T` as parameters.
    pub fn query<T: JsonSchema>(mut self) -> Endpoint {
        self.operation.query = Some(inline::<T>);
        self
    }

    /// Answers JSON.
    pub fn answers<T: JsonSchema>(mut self) -> Endpoint {
        self.operation.success = Success::Object(schema::<T>);
        self
    }

    /// Answers JSON with 201, or with 200 if the object was there before.
    pub fn puts<Change: JsonSchema, T: JsonSchema>(mut self) -> Endpoint {
        self.operation.success = Success::CreatedOrChanged(schema::<T>);
        self.takes::<Change>().conditional()
    }

    /// Answers another media type.
    pub fn answers_media(mut self, media: &'static str) -> Endpoint {
        self.operation.success = Success::Other(media);
        self
    }

    /// Removes the codes for which `keep` is false.
    pub fn refuses_only(mut self, keep: impl Fn(Code) -> bool) -> Endpoint {
        self.operation.codes.retain(|code| keep(*code));
        self
    }

    /// Adds codes to the ones that follow from the rest of the description.
    pub fn refuses(mut self, codes: &[Code]) -> Endpoint {
        self.operation.codes.extend(codes);
        self
    }

    fn conditional(mut self) -> Endpoint {
        self.operation.headers.push(header::IF_MATCH);
        self.refuses(&[Code::RevisionMismatch]).refuses(DELEGATION)
    }

    /// Every code that the operation can answer.
    pub fn codes(&self) -> BTreeSet<Code> {
        let mut codes = self.operation.codes.clone();
        codes.extend(implied(&self.spec));
        if self.operation.query.is_some() {
            codes.insert(Code::InvalidQuery);
        }
        codes
    }
}

/// The codes of the checks before the handler, and of the stores below all handlers.
fn implied(spec: &Spec) -> Vec<Code> {
    let mut codes = vec![Code::Internal, Code::InvalidHeader, Code::DeadlineExceeded];
    let changes = spec.method != Method::GET;
    match spec.access {
        Access::Open => {}
        Access::Internal => {
            let always = [Code::Unauthorized, Code::TooManyRequests, Code::CoordinationUnavailable];
            codes.extend(always);
            if changes && spec.availability == Availability::Serving {
                codes.push(Code::StorageUnavailable);
            }
        }
        // All failures of the services behind a gateway have one code here.
        Access::Bearer => {
            codes.extend([Code::Unauthorized, Code::TooManyRequests, Code::Unavailable]);
        }
    }
    if spec.availability == Availability::Serving {
        codes.extend([Code::Maintenance, Code::NotReady]);
        if changes {
            codes.push(Code::TransactionTooLarge);
        }
    }
    if spec.path.contains('{') {
        codes.push(Code::InvalidRef);
    }
    if spec.body == BodyRule::Small {
        codes.extend([Code::InvalidBody, Code::BodyTooLarge, Code::UnsupportedMediaType]);
    }
    codes
}
