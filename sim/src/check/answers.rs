//! No answer is an internal error: whatever goes wrong around a service has a kind of its own. Nor
//! is anybody blamed for a request that is as it should be.

use drydock_core::error::{Code, Kind};

use super::{Checks, Evidence, Violation};
use crate::history::{Answer, Call, RunsCall};

pub const ORACLE: &str = "answers";

/// Kinds that blame the caller, who sends only requests that are well-formed.
const BLAMES: [Kind; 4] = [
    Kind::BadRequest,
    Kind::MethodNotAllowed,
    Kind::PreconditionFailed,
    Kind::UnsupportedMediaType,
];

pub fn check(evidence: &Evidence<'_>, checks: &mut Checks) {
    for operation in evidence.operations {
        let Some(Answer::Refused { kind, message, .. }) = operation.answer() else {
            continue;
        };
        checks.done(ORACLE, 1);
        // Those are damaged on purpose.
        let meant =
            matches!(operation.call, Call::Import { .. } | Call::Runs(RunsCall::Bad { .. }));
        // Nor is anybody wrong who restarts a run that has not ended.
        let allowed = operation.answer().is_some_and(|it| it.is_code(Code::RunNotRestartable));
        let sentence = if *kind == Kind::Internal && !evidence.injected {
            "a request was answered with an internal error"
        } else if BLAMES.contains(kind) && !meant && !allowed {
            "a request that is as it should be was answered as if it were not"
        } else {
            continue;
        };
        let fact = format!("its message is `{message}`");
        checks.violated(Violation::new(ORACLE, sentence, operation.to_string(), fact));
    }
}
