//! What imports and restores refuse.

use uuid::Uuid;

use crate::{failures, refusals};

refusals! {
    ImportConstraint(line: u64, why: String) = "line `{line}`: {why}";
    ImportCorrupt(line: u64, why: String) = "line `{line}`: {why}";
    ImportTruncated(line: u64) = "the stream ends at line `{line}`, without a trailer";
    ImportUnknownKey(line: u64, key: String) =
        "line `{line}`: the encryption key `{key}` is not configured";
    ImportUnknownType(line: u64, found: String) = "line `{line}`: type `{found}` is not known";
    ImportVersion(found: String, reads: String) =
        "the export has version {found}, this is version {reads}";
    ImportWrongService(found: String, expected: &'static str) =
        "the export is of `{found}`, this is `{expected}`";
    LineageNotExist(lineage: Uuid) = "lineage `{lineage}` is not kept here";
    MaintenanceNotReady = "not every instance has acknowledged the maintenance";
    NotInMaintenance = "the service is not in maintenance";

    /// Something was committed, or the mode was switched, between the look and the switch.
    Overtaken as NotInMaintenance = "the state changed meanwhile";
}

failures! {
    /// What a switch to a new lineage refuses.
    SwitchFailure { MaintenanceNotReady, NotInMaintenance, Overtaken }

    ImportFailure {
        ImportConstraint, ImportCorrupt, ImportTruncated, ImportUnknownKey, ImportUnknownType,
        ImportVersion, ImportWrongService, SwitchFailure,
    }

    RestoreFailure { LineageNotExist, SwitchFailure }
}
