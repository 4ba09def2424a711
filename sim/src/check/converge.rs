//! I15: after the faults stop, every live instance converges to the same state, every request is
//! answered, and nothing stays stuck, within a bounded simulated time.

use super::{Checks, Evidence, Violation};
use crate::export::Export;

pub const ORACLE: &str = "I15 converge";

pub fn check(evidence: &Evidence<'_>, checks: &mut Checks) {
    let finals = evidence.finals;
    checks.pending.extend(finals.pending.iter().cloned());
    for operation in evidence.operations {
        if operation.ended.is_none() {
            checks.pending.push(operation.to_string());
        }
    }
    let exports: Vec<(usize, Export)> = finals
        .exports
        .iter()
        .filter_map(|(instance, bytes)| Some((*instance, Export::parse(bytes).ok()?)))
        .collect();
    checks.done(ORACLE, exports.len() as u64);
    for pair in exports.windows(2) {
        let [(one, first), (other, second)] = pair else {
            continue;
        };
        if (first.position, &first.digest) != (second.position, &second.digest) {
            let state = |instance: usize, export: &Export| {
                format!(
                    "configstore-{instance} is at position {} with digest {}",
                    export.position, export.digest
                )
            };
            checks.violated(Violation::new(
                ORACLE,
                "two instances did not converge to the same state",
                state(*one, first),
                state(*other, second),
            ));
        }
    }
}
