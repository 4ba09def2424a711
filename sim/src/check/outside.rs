//! What can be said of a deployment into which nobody looks.

use super::{
    Checks, Evidence, ORACLES, answers, constraints, converge, exports, imports, linearizable,
    secrets,
};

/// Asks those that need nothing but what clients and operators saw; of the others it says that they
/// are not judged, and `why`.
pub fn outside(evidence: &Evidence<'_>, why: &str) -> Checks {
    let mut checks = Checks::default();
    for (oracle, _) in ORACLES {
        match *oracle {
            exports::ORACLE => exports::whole(evidence, &mut checks),
            constraints::ORACLE => constraints::check(evidence, &mut checks),
            imports::ORACLE => imports::refused(evidence, &mut checks),
            secrets::ORACLE => secrets::check(evidence, &mut checks),
            answers::ORACLE => answers::check(evidence, &mut checks),
            converge::ORACLE => converge::check(evidence, &mut checks),
            linearizable::ORACLE => linearizable::check(evidence, &mut checks),
            _ => {}
        }
        match *oracle {
            exports::ORACLE | constraints::ORACLE | imports::ORACLE | secrets::ORACLE => {
                checks.not_judged(oracle, &format!("only what was answered: {why}"));
            }
            answers::ORACLE | converge::ORACLE | linearizable::ORACLE => {}
            _ => checks.not_judged(oracle, why),
        }
    }
    checks
}
