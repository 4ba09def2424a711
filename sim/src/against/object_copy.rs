//! Whatever is stored as an object while somebody looks: collected objects are what the oracles
//! want to see, too.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use drydock_core::env::Env;
use drydock_core::error::Chain;
use drydock_core::log::keys::ObjectKeys;
use drydock_core::objects::{ObjectError, Objects};
use drydock_harness::record::Recorder;
use object_store::ObjectStore;
use object_store::path::Path;
use tokio_util::sync::CancellationToken;

use crate::timeline::ObjectHistory;

/// Far shorter than the collector's grace.
const PERIOD: Duration = Duration::from_secs(1);
/// A deployment that holds more is none to try things on.
const MAX_BYTES: u64 = 512 << 20;

pub struct ObjectCopy {
    pub object_history: ObjectHistory,
    store: Arc<dyn ObjectStore>,
    env: Env,
    keys: ObjectKeys,
    seen: BTreeSet<Path>,
    bytes: u64,
}

impl ObjectCopy {
    pub fn new(store: Arc<dyn ObjectStore>, keys: ObjectKeys, env: &Env) -> ObjectCopy {
        // When an object came is not known: whatever is there counts as there from the beginning.
        let object_history = ObjectHistory::new(&Recorder::new(|| None, None));
        ObjectCopy {
            object_history,
            store,
            env: env.clone(),
            keys,
            seen: BTreeSet::new(),
            bytes: 0,
        }
    }

    /// Copies until it is stopped, and then once more; answers why that is not everything.
    pub async fn follow(mut self, stop: CancellationToken) -> (ObjectCopy, Option<String>) {
        while !stop.is_cancelled() {
            // Storage may be down for as long as somebody likes; the last look tells.
            let _ = self.look().await;
            if self.bytes > MAX_BYTES {
                break;
            }
            stop.run_until_cancelled(tokio::time::sleep(PERIOD)).await;
        }
        let problem = match self.look().await {
            _ if self.bytes > MAX_BYTES => {
                Some(format!("the bucket holds more than {} MiB", MAX_BYTES >> 20))
            }
            Ok(()) => None,
            Err(error) => Some(Chain(&error).to_string()),
        };
        (self, problem)
    }

    async fn look(&mut self) -> Result<(), ObjectError> {
        let objects = Objects::new(self.store.clone(), self.env.clone());
        let current = self.keys.current();
        for (path, size) in objects.list_sizes(&self.keys.all()).await? {
            if path == current || self.seen.contains(&path) {
                continue;
            }
            self.bytes += size;
            if self.bytes > MAX_BYTES {
                return Ok(());
            }
            match objects.get(&path).await {
                Ok(body) => self.object_history.put_now(&path, body),
                // Collected between the listing and now.
                Err(ObjectError::NotExist(_)) => {}
                Err(error) => return Err(error),
            }
            self.seen.insert(path);
        }
        Ok(())
    }
}
