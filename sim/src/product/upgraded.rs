//! Configstore one version later: a step more, which moves the time of creation of users. No client
//! sees the difference, so instances of both versions may be asked for anything.

use drydock_configstore::Configstore;
use drydock_configstore::schema::{SCHEMA, USERS};
use drydock_core::read_model::{Blobs, Leftovers, Schema, SchemaStep, TypeStep};
use drydock_http::server::route::Route;
use drydock_runtime::{Service, ServiceParts};
use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use prometheus_client::registry::Registry;
use serde_json::{Map, Value};

/// What the next version adds.
const MOVED: SignedDuration = SignedDuration::from_hours(1);

static NEXT: Schema = Schema {
    service: SCHEMA.service,
    version: SCHEMA.version + 1,
    steps: &[SchemaStep {
        version: SCHEMA.version + 1,
        types: &[TypeStep {
            name: USERS,
            up: |user| moved(user, MOVED),
            down: |user| moved(user, SignedDuration::ZERO.saturating_sub(MOVED)),
        }],
    }],
    types: SCHEMA.types,
    leftovers: Leftovers { count: SCHEMA.leftovers.count, next: SCHEMA.leftovers.next },
    counters: SCHEMA.counters,
    blobs: Blobs::NONE,
};

fn moved(user: &mut Map<String, Value>, by: SignedDuration) -> Result<(), String> {
    if user.contains_key("deleted_at") {
        return Ok(());
    }
    let time = user.get_mut("created_at").ok_or("a user without a time of creation")?;
    let before: Timestamp = serde_json::from_value(time.clone()).map_err(|why| why.to_string())?;
    let after = before.checked_add(by).map_err(|why| why.to_string())?;
    *time = Value::String(after.to_string());
    Ok(())
}

/// An instance of the next version.
#[derive(Default)]
pub struct Upgraded(Configstore);

impl Service for Upgraded {
    type State = <Configstore as Service>::State;

    fn schema() -> &'static Schema {
        &NEXT
    }

    fn routes() -> Vec<Route<Self::State>> {
        Configstore::routes()
    }

    fn register(&mut self, registry: &mut Registry) {
        self.0.register(registry);
    }

    fn assemble(self, parts: ServiceParts) -> (Self::State, BoxFuture<'static, ()>) {
        self.0.assemble(parts)
    }
}
