//! Tasks.

use drydock_api::runservice::types::{
    AllowFailure, ApprovalRule, Label, Retry, RetryFor, RetryKind,
};

use super::condition::{depends, when};
use super::fields::{Fields, Shape, filled_list, list};
use super::scalar::{boolean, checked, exit_code, number, parsed, word};
use super::step::step;
use crate::errors::Errors;
use crate::file::TaskDefinition;
use crate::node::{Node, Value};

pub const TASK: Shape = Shape {
    of: "a task",
    keys: &[
        "when",
        "depends",
        "labels",
        "arch",
        "steps",
        "retry",
        "approval",
        "allow_failure",
        "exclusive",
        "timeout",
        "concurrency",
    ],
};
pub const RETRY: Shape = Shape { of: "`retry`", keys: &["max", "for"] };
pub const APPROVAL: Shape = Shape { of: "`approval`", keys: &["timeout", "forbid_creator"] };
const MAX_STEPS: usize = 64;
const MAX_LABELS: usize = 32;
const MAX_RETRIES: u8 = 10;
const MAX_CODES: usize = 256;
const FAILURES: [(&str, RetryKind); 3] = [
    ("executor_lost", RetryKind::ExecutorLost),
    ("timeout", RetryKind::Timeout),
    ("failed", RetryKind::Failed),
];

pub fn task(node: &Node, errors: &mut Errors) -> Option<TaskDefinition> {
    let fields = Fields::of(node, &TASK, errors)?;
    let when = fields.optional("when", errors, when);
    let depends = fields.optional("depends", errors, depends);
    let labels = fields.optional("labels", errors, |node, errors| {
        list(node, MAX_LABELS, errors, checked::<Label>)
    });
    let arch = fields.optional("arch", errors, checked::<Label>);
    let steps =
        fields.required("steps", errors, |node, errors| list(node, MAX_STEPS, errors, step));
    let retry = fields.optional("retry", errors, retry);
    let approval = fields.optional("approval", errors, approval);
    let allow_failure = fields.optional("allow_failure", errors, allow_failure);
    let exclusive = fields.optional("exclusive", errors, boolean);
    let timeout = fields.optional("timeout", errors, parsed);
    let concurrency = fields.optional("concurrency", errors, checked::<Label>);
    Some(TaskDefinition {
        when: when?,
        depends: depends?.unwrap_or_default(),
        labels: labels?.unwrap_or_default(),
        arch: arch?,
        steps: steps?,
        retry: retry?,
        approval: approval?,
        allow_failure: allow_failure?.unwrap_or_default(),
        exclusive: exclusive?.unwrap_or_default(),
        timeout: timeout?,
        concurrency: concurrency?,
    })
}

fn retry(node: &Node, errors: &mut Errors) -> Option<Retry> {
    let fields = Fields::of(node, &RETRY, errors)?;
    let max = fields.required("max", errors, |node, errors| number(node, MAX_RETRIES, errors));
    let r#for = fields.optional("for", errors, |node, errors| {
        filled_list(node, MAX_CODES, errors, |item, errors| match item.value {
            Value::Integer(_) => exit_code(item, errors).map(RetryFor::Code),
            _ => word(item, &FAILURES, errors).map(RetryFor::Kind),
        })
    });
    Some(Retry { max: max?, r#for: r#for? })
}

fn approval(node: &Node, errors: &mut Errors) -> Option<ApprovalRule> {
    let fields = Fields::of(node, &APPROVAL, errors)?;
    let timeout = fields.optional("timeout", errors, parsed);
    let forbid_creator = fields.optional("forbid_creator", errors, boolean);
    Some(ApprovalRule { timeout: timeout?, forbid_creator: forbid_creator?.unwrap_or_default() })
}

fn allow_failure(node: &Node, errors: &mut Errors) -> Option<AllowFailure> {
    match node.value {
        Value::List(_) => filled_list(node, MAX_CODES, errors, exit_code).map(AllowFailure::Codes),
        _ => boolean(node, errors).map(AllowFailure::Always),
    }
}
