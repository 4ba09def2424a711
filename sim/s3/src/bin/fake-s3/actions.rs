//! What can be made to happen to the server.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use drydock_sim_control::process::Result;
use drydock_sim_control::{Controlled, Rules, fields};
use drydock_sim_s3::{ConditionalWrites, S3};
use serde::Deserialize;
use serde_json::{Value, json};

use super::host::Host;
use super::trouble::{Trouble, Troubles};

pub struct Fake {
    pub s3: Arc<S3>,
    pub host: Host,
    pub troubles: Arc<Troubles>,
}

const ACTIONS: [&str; 5] = ["conditional-writes", "disconnect", "kill", "listing-lag", "start"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListingLag {
    ms: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetConditionalWrites {
    are: ConditionalWrites,
}

#[async_trait]
impl Controlled for Fake {
    type Fault = Trouble;

    fn actions(&self) -> &'static [&'static str] {
        &ACTIONS
    }

    fn rules(&self) -> &Rules<Trouble> {
        &self.troubles.rules
    }

    fn state(&self) -> Value {
        let personality = self.s3.personality();
        let state = self.s3.state();
        let buckets = state.buckets().map(|(name, bucket)| {
            json!({
                "name": name,
                "objects": bucket.objects().count(),
                "uploads": bucket.uploads().count(),
            })
        });
        json!({
            "running": self.host.is_running(),
            "buckets": buckets.collect::<Vec<_>>(),
            "listing_lag_ms": personality.listing_lag.as_millis() as u64,
            "conditional_writes": personality.conditional_writes.name(),
        })
    }

    async fn act(&self, action: &str, body: &[u8]) -> Result<()> {
        match action {
            "kill" => {
                let Nothing {} = fields(body)?;
                self.host.kill().await
            }
            "start" => {
                let Nothing {} = fields(body)?;
                self.host.start().await
            }
            "disconnect" => {
                let Nothing {} = fields(body)?;
                self.host.kill().await?;
                self.host.start().await
            }
            "listing-lag" => {
                let ListingLag { ms } = fields(body)?;
                self.s3.change(|server| server.listing_lag = Duration::from_millis(ms));
                Ok(())
            }
            _ => {
                let SetConditionalWrites { are } = fields(body)?;
                self.s3.change(|server| server.conditional_writes = are);
                Ok(())
            }
        }
    }
}
