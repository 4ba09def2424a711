//! `drydock lineages list|restore`.

use comfy_table::{Table, presets};
use drydock_api::admin::Lineage;
use drydock_core::context::Context;
use drydock_http::client::ClientError;

use super::args::{LineagesAction, ServerArgs};
use super::confirm::confirm;
use super::exit::Failure;
use super::{connect, output};

pub async fn run(action: LineagesAction, server: &ServerArgs) -> Result<(), Failure> {
    let client = connect::admin(server)?;
    let ctx = Context::background();
    let failed = |error: ClientError| Failure::because("lineages", error);
    match action {
        LineagesAction::List { json } => {
            let lineages = client.lineages(&ctx).await.map_err(failed)?;
            if json {
                return output::json(&lineages);
            }
            output::line(table(&lineages.items))
        }
        LineagesAction::Restore { lineage, yes } => {
            let what =
                format!("the present state goes; that of lineage `{lineage}` takes its place");
            confirm(&what, yes)?;
            let report = client.restore(&ctx, lineage).await.map_err(failed)?;
            for (kind, count) in &report.counts {
                output::line(format!("{kind}: {count}"))?;
            }
            let (from, at) = (report.restored, report.restored_position);
            output::line(format!("restored: position {at} of lineage {from}"))?;
            let (lineage, position) = (report.lineage, report.position);
            output::line(format!("log: position {position} of lineage {lineage}"))
        }
    }
}

pub fn table(lineages: &[Lineage]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["lineage", "reason", "position", "created", "parent", "in force"]);
    for lineage in lineages {
        table.add_row([
            lineage.id.to_string(),
            output::name(&lineage.reason),
            lineage.position.to_string(),
            lineage.created.to_string(),
            lineage.parent.map_or("-".to_owned(), |parent| parent.to_string()),
            if lineage.in_force { "yes" } else { "-" }.to_owned(),
        ]);
    }
    table
}
