//! How an error of a service becomes the gateway's error.
//!
//! A refusal keeps its kind, and loses its code and message, unless the call at hand names an error
//! of the gateway's own for that code. Where the kind would blame the caller for what the gateway
//! did (its token, its route), it is an internal error.

use std::marker::PhantomData;

use drydock_core::context::Interrupted;
use drydock_core::error::{ActionError, ApiError, Code, Failure, Kind, RemoteError};
use drydock_http::client::ClientError;

/// As the caller may see it: one of `own` if it has the refusal's code, else what every call shows.
/// Of several with the code it is the one that says what the service says, or the first.
#[track_caller]
pub fn of(error: ClientError, own: impl IntoIterator<Item = ApiError>) -> ApiError {
    let shown = match &error {
        ClientError::Remote(remote) => {
            let own = own.into_iter().chain(common(remote));
            let own: Vec<_> = own.filter(|own| own.code() == remote.code).collect();
            let same = own.iter().position(|own| own.message() == remote.message);
            let named = own.into_iter().nth(same.unwrap_or_default());
            named.or_else(|| missing(remote)).unwrap_or_else(|| match kind_of(remote) {
                Kind::Unavailable => unavailable(),
                kind => ApiError::new(kind),
            })
        }
        ClientError::NotSent { .. } => unavailable(),
        ClientError::Unknown { source, .. } if source.is::<Interrupted>() => {
            ApiError::new(Kind::Timeout).with_code(Code::DeadlineExceeded)
        }
        ClientError::Unknown { .. } => unavailable(),
    };
    shown.with_source(error)
}

/// An error of an operation that can refuse what `F` says, in the gateway's own words.
pub struct Shown<F>(ApiError, PhantomData<fn() -> F>);

impl<R: Failure, F: From<R>> From<R> for Shown<F> {
    #[track_caller]
    fn from(refusal: R) -> Shown<F> {
        Shown(refusal.into(), PhantomData)
    }
}

/// The refusal `R`, of which the gateway does not know as much as the service does.
#[track_caller]
pub fn in_words<R: Failure, F: From<R>>(text: &str) -> Shown<F> {
    let code = R::codes().remove(0);
    let error = ApiError::new(code.kind()).with_code(code).with_message(text);
    Shown(error, PhantomData)
}

/// As [`of`], for the call of an operation.
#[track_caller]
pub fn refused<F>(error: ClientError, own: impl IntoIterator<Item = Shown<F>>) -> ActionError<F> {
    ActionError::internal(of(error, own.into_iter().map(|Shown(error, _)| error)))
}

/// As [`refused`], for the call of an operation of runservice.
#[track_caller]
pub fn refused_by_runservice<F>(
    error: ClientError,
    own: impl IntoIterator<Item = Shown<F>>,
) -> ActionError<F> {
    let maintenance = ApiError::new(Code::Maintenance.kind()).with_code(Code::Maintenance);
    let maintenance = maintenance.with_message("runservice is in maintenance mode");
    refused(error, own.into_iter().chain([Shown(maintenance, PhantomData)]))
}

/// As [`of`], for calls of operators: what the service says of their request is what they need,
/// such as the line of an import. It wrote that for its own callers, who are operators too.
#[track_caller]
pub fn for_operators(error: ClientError) -> ApiError {
    let told = error.remote().and_then(|remote| {
        let code: Code = remote.code.parse().ok()?;
        let told = matches!(
            code.kind(),
            Kind::BadRequest
                | Kind::Conflict
                | Kind::NotExist
                | Kind::Unprocessable
                | Kind::UnsupportedMediaType
                | Kind::Unavailable
        );
        let message = remote.message.clone();
        let told = told && code != Code::RouteNotExist;
        told.then(|| ApiError::new(code.kind()).with_code(code).with_message(message))
    });
    of(error, told)
}

/// The error for a service that does not answer.
#[track_caller]
fn unavailable() -> ApiError {
    ApiError::new(Kind::Unavailable).with_code(Code::Unavailable)
}

/// The caller does not have the right.
fn missing(remote: &RemoteError) -> Option<ApiError> {
    match remote.code.parse() {
        Ok(Code::CallerNotExist) => Some(unauthorized()),
        Ok(Code::CallerForbidden) => Some(forbidden()),
        _ => None,
    }
}

/// No user has the token that was presented.
#[track_caller]
pub fn unauthorized() -> ApiError {
    ApiError::new(Kind::Unauthorized).with_code(Code::Unauthorized)
}

/// The caller is known, but lacks the right.
#[track_caller]
pub fn forbidden() -> ApiError {
    ApiError::new(Kind::Forbidden).with_code(Code::Forbidden)
}

/// What may be known whatever was asked.
fn common(remote: &RemoteError) -> Option<ApiError> {
    let code: Code = remote.code.parse().ok()?;
    let message = match code {
        Code::Maintenance => "configstore is in maintenance mode",
        Code::RevisionMismatch => "the object is not at the revision that `If-Match` names",
        Code::IdempotencyKeyReused => "the idempotency key was used for another request",
        Code::InvalidBody => "a field of the body is not valid",
        Code::InvalidName => "a name in the body is not valid",
        Code::InvalidRef => "a reference in the body is neither an id nor a name",
        Code::InvalidCursor => {
            "`cursor` must be a `next_cursor` of this list with this filter and order"
        }
        Code::TransactionTooLarge => "the change is too large to be made at once",
        _ => return None,
    };
    Some(ApiError::new(code.kind()).with_code(code).with_message(message))
}

