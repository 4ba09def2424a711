//! `drydock maintenance on|off|status`.

use comfy_table::{Table, presets};
use drydock_api::admin::MaintenanceStatus;
use drydock_core::context::Context;
use drydock_core::log::format::{InstanceRecord, InstanceState, Mode};
use drydock_http::client::ClientError;

use super::args::{MaintenanceAction, ServerArgs};
use super::connect;
use super::connect::REQUESTED_BY;
use super::exit::Failure;
use super::output;

pub async fn run(action: MaintenanceAction, server: &ServerArgs) -> Result<(), Failure> {
    let client = connect::admin(server)?;
    let ctx = Context::background();
    let failed = |error: ClientError| Failure::because("maintenance", error);
    match action {
        MaintenanceAction::On { reason, wait } => {
            let reason = reason.as_deref();
            let switched = client.switch_on(&ctx, REQUESTED_BY, reason, wait.wait).await;
            let status = switched.map_err(failed)?;
            show(&status)?;
            if wait.wait.is_some() && !status.ready {
                return Err(late("maintenance: some instances are not in maintenance yet"));
            }
        }
        MaintenanceAction::Off { wait } => {
            let switched = client.switch_off(&ctx, REQUESTED_BY, wait.wait).await;
            switched.map_err(failed)?;
            let status = client.status(&ctx).await.map_err(failed)?;
            show(&status)?;
            if wait.wait.is_some() && !serving(&status) {
                return Err(late("maintenance: some instances are not serving yet"));
            }
        }
        MaintenanceAction::Status { json } => {
            let status = client.status(&ctx).await.map_err(failed)?;
            if json {
                output::json(&status)?;
            } else {
                show(&status)?;
            }
        }
    }
    Ok(())
}

fn late(text: &str) -> Failure {
    Failure::Failed(text.into())
}

fn serving(status: &MaintenanceStatus) -> bool {
    let followed = |instance: &InstanceRecord| instance.state == InstanceState::Normal;
    status.mode == Mode::Normal && status.instances.iter().all(followed)
}

fn show(status: &MaintenanceStatus) -> Result<(), Failure> {
    let mode = match (status.mode, status.ready) {
        (Mode::Normal, _) => "normal",
        (Mode::Maintenance, true) => "maintenance, ready",
        (Mode::Maintenance, false) => "maintenance, not ready",
    };
    output::line(format!("mode: {mode} (generation {})", status.generation))?;
    if let (Some(since), Some(by)) = (status.since, &status.requested_by) {
        output::line(format!("since: {since}, requested by {}", output::shown(by)))?;
    }
    if let Some(reason) = &status.reason {
        output::line(format!("reason: {}", output::shown(reason)))?;
    }
    if let (Some(lineage), Some(position)) = (status.lineage, status.position) {
        output::line(format!("log: position {position} of lineage {lineage}"))?;
    }
    if let Some(schema) = status.writes_schema {
        output::line(format!("schema: version {schema} is written"))?;
    }
    output::line(instances(&status.instances))
}

fn instances(instances: &[InstanceRecord]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header([
        "instance",
        "address",
        "version",
        "schema",
        "state",
        "generation",
        "position",
        "seen",
    ]);
    for instance in instances {
        table.add_row([
            output::shown(&instance.id),
            output::shown(&instance.address),
            output::shown(&instance.version),
            instance.schema.to_string(),
            output::name(&instance.state),
            instance.generation.to_string(),
            instance.position.map_or("-".to_owned(), |position| position.to_string()),
            instance.seen_at.to_string(),
        ]);
    }
    table
}
