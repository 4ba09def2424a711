//! The operations of maintenance, export, import and lineages.

use drydock_core::error::Code;
use drydock_http::api::endpoint::Endpoint;

use super::types::{ImportQuery, Lineages, MaintenanceStatus, NDJSON, SwitchOn, WaitQuery};
use super::{ImportReport, RestoreReport};
use crate::endpoints::endpoints;

const IMPORT_REFUSALS: [Code; 13] = [
    Code::ImportConstraint,
    Code::ImportCorrupt,
    Code::ImportTruncated,
    Code::ImportUnknownKey,
    Code::ImportUnknownType,
    Code::ImportVersion,
    Code::ImportWrongService,
    Code::InvalidBody,
    Code::MaintenanceNotReady,
    Code::NotInMaintenance,
    Code::NotReady,
    Code::StorageUnavailable,
    Code::UnsupportedMediaType,
];

endpoints! {
    status = Endpoint::get("/api/v1/maintenance")
            .always()
            .about("shows the mode and the instances")
            .answers::<MaintenanceStatus>();
    switch_on = Endpoint::put("/api/v1/maintenance")
            .always()
            .unbounded()
            .about("switches maintenance on")
            .query::<WaitQuery>()
            .takes_if_given::<SwitchOn>()
            .answers::<MaintenanceStatus>();
    switch_off = Endpoint::delete("/api/v1/maintenance")
            .always()
            .unbounded()
            .about("switches maintenance off")
            .query::<WaitQuery>();
    export = Endpoint::get("/api/v1/export")
            .always()
            .unbounded()
            .audited()
            .about("exports everything")
            .answers_media(NDJSON)
            .refuses(&[Code::NotReady, Code::StorageUnavailable]);
    import = Endpoint::post("/api/v1/import")
            .always()
            .streamed()
            .unbounded()
            .about("replaces everything by an export")
            .query::<ImportQuery>()
            .takes_media(NDJSON)
            .answers::<ImportReport>()
            .refuses(&IMPORT_REFUSALS);
    lineages = Endpoint::get("/api/v1/lineages")
            .always()
            .about("lists the lineages that are kept")
            .answers::<Lineages>()
            .refuses(&[Code::NotReady, Code::StorageUnavailable]);
    restore = Endpoint::post("/api/v1/lineages/{lineage}/restore")
            .always()
            .bodiless()
            .unbounded()
            .about("goes back to a lineage")
            .answers::<RestoreReport>()
            .refuses(&[
                Code::LineageNotExist,
                Code::MaintenanceNotReady,
                Code::NotInMaintenance,
                Code::NotReady,
                Code::StorageUnavailable,
            ]);
}
