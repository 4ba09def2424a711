//! What one operation of a program is: how a request for it is treated before its handler sees it,
//! and what the API document says of it. Callers, the server and the document take it from here.

use http::Method;

use super::operation::Operation;

/// Who may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody: health only.
    Open,
    /// Bearers of the internal token.
    Internal,
    /// Bearers of a token that the service itself knows: what it allows is decided there.
    Bearer,
}

/// When the route answers.
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
    /// Up to the body limit.
    Small,
    /// Of any length, as long as it does not stand still.
    Stream,
}

/// What ends the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deadline {
    /// The request timeout, or `Drydock-Timeout-Ms` if that is shorter.
    Bounded,
    /// Only `Drydock-Timeout-Ms`, if given.
    Unbounded,
}

/// How requests are treated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    pub method: Method,
    pub path: &'static str,
    pub access: Access,
    pub availability: Availability,
    pub body: BodyRule,
    pub deadline: Deadline,
}

/// An operation of a program, without what does it.
#[derive(Clone)]
pub struct Endpoint {
    pub spec: Spec,
    pub operation: Operation,
}

impl Endpoint {
    fn new(method: Method, path: &'static str, body: BodyRule) -> Endpoint {
        Endpoint {
            spec: Spec {
                method,
                path,
                access: Access::Internal,
                availability: Availability::Serving,
                body,
                deadline: Deadline::Bounded,
            },
            operation: Operation::default(),
        }
    }

    /// GET, and so HEAD.
    pub fn get(path: &'static str) -> Endpoint {
        Endpoint::new(Method::GET, path, BodyRule::None)
    }

    pub fn post(path: &'static str) -> Endpoint {
        Endpoint::new(Method::POST, path, BodyRule::Small)
    }

    pub fn put(path: &'static str) -> Endpoint {
        Endpoint::new(Method::PUT, path, BodyRule::Small)
    }

    pub fn delete(path: &'static str) -> Endpoint {
        Endpoint::new(Method::DELETE, path, BodyRule::None)
    }

    /// Has this path instead.
    pub fn at(mut self, path: &'static str) -> Endpoint {
        self.spec.path = path;
        self
    }

    /// Answers in normal mode only.
    pub fn serving(mut self) -> Endpoint {
        self.spec.availability = Availability::Serving;
        self
    }

    /// Answers in maintenance and while loading too.
    pub fn always(mut self) -> Endpoint {
        self.spec.availability = Availability::Always;
        self
    }

    /// Needs no token.
    pub fn open(mut self) -> Endpoint {
        self.spec.access = Access::Open;
        self
    }

    /// Is for bearers of tokens that the service itself knows.
    pub fn bearer(mut self) -> Endpoint {
        self.spec.access = Access::Bearer;
        self
    }

    /// Takes a body of any length.
    pub fn streamed(mut self) -> Endpoint {
        self.spec.body = BodyRule::Stream;
        self
    }

    /// Takes no body.
    pub fn bodiless(mut self) -> Endpoint {
        self.spec.body = BodyRule::None;
        self
    }

    /// May take as long as it needs.
    pub fn unbounded(mut self) -> Endpoint {
        self.spec.deadline = Deadline::Unbounded;
        self
    }
}
