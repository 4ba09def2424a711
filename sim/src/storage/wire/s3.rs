//! Objects as a host of the world: a simulated S3.

use std::sync::Arc;

use drydock_backends::connect::ConnectSettings;
use drydock_backends::objects::{Addressing, Credentials, S3Settings, open_s3};
use drydock_core::env::Env;
use drydock_core::error::BoxError;
use drydock_core::net::{Net, SharedNet};
use drydock_harness::world::{self, Stop};
use drydock_sim_s3::{Personality, S3, Settings, serve};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};

use super::s3_faults::S3Faults;
use crate::plan::Plan;
use crate::plan::hosts::{S3_HOST, S3_PORT};
use crate::storage::Accepts;
use crate::storage::seams::HostNet;

const BUCKET: &str = "drydock";
const REGION: &str = "us-east-1";
const ACCESS_KEY: &str = "simulated";
const SECRET_KEY: &str = "simulated-secret";

#[derive(Clone)]
pub struct S3Host {
    s3: Arc<S3>,
}

impl S3Host {
    pub fn new(plan: &Plan, faults: S3Faults, env: &Env) -> S3Host {
        let settings = Settings {
            keys: [(ACCESS_KEY.to_owned(), SECRET_KEY.to_owned())].into(),
            region: REGION.to_owned(),
            personality: Personality {
                listing_lag: std::time::Duration::from_millis(plan.topology.listing_lag_ms),
                conditional_writes: plan.topology.conditional_writes,
                ..Personality::default()
            },
            ..Settings::default()
        };
        let (clock, rng) = (env.clone(), env.rng("s3"));
        let s3 = S3::new(settings, Arc::new(move || clock.now()), rng, Arc::new(faults));
        s3.state().create_bucket(BUCKET, plan.epoch).expect("there is no other bucket");
        S3Host { s3: Arc::new(s3) }
    }

    pub fn add_to(&self, world: &mut world::Cluster) {
        let (net, s3, stop) = (HostNet(world.net(S3_HOST)), self.s3.clone(), Stop::default());
        let stopped = stop.clone();
        world.host(S3_HOST, stop, move || {
            let (net, s3, shutdown) = (net.clone(), s3.clone(), stopped.renew());
            async move {
                let listener = net.listen(&format!("0.0.0.0:{S3_PORT}")).await;
                let listener = listener.expect("nobody else listens on the host of S3");
                serve(Box::new(Accepts(listener)), s3, shutdown).await;
            }
        });
    }

    /// The objects as the product reaches them.
    pub fn client(net: SharedNet) -> Result<Arc<dyn ObjectStore>, BoxError> {
        let settings = S3Settings {
            bucket: BUCKET.to_owned(),
            region: REGION.to_owned(),
            endpoint: Some(format!("http://{S3_HOST}:{S3_PORT}")),
            addressing: Addressing::Path,
            credentials: Credentials::Keys {
                access_key: ACCESS_KEY.to_owned(),
                secret_key: SECRET_KEY.into(),
                session_token: None,
            },
            connect: ConnectSettings::default(),
        };
        Ok(open_s3(&settings, net)?)
    }

    /// What is really there.
    pub async fn left(&self) -> Arc<InMemory> {
        let left = InMemory::new();
        let objects: Vec<_> = {
            let state = self.s3.state();
            let bucket = state.bucket(BUCKET).expect("nobody deletes it");
            bucket.objects().map(|(key, object)| (Path::from(key), object.body.clone())).collect()
        };
        for (path, body) in objects {
            let put = left.put(&path, PutPayload::from_bytes(body)).await;
            put.expect("memory takes everything");
        }
        Arc::new(left)
    }
}
