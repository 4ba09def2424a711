//! What endpoints say for the API document: one word for each usual kind of operation, which brings
//! its parameters, its bodies and its codes along.

use std::collections::BTreeSet;

use drydock_core::error::Code;
use http::{HeaderName, Method, header};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::endpoint::{Access, Availability, BodyRule, Endpoint, Spec};
use super::headers::IDEMPOTENCY_KEY;
use super::page::{ListQuery, Page, ReadQuery};

/// Makes the schema of a type.
pub type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// What a service refuses another one, on whose behalf it asked for a change.
pub const BEHALF: &[Code] = &[Code::CallerForbidden, Code::CallerNotExist];

/// What an operation answers if it succeeds.
#[derive(Clone, Copy)]
pub enum Success {
    /// 204.
    Nothing,
    /// 200 with JSON.
    Object(SchemaOf),
    /// 201 with JSON, `Location` and `ETag`.
    Created(SchemaOf),
    /// As `Created`, or 200 if it was there before.
    CreatedOrChanged(SchemaOf),
    /// 200 with something else.
    Other(&'static str),
}

/// An operation as the document shows it.
#[derive(Clone)]
pub struct Operation {
    pub summary: &'static str,
    pub query: Option<SchemaOf>,
    pub request: Option<SchemaOf>,
    /// Whether that may be left out.
    pub optional: bool,
    /// The media type of a request that is no JSON.
    pub takes: Option<&'static str>,
    pub headers: Vec<HeaderName>,
    pub success: Success,
    /// Besides those that the endpoint itself brings along.
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

/// Not a reference: its fields become parameters.
fn inline<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    T::json_schema(generator)
}

impl Endpoint {
    /// Says in a few words what the operation does.
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
            .refuses(BEHALF)
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

    /// Does not refuse with codes for which this does not hold.
    pub fn refuses_only(mut self, keep: impl Fn(Code) -> bool) -> Endpoint {
        self.operation.codes.retain(|code| keep(*code));
        self
    }

    /// May refuse with these codes, besides those that follow from the rest.
    pub fn refuses(mut self, codes: &[Code]) -> Endpoint {
        self.operation.codes.extend(codes);
        self
    }

    fn conditional(mut self) -> Endpoint {
        self.operation.headers.push(header::IF_MATCH);
        self.refuses(&[Code::RevisionMismatch]).refuses(BEHALF)
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

/// The codes that follow from how a request is treated before its handler sees it, and from what is
/// below all handlers.
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
        // What the services behind cannot do is one code here.
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
