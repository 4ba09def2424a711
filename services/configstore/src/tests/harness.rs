use std::ops::Deref;
use std::sync::Arc;

use drydock_api::configstore::client::ConfigstoreClient;
use drydock_core::coord::memory::Memory;
use drydock_core::db::Execution;
use drydock_core::env::{Env, ManualClock, RngTree};
use drydock_core::maintenance::{ModeCell, SeenMode};
use drydock_core::store::{Phase, Store, StoreParts, StoreSettings};
use drydock_http::server::HttpSettings;
use drydock_http::testing::harness::Served;
use drydock_runtime::Service;
use drydock_runtime::encryption::KeyRing;
use object_store::memory::InMemory;
use serde_json::Value;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::{Configstore, ConfigstoreState, SCHEMA};

/// The encryption keys of the tests.
pub const KEYS: &str = "test:0101010101010101010101010101010101010101010101010101010101010101";

pub struct TestConfigstore {
    served: Served<ConfigstoreState>,
    pub clock: Arc<ManualClock>,
    pub env: Env,
    _scratch: TempDir,
}

impl Deref for TestConfigstore {
    type Target = Served<ConfigstoreState>;

    fn deref(&self) -> &Served<ConfigstoreState> {
        &self.served
    }
}

impl TestConfigstore {
    pub async fn start() -> TestConfigstore {
        let clock = Arc::new(ManualClock::new(jiff::Timestamp::UNIX_EPOCH));
        let scratch = TempDir::new().unwrap();
        let mode = ModeCell::default();
        mode.observe(SeenMode::NEVER_SWITCHED);
        let keys: KeyRing = KEYS.parse().unwrap();
        let env = Env::new(clock.clone(), RngTree::from_seed(1));
        let (store, loops) = Store::new(StoreParts {
            cluster: "test".to_owned(),
            schema: &SCHEMA,
            env: env.clone(),
            coord: Arc::new(Memory::new(clock.clone())),
            objects: Arc::new(InMemory::new()),
            settings: StoreSettings::default(),
            execution: Execution::Inline,
            scratch: scratch.path().to_owned(),
            mode,
            key_check: Arc::new(keys.clone()),
        });
        tokio::spawn(loops.run(CancellationToken::new()));
        store.applied().wait_for(|applied| applied.phase == Phase::Ready).await.unwrap();
        let state = ConfigstoreState { store, keys };
        let served = Served::new(HttpSettings::default(), Configstore::routes(), state).await;
        TestConfigstore { served, clock, env, _scratch: scratch }
    }

    pub fn typed(&self) -> ConfigstoreClient {
        ConfigstoreClient::new(self.client())
    }

    /// Sends a request such as `POST /users 201`, checks the status, and returns the body.
    pub async fn expect(&self, line: &str, body: &str) -> Value {
        let answer = self.send(line, body).await;
        match answer.body.is_empty() {
            true => Value::Null,
            false => answer.json(),
        }
    }

    /// Sends a request such as `POST /users 409 user_already_exists`, and checks status and code.
    pub async fn refuse(&self, line: &str, body: &str) {
        let (line, code) = line.rsplit_once(' ').unwrap();
        let answer = self.send(line, body).await;
        assert_eq!(answer.error().1, code, "{line}: {}", answer.body);
    }

    pub async fn send(&self, line: &str, body: &str) -> drydock_http::testing::wire::Raw {
        let [method, path, status] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
        let answer = self.ask_json(method, &format!("/api/v1{path}"), body).await;
        assert_eq!(answer.status.to_string(), status, "{line}: {}", answer.body);
        answer
    }
}
