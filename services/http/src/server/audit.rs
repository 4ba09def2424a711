//! One line for each change that somebody asks for, in a stream of its own: who asked, for which
//! change, of which object, from where, and how it ended.
//!
//! Invariant: the line is made by the guard of every route whose endpoint is audited, also if the
//! handler panics or the client goes away, so no handler can leave it out.
//! Absent on purpose: bodies and query values, which may hold secrets.

use std::sync::{Arc, OnceLock};

use axum::extract::Request;
use axum::response::Response;
use http::StatusCode;
use http::request::Parts;

use super::error::LoggedError;
use super::forward::{AnsweredElsewhere, client_of};
use crate::api::endpoint::{Access, Spec};
use crate::api::headers::Trace;

/// The target of the lines, by which a log tells them from others.
pub const TARGET: &str = "drydock::audit";

/// The address of the other side of a connection.
#[derive(Debug, Clone)]
pub(crate) struct Peer(pub(crate) Arc<str>);

/// The caller of a request, once it is known. Clones are of the same request.
#[derive(Debug, Clone, Default)]
pub struct AuditCaller(Arc<OnceLock<String>>);

impl AuditCaller {
    /// The caller of a request, which its guard reports.
    pub fn of(parts: &Parts) -> AuditCaller {
        parts.extensions.get().cloned().unwrap_or_default()
    }

    /// Names the caller, unless it is named.
    pub fn set(&self, name: impl FnOnce() -> String) {
        self.0.get_or_init(name);
    }
}

/// The line of a request, which is written when it is dropped.
pub(crate) struct AuditLine {
    service: &'static str,
    caller: AuditCaller,
    /// Whether whoever has no other name has the internal token.
    internal: bool,
    /// The person for whom the caller says to act.
    requested_by: String,
    action: String,
    object: String,
    from: Option<Peer>,
    request: Option<Trace>,
    outcome: Outcome,
}

enum Outcome {
    /// The handler has not answered: it panicked, or the client has gone.
    Open,
    /// The instance that handled the request writes the line.
    Elsewhere,
    Answered(StatusCode, Option<&'static str>),
}

impl AuditLine {
    /// `None`: the route is not audited.
    pub(crate) fn begin(
        spec: &Spec,
        service: &'static str,
        request: &mut Request,
    ) -> Option<AuditLine> {
        if !spec.is_audited() {
            return None;
        }
        let caller = AuditCaller::default();
        request.extensions_mut().insert(caller.clone());
        Some(AuditLine {
            service,
            caller,
            internal: spec.access == Access::Internal,
            requested_by: requested_by(request),
            action: format!("{} {}", request.method(), spec.path),
            object: request.uri().path().to_owned(),
            from: client_of(request).or_else(|| request.extensions().get().cloned()),
            request: request.extensions().get().cloned(),
            outcome: Outcome::Open,
        })
    }

    /// Writes the line for an answer.
    pub(crate) fn end(mut self, response: &Response) {
        if self.internal && response.status() != StatusCode::UNAUTHORIZED {
            self.caller.set(|| "internal token".to_owned());
        }
        if response.extensions().get::<AnsweredElsewhere>().is_some() {
            self.outcome = Outcome::Elsewhere;
            return;
        }
        let failure = response.extensions().get::<LoggedError>();
        self.outcome = Outcome::Answered(response.status(), failure.map(|failure| failure.code));
    }
}

impl Drop for AuditLine {
    fn drop(&mut self) {
        let outcome = match self.outcome {
            Outcome::Elsewhere => return,
            Outcome::Open => "unknown".to_owned(),
            Outcome::Answered(status, None) => status.as_str().to_owned(),
            Outcome::Answered(status, Some(code)) => format!("{} {code}", status.as_str()),
        };
        let from = self.from.as_ref().map_or("unknown", |Peer(from)| from);
        let id = self.request.as_ref().map_or("unknown", |trace| trace.request_id.as_str());
        tracing::info!(
            target: TARGET,
            service = self.service,
            caller = self.caller.0.get().map_or("unknown", String::as_str),
            requested_by = self.requested_by.as_str(),
            action = self.action.as_str(),
            object = self.object.as_str(),
            from,
            outcome = outcome.as_str(),
            request = id,
            "audit"
        );
    }
}

/// The header in which an operator's command says who runs it.
const REQUESTED_BY: &str = "x-requested-by";
const MAX_LENGTH: usize = 128;

fn requested_by(request: &Request) -> String {
    let given = request.headers().get(REQUESTED_BY).and_then(|value| value.to_str().ok());
    given.unwrap_or_default().chars().take(MAX_LENGTH).collect()
}

/// Notes that a token was used for the first time.
pub fn first_use(service: &'static str, caller: &str, token: &str) {
    let action = "first use of a token";
    tracing::info!(target: TARGET, service, caller, action, object = token, "audit");
}

impl Spec {
    /// Whether each request is audited: changes by operators, administrators and users, and reads
    /// that say so. Executors report their own work, and health has no caller.
    pub fn is_audited(&self) -> bool {
        let by_people = matches!(self.access, Access::Internal | Access::Bearer);
        self.audited.unwrap_or(by_people && self.method != http::Method::GET)
    }
}
