//! The operations of an operator: status and switch of the mode, export, import, lineages.
//!
//! The mode needs no read model, only the coordination store: an instance that cannot load its
//! store can still switch it, in both directions.

use std::time::Duration;

use async_trait::async_trait;
use drydock_api::admin::{ImportReport, Intent, Lineage, MaintenanceStatus, RestoreReport};
use drydock_core::archive::{ImportError, RestoreError};
use drydock_core::context::Context;
use drydock_core::coord::{Bounded, Compare, Coordination, Error, Op, Outcome, Txn};
use drydock_core::env::Env;
use drydock_core::error::ActionError;
use drydock_core::log::format::{InstanceRecord, InstanceState, Mode, ModeRecord, encode};
use drydock_core::log::keys::Keys;
use drydock_core::maintenance::{ModeCell, SeenMode};
use drydock_core::read_model::StoreError;
use drydock_core::retry::Backoff;
use drydock_core::store::{Overview, Store};
use drydock_core::tasks::compact;
use uuid::Uuid;

use crate::routes::{Admin, ByteStream, ExportError, ModeChange};

/// How often the instances' acknowledgements are read while a request waits for them.
const POLL: Duration = Duration::from_millis(100);

pub(super) struct Operator {
    env: Env,
    coord: Bounded,
    keys: Keys,
    store: Store,
    mode: ModeCell,
}

impl Operator {
    pub(super) fn new(
        env: Env,
        coord: Bounded,
        keys: Keys,
        store: Store,
        mode: ModeCell,
    ) -> Operator {
        Operator { env, coord, keys, store, mode }
    }

    async fn overview(&self) -> Result<Overview, StoreError> {
        let now = Overview::read(&self.coord, &self.keys).await?;
        self.mode.observe(now.mode.clone());
        Ok(now)
    }

    /// Sets the mode, also while other operators set it.
    async fn switch(&self, change: &ModeChange) -> Result<(), StoreError> {
        let mut backoff = Backoff::new(&self.env, "mode-switch");
        let mut has_made_room = false;
        loop {
            let seen = self.overview().await?.mode;
            if seen.mode == change.mode {
                return Ok(());
            }
            match self.coord.txn(self.propose(&seen, change)).await {
                Ok(_) => {}
                // The next overview shows whether the switch was applied.
                Err(error) if error.outcome() != Outcome::NotApplied => backoff.pause().await,
                Err(Error::NoSpace { .. }) if !has_made_room => {
                    has_made_room = true;
                    compact::make_room(&self.store).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn propose(&self, seen: &SeenMode, change: &ModeChange) -> Txn {
        let record = ModeRecord {
            mode: change.mode,
            generation: seen.generation + 1,
            since: self.env.now(),
            requested_by: change.requested_by.clone(),
            reason: change.reason.clone(),
        };
        Txn::default()
            .when(Compare::mod_revision(self.keys.mode(), seen.revision))
            .then(Op::put(self.keys.mode(), encode(&record)))
    }
}

#[async_trait]
impl Admin for Operator {
    async fn status(&self, ctx: &Context) -> Result<MaintenanceStatus, StoreError> {
        let overview = ctx.run(self.overview()).await??;
        Ok(status(overview))
    }

    async fn set_mode(
        &self,
        ctx: &Context,
        change: ModeChange,
    ) -> Result<MaintenanceStatus, StoreError> {
        ctx.run(self.switch(&change)).await??;
        let patience = ctx.timeout(change.wait.unwrap_or_default());
        loop {
            let now = ctx.run(self.overview()).await??;
            let waited = change.wait.is_none() || patience.check().is_err();
            if waited || is_reached(&now, change.mode) {
                return Ok(status(now));
            }
            tokio::time::sleep(POLL).await;
        }
    }

    async fn export(&self, ctx: &Context) -> Result<ByteStream, ExportError> {
        let (_, stream) = self.store.export(ctx).await.map_err(ActionError::internal)?;
        Ok(stream)
    }

    async fn import(
        &self,
        ctx: &Context,
        export: ByteStream,
        intent: Intent,
    ) -> Result<ImportReport, ImportError> {
        self.store.import(ctx, export, intent).await
    }

    async fn lineages(&self, ctx: &Context) -> Result<Vec<Lineage>, StoreError> {
        ctx.run(self.store.lineages()).await?
    }

    async fn restore(&self, ctx: &Context, lineage: Uuid) -> Result<RestoreReport, RestoreError> {
        self.store.restore(ctx, lineage).await
    }
}

/// Whether every live instance has reached the mode; also if the mode has changed again.
fn is_reached(now: &Overview, wanted: Mode) -> bool {
    match wanted {
        Mode::Maintenance => now.ready() || now.mode.mode != wanted,
        Mode::Normal => {
            let serves = |instance: &InstanceRecord| {
                instance.generation >= now.mode.generation
                    && instance.state == InstanceState::Normal
            };
            !now.instances.is_empty() && now.instances.iter().all(serves)
        }
    }
}

fn status(now: Overview) -> MaintenanceStatus {
    let ready = now.ready();
    let record = now.mode.record;
    MaintenanceStatus {
        mode: now.mode.mode,
        generation: now.mode.generation,
        since: record.as_ref().map(|record| record.since),
        requested_by: record.as_ref().map(|record| record.requested_by.clone()),
        reason: record.and_then(|record| record.reason),
        ready,
        instances: now.instances,
        lineage: now.head.map(|head| head.lineage),
        position: now.head.map(|head| head.position),
        last_recovery: now.last_recovery,
        writes_schema: now.writes.map(|writes| writes.schema),
    }
}
