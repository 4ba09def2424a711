//! A connection to the gateway, and how answers are shown: tables and lines for people, JSON for
//! programs.

use comfy_table::{Table, presets};
use drydock_api::configstore::client::ConfigstoreClient;
use drydock_api::gateway::GatewayClient;
use drydock_core::context::Context;
use drydock_http::api::page::{ListQuery, Page};
use drydock_http::client::ClientError;
use serde::Serialize;
use serde_json::Value;

use crate::cli::args::GatewayArgs;
use crate::cli::confirm::confirm;
use crate::cli::exit::Failure;
use crate::cli::{connect, output};

/// The number of items of a page, the greatest that the API allows.
const PAGE: &str = "100";
/// The text for a value that is absent.
const NOTHING: &str = "-";

/// The clients with which one command calls a gateway.
pub struct Session {
    pub gateway: GatewayClient,
    pub objects: ConfigstoreClient,
    pub ctx: Context,
    json: bool,
    yes: bool,
}

impl Session {
    pub fn new(args: &GatewayArgs) -> Result<Session, Failure> {
        let gateway = connect::gateway(args)?;
        let objects = gateway.objects();
        Ok(Session { gateway, objects, ctx: Context::background(), json: args.json, yes: args.yes })
    }

    /// Goes on if what cannot be undone is wanted. `what` says what will go; it is asked for only
    /// if it is shown.
    pub async fn confirm(
        &self,
        what: impl Future<Output = Result<String, Failure>>,
    ) -> Result<(), Failure> {
        match self.yes {
            true => Ok(()),
            false => confirm(&what.await?, self.yes),
        }
    }

    /// Reads all pages of a list.
    pub async fn all<T>(
        &self,
        page: impl AsyncFnMut(ListQuery) -> Result<Page<T>, ClientError>,
    ) -> Result<Vec<T>, Failure> {
        Session::pages(page).await
    }

    /// The same without a session.
    pub async fn pages<T>(
        mut page: impl AsyncFnMut(ListQuery) -> Result<Page<T>, ClientError>,
    ) -> Result<Vec<T>, Failure> {
        let mut items = Vec::new();
        let mut cursor = None;
        loop {
            let limit = Some(PAGE.to_owned());
            let query = ListQuery { limit, cursor, ..ListQuery::default() };
            let next = page(query).await.map_err(failed)?;
            items.extend(next.items);
            match next.next_cursor {
                Some(next) => cursor = Some(next),
                None => return Ok(items),
            }
        }
    }

    /// Shows a list with these columns; `user.name` is the field `name` of the field `user`.
    pub fn list<T: Serialize>(&self, items: &[T], columns: &[&str]) -> Result<(), Failure> {
        list(self.json, items, columns)
    }

    /// Shows one object, with one line for each field.
    pub fn show<T: Serialize>(&self, object: &T) -> Result<(), Failure> {
        show(self.json, object)
    }

    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Prints that a change was made; for people only.
    pub fn done(&self, text: impl std::fmt::Display) -> Result<(), Failure> {
        if self.json {
            return Ok(());
        }
        output::line(text)
    }
}

/// Shows a list with these columns, as JSON if that is wanted.
pub fn list<T: Serialize>(json: bool, items: &[T], columns: &[&str]) -> Result<(), Failure> {
    if json {
        return output::json(&items);
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(columns.iter().map(|column| column.replace('.', " ")));
    for item in items {
        let item = value(item);
        table.add_row(columns.iter().map(|column| cell(&item, column)));
    }
    output::line(table)
}

/// Shows one object, with one line for each field, or as JSON if that is wanted.
pub fn show<T: Serialize>(json: bool, object: &T) -> Result<(), Failure> {
    if json {
        return output::json(object);
    }
    let object = value(object);
    let fields = object.as_object().into_iter().flatten();
    let lines: Vec<_> = fields.map(|(name, value)| format!("{name}: {}", text(value))).collect();
    output::line(lines.join("\n"))
}

/// The failure of a call: the gateway's own message and code, or the error of the connection.
pub fn failed(error: ClientError) -> Failure {
    match error.remote() {
        Some(remote) => {
            let text = format!("{} (`{}`)", remote.message, remote.code);
            Failure::Failed(text.into())
        }
        None => Failure::because("the gateway", error),
    }
}

fn value<T: Serialize>(object: &T) -> Value {
    serde_json::to_value(object).expect("objects are JSON")
}

fn cell(object: &Value, column: &str) -> String {
    let found = column.split('.').try_fold(object, |object, field| object.get(field));
    found.map_or(NOTHING.to_owned(), text)
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => NOTHING.to_owned(),
        Value::String(text) => output::shown(text),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        Value::Object(fields) if fields.contains_key("path") => text(&fields["path"]),
        Value::Object(fields) if fields.contains_key("name") => text(&fields["name"]),
        other => output::shown(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn cells_show_nested_fields_and_absent_values() {
        let object = json!({
            "name": "acme",
            "user": { "id": 1, "name": "alice" },
            "admin": true,
            "last_used_at": null,
            "values": [1],
        });
        for (column, expected) in [
            ("name", "acme"),
            ("user.name", "alice"),
            ("user", "alice"),
            ("admin", "yes"),
            ("last_used_at", "-"),
            ("nothing", "-"),
            ("values", "[1]"),
        ] {
            assert_eq!(cell(&object, column), expected);
        }
    }
}