fn kind_of(remote: &RemoteError) -> Kind {
    match remote.kind {
        Kind::Unauthorized | Kind::MethodNotAllowed | Kind::UnsupportedMediaType => Kind::Internal,
        // A service says `caller_forbidden`. This is a cut answer, or something in between.
        Kind::Forbidden => Kind::Unavailable,
        Kind::NotExist => match remote.code.parse() {
            Ok(Code::RouteNotExist) => Kind::Internal,
            Ok(_) => Kind::NotExist,
            // A proxy in between answers so if it does not find the service.
            Err(()) => Kind::Unavailable,
        },
        kind => kind,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remote(kind: Kind, code: &str) -> ClientError {
        let message = "an internal word".to_owned();
        let code = code.to_owned();
        ClientError::Remote(RemoteError { kind, code, message, retry_after: None })
    }

    fn told(code: Code, message: &str) -> ApiError {
        ApiError::new(code.kind()).with_code(code).with_message(message)
    }

    fn shown(error: &ApiError) -> (Kind, &str, bool) {
        let leaks = error.message().contains("internal word");
        (error.kind(), error.code(), leaks)
    }

    #[test]
    fn a_refusal_keeps_its_kind_and_nothing_else() {
        for kind in [Kind::Conflict, Kind::Unprocessable, Kind::Internal, Kind::Unavailable] {
            let error = of(remote(kind, "some_code"), []);
            assert_eq!(shown(&error), (kind, kind.default_code(), false));
        }
        let error = of(remote(Kind::NotExist, "org_not_exist"), []);
        assert_eq!(shown(&error), (Kind::NotExist, "not_exist", false));
        let error = of(remote(Kind::NotExist, "not_exist"), []);
        assert_eq!(error.kind(), Kind::Unavailable, "a proxy that finds no service");
    }

    #[test]
    fn a_call_may_name_errors_of_its_own() {
        let own = || [told(Code::UserAlreadyExists, "taken")];
        let error = of(remote(Kind::Conflict, "user_already_exists"), own());
        assert_eq!((error.code(), error.message()), ("user_already_exists", "taken"));
        let error = of(remote(Kind::Conflict, "last_owner"), own());
        assert_eq!(shown(&error), (Kind::Conflict, "conflict", false));
    }

    #[test]
    fn a_refusal_without_its_explanation_is_no_answer_of_the_service() {
        for (kind, code) in [(Kind::Forbidden, "forbidden"), (Kind::NotExist, "not_exist")] {
            assert_eq!(of(remote(kind, code), []).kind(), Kind::Unavailable, "{code}");
        }
    }

    #[test]
    fn what_the_gateway_did_wrong_is_not_blamed_on_its_caller() {
        for (kind, code) in [
            (Kind::Unauthorized, "unauthorized"),
            (Kind::MethodNotAllowed, "method_not_allowed"),
            (Kind::NotExist, "route_not_exist"),
        ] {
            let error = of(remote(kind, code), []);
            assert_eq!(shown(&error), (Kind::Internal, "internal", false), "{code}");
        }
    }

    #[test]
    fn of_two_errors_with_one_code_the_one_is_shown_that_the_service_means() {
        let own = || ["a", "b"].map(|group| told(Code::ProjectGroupNotExist, group));
        for (said, shown) in [("a", "a"), ("b", "b"), ("c", "a")] {
            let code = Code::ProjectGroupNotExist.as_str().to_owned();
            let (kind, message) = (Kind::NotExist, said.to_owned());
            let remote = RemoteError { kind, code, message, retry_after: None };
            assert_eq!(of(remote.into(), own()).message(), shown);
        }
    }

    #[test]
    fn a_right_that_is_missing_is_told_in_the_gateways_words() {
        let error = of(remote(Kind::NotExist, "caller_not_exist"), []);
        assert_eq!(shown(&error), (Kind::Unauthorized, "unauthorized", false));
        let error = of(remote(Kind::Forbidden, "caller_forbidden"), []);
        assert_eq!(shown(&error), (Kind::Forbidden, "forbidden", false));
    }

    #[test]
    fn a_service_that_is_away_is_unavailable_and_a_slow_one_too_late() {
        let authority = || "configstore:1".to_owned();
        let refused = ClientError::NotSent { authority: authority(), source: "refused".into() };
        assert_eq!(of(refused, []).kind(), Kind::Unavailable);
        let cut = ClientError::Unknown { authority: authority(), source: "reset".into() };
        assert_eq!(of(cut, []).kind(), Kind::Unavailable);
        let source = Interrupted::Deadline.into();
        let late = ClientError::Unknown { authority: authority(), source };
        assert_eq!(of(late, []).kind(), Kind::Timeout);
    }

    #[test]
    fn operators_are_told_what_the_service_says_of_their_request() {
        let error = for_operators(remote(Kind::Unprocessable, "import_corrupt"));
        assert_eq!(shown(&error), (Kind::Unprocessable, "import_corrupt", true));
        for (kind, code) in [(Kind::Internal, "internal"), (Kind::Unauthorized, "unauthorized")] {
            let error = for_operators(remote(kind, code));
            assert_eq!(shown(&error), (Kind::Internal, "internal", false), "{code}");
        }
    }
}
