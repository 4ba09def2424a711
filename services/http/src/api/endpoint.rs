//! An endpoint: how a request for an operation is treated before its handler sees it, and how the
//! API document describes the operation. Clients, the server and the document use the same value.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::marker::PhantomData;

use drydock_core::error::{Code, Failure};
use http::Method;

use super::operation::Operation;

/// The callers that a route admits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Every caller, without a token: health only.
    Open,
    /// Bearers of the internal token.
    Internal,
    /// Bearers of a token that the service itself knows; the service decides what they may do.
    Bearer,
    /// Bearers of a token that is registered in the service's own store.
    Registered,
}

/// The states of the service in which a route answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Availability {
    /// In every state of the service.
    Always,
    /// In normal mode, once the service is ready; else 503.
    Serving,
}

/// The body that the route takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyRule {
    None,
    /// JSON, up to the body limit.
    Small,
    /// Bytes, up to the body limit.
    Octets,
    /// Of any length, as long as it does not stand still.
    Stream,
}

/// The bound on a request's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deadline {
    /// The request timeout, or `Drydock-Timeout-Ms` if that is shorter.
    Bounded,
    /// Only `Drydock-Timeout-Ms`, if given.
    Unbounded,
}

/// How requests are treated before the handler sees them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    pub method: Method,
    pub path: &'static str,
    pub access: Access,
    pub availability: Availability,
    pub body: BodyRule,
    pub deadline: Deadline,
    /// Whether each request is audited; `None`: if the method is one of changes.
    pub audited: Option<bool>,
    /// Whether another instance may be asked to make the change; `None`: if it takes a bounded time
    /// and a bounded body.
    pub forwarded: Option<bool>,
}

impl Spec {
    /// Whether the instance that commits may be asked in place of this one: for changes of the
    /// service's own store.
    pub fn is_forwarded(&self) -> bool {
        let changes = self.method != Method::GET && self.availability == Availability::Serving;
        let stored = matches!(self.access, Access::Internal | Access::Registered);
        let bounded = self.deadline == Deadline::Bounded && self.body != BodyRule::Stream;
        self.forwarded.unwrap_or(changes && stored && bounded)
    }
}

/// An operation without its handler. `F` is what the handler can refuse: the operation has those
/// codes besides the codes of its description.
pub struct Endpoint<F = Infallible> {
    pub spec: Spec,
    pub operation: Operation,
    failures: PhantomData<fn() -> F>,
}

impl Clone for Endpoint {
    fn clone(&self) -> Endpoint {
        let Endpoint { spec, operation, failures } = self;
        Endpoint { spec: spec.clone(), operation: operation.clone(), failures: *failures }
    }
}

impl<F: Failure> Endpoint<F> {
    /// The same operation, with the codes of `F` in its description.
    pub fn described(self) -> Endpoint {
        self.failing::<Infallible>().refuses(&F::codes())
    }
}

impl Endpoint {
    /// Removes the codes for which `keep` is false, of the ones that do not follow from the spec.
    pub fn refuses_only(mut self, keep: impl Fn(Code) -> bool) -> Endpoint {
        self.operation.codes.retain(|code| keep(*code));
        self
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

impl<F> Endpoint<F> {
    fn new(method: Method, path: &'static str, body: BodyRule) -> Endpoint<F> {
        Endpoint {
            spec: Spec {
                method,
                path,
                access: Access::Internal,
                availability: Availability::Serving,
                body,
                deadline: Deadline::Bounded,
                audited: None,
                forwarded: None,
            },
            operation: Operation::default(),
            failures: PhantomData,
        }
    }

    /// The same operation, whose handler can refuse what `G` says.
    pub fn failing<G>(self) -> Endpoint<G> {
        Endpoint { spec: self.spec, operation: self.operation, failures: PhantomData }
    }

    /// GET, which includes HEAD.
    pub fn get(path: &'static str) -> Endpoint<F> {
        Endpoint::new(Method::GET, path, BodyRule::None)
    }

    pub fn post(path: &'static str) -> Endpoint<F> {
        Endpoint::new(Method::POST, path, BodyRule::Small)
    }

    pub fn put(path: &'static str) -> Endpoint<F> {
        Endpoint::new(Method::PUT, path, BodyRule::Small)
    }

    pub fn delete(path: &'static str) -> Endpoint<F> {
        Endpoint::new(Method::DELETE, path, BodyRule::None)
    }

    /// Replaces the path.
    pub fn at(mut self, path: &'static str) -> Endpoint<F> {
        self.spec.path = path;
        self
    }

    /// Answers in normal mode only.
    pub fn serving(mut self) -> Endpoint<F> {
        self.spec.availability = Availability::Serving;
        self
    }

    /// Answers in maintenance and while loading too.
    pub fn always(mut self) -> Endpoint<F> {
        self.spec.availability = Availability::Always;
        self
    }

    /// Needs no token.
    pub fn open(mut self) -> Endpoint<F> {
        self.spec.access = Access::Open;
        self
    }

    /// Is for bearers of tokens that the service itself knows.
    pub fn bearer(mut self) -> Endpoint<F> {
        self.spec.access = Access::Bearer;
        self
    }

    /// Is for bearers of tokens that are registered in the service's own store.
    pub fn registered(mut self) -> Endpoint<F> {
        self.spec.access = Access::Registered;
        self
    }

    /// Takes a body of any length.
    pub fn streamed(mut self) -> Endpoint<F> {
        self.spec.body = BodyRule::Stream;
        self
    }

    /// Takes bytes up to the body limit.
    pub fn octets(mut self) -> Endpoint<F> {
        self.spec.body = BodyRule::Octets;
        self
    }

    /// Takes no body.
    pub fn bodiless(mut self) -> Endpoint<F> {
        self.spec.body = BodyRule::None;
        self
    }

    /// Is audited although it changes nothing.
    pub fn audited(mut self) -> Endpoint<F> {
        self.spec.audited = Some(true);
        self
    }

    /// Is not audited: it changes nothing, although its method is one of changes.
    pub fn unaudited(mut self) -> Endpoint<F> {
        self.spec.audited = Some(false);
        self
    }

    /// Is handled by the instance that is asked: it waits for something there, or keeps something
    /// there that is not in the store.
    pub fn not_forwarded(mut self) -> Endpoint<F> {
        self.spec.forwarded = Some(false);
        self
    }

    /// May take as long as it needs.
    pub fn unbounded(mut self) -> Endpoint<F> {
        self.spec.deadline = Deadline::Unbounded;
        self
    }
}

/// The codes of the checks before the handler, and of the stores below all handlers.
fn implied(spec: &Spec) -> Vec<Code> {
    let mut codes = vec![Code::Internal, Code::InvalidHeader, Code::DeadlineExceeded];
    let changes = spec.method != Method::GET;
    match spec.access {
        Access::Open => {}
        Access::Internal | Access::Registered => {
            let always = [Code::Unauthorized, Code::TooManyRequests, Code::CoordinationUnavailable];
            codes.extend(always);
            if changes {
                codes.extend([Code::CoordinationFull, Code::UpgradePending]);
            }
            if spec.availability == Availability::Serving {
                codes.push(Code::ReadModelFull);
            }
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
    if matches!(spec.body, BodyRule::Small | BodyRule::Octets) {
        codes.extend([Code::InvalidBody, Code::BodyTooLarge, Code::UnsupportedMediaType]);
    }
    codes
}
