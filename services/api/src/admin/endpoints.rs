//! The operations of maintenance, export, import and lineages.

use drydock_core::archive::refusals::{ImportFailure, RestoreFailure};
use drydock_core::error::Code;
use drydock_http::api::endpoint::Endpoint;

use super::refusals::{InvalidRequestedBy, InvalidWait};
use super::types::{
    ImportQuery, Lineages, MaintenanceStatus, NDJSON, OCTET_STREAM, SwitchOn, WaitQuery,
};
use super::{ImportReport, RestoreReport};
use crate::endpoints::endpoints;
use crate::refusals::InvalidField;

/// The codes of the stores below an operation that answers in every state of the service.
const STORES: [Code; 2] = [Code::NotReady, Code::StorageUnavailable];

endpoints! {
    status = Endpoint::get("/api/v1/maintenance")
            .always()
            .about("shows the mode and the instances")
            .answers::<MaintenanceStatus>();
    switch_on: SwitchOnFailure { InvalidField, InvalidRequestedBy, InvalidWait } =
        Endpoint::put("/api/v1/maintenance")
            .always()
            .unbounded()
            .about("switches maintenance on")
            .query::<WaitQuery>()
            .takes_if_given::<SwitchOn>()
            .answers::<MaintenanceStatus>();
    switch_off: SwitchOffFailure { InvalidRequestedBy, InvalidWait } =
        Endpoint::delete("/api/v1/maintenance")
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
            .refuses(&STORES);
    import fails ImportFailure = Endpoint::post("/api/v1/import")
            .always()
            .streamed()
            .unbounded()
            .about("replaces everything by an export")
            .query::<ImportQuery>()
            .takes_media(&[NDJSON, OCTET_STREAM])
            .answers::<ImportReport>()
            .refuses(&STORES)
            .refuses(&[Code::InvalidBody, Code::UnsupportedMediaType]);
    lineages = Endpoint::get("/api/v1/lineages")
            .always()
            .about("lists the lineages that are kept")
            .answers::<Lineages>()
            .refuses(&STORES);
    restore fails RestoreFailure = Endpoint::post("/api/v1/lineages/{lineage}/restore")
            .always()
            .bodiless()
            .unbounded()
            .about("goes back to a lineage")
            .answers::<RestoreReport>()
            .refuses(&STORES);
}
