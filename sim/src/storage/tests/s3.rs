//! The server as a host of the simulated world.

use std::sync::{Arc, Mutex};

use drydock_backends::connect::ConnectSettings;
use drydock_backends::objects::{Addressing, Credentials, S3Settings, builder};
use drydock_core::env::{Env, RngTree};
use drydock_core::error::Chain;
use drydock_core::net::Net;
use drydock_harness::fault::Faults;
use drydock_harness::record::Recorder;
use drydock_harness::world::{Cluster, Stop, host_elapsed};
use drydock_sim_s3::request::head::encode;
use drydock_sim_s3::wire::digest::{base64, hmac_sha1};
use drydock_sim_s3::{Calm, S3, Settings, serve};
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_util::sync::CancellationToken;

use crate::plan::fault::{Fault, LinkFault, ProcessFault};
use crate::plan::{Fidelity, InstanceId};
use crate::scenario::Scenario;
use crate::storage::Accepts;
use crate::storage::seams::{HostClock, HostNet};

const BUCKET: &str = "bucket";
const KEY: &str = "key";
const SECRET: &str = "secret";
const CLIENT: &str = "configstore-1";
const SERVER: &str = "s3-1";
const ADDRESS: &str = "s3-1:9000";

fn server(env: Env) -> Arc<S3> {
    let keys = [(KEY.to_owned(), SECRET.to_owned())].into();
    let (clock, rng) = (env.clone(), env.rng("s3"));
    let clock = Arc::new(move || clock.now());
    let s3 = S3::new(Settings { keys, ..Settings::default() }, clock, rng, Arc::new(Calm));
    s3.state().create_bucket(BUCKET, env.now()).unwrap();
    Arc::new(s3)
}

/// Runs a client against a server under faults; what it came to, and what the faults hit.
fn run<F>(
    seed: u64,
    faults: Vec<Fault>,
    client: impl FnOnce(HostNet) -> F,
) -> (Option<String>, Vec<u64>)
where
    F: Future<Output = String> + 'static,
{
    let mut plan = Scenario::find("feed-gap").unwrap().plan(7, Fidelity::Direct);
    plan.tick_ms = 1;
    plan.load_ms = 20_000;
    plan.faults = faults;
    let recorder = Recorder::new(host_elapsed, None);
    let faults = Faults::new(plan.scheduled(), recorder.clone());
    let mut cluster = Cluster::new(&plan.world(), &faults, &recorder);
    let clock = HostClock::shared(plan.epoch, None, &faults);
    let env = Env::new(clock, RngTree::from_seed(seed));
    let (s3, net) = (server(env), HostNet(cluster.net(SERVER)));
    cluster.host(SERVER, Stop::default(), move || {
        let (s3, net) = (s3.clone(), net.clone());
        async move {
            let listener = net.listen("0.0.0.0:9000").await.unwrap();
            serve(Box::new(Accepts(listener)), s3, CancellationToken::new()).await;
        }
    });
    let came_to = Arc::new(Mutex::new(None));
    let (work, note) = (client(HostNet(cluster.net(CLIENT))), came_to.clone());
    cluster.client(CLIENT, async move {
        let answer = work.await;
        *note.lock().unwrap() = Some(answer);
    });
    cluster.run(20_000, || came_to.lock().unwrap().is_some()).unwrap();
    let came_to = came_to.lock().unwrap().take();
    (came_to, faults.report().iter().map(|fault| fault.hits).collect())
}

async fn put_and_get(net: HostNet) -> String {
    let settings = S3Settings {
        bucket: BUCKET.to_owned(),
        region: "us-east-1".to_owned(),
        endpoint: Some(format!("http://{ADDRESS}")),
        addressing: Addressing::Path,
        credentials: Credentials::Keys {
            access_key: KEY.to_owned(),
            secret_key: SECRET.into(),
            session_token: None,
        },
        connect: ConnectSettings::default(),
    };
    let client = builder(&settings, Arc::new(net)).build().unwrap();
    let key = Path::from("a");
    // Larger than a segment and than the network's buffers.
    let body = vec![7; 3 * 1024 * 1024];
    if let Err(error) = client.put(&key, PutPayload::from(body.clone())).await {
        return Chain(&error).to_string();
    }
    let read = client.get(&key).await.unwrap().bytes().await.unwrap();
    assert_eq!(read, body);
    "same".to_owned()
}

#[test]
fn the_product_reads_what_it_wrote_over_the_simulated_network() {
    // The client signs with the ambient clock, the server compares it with the plan's.
    let (came_to, _) = run(1, Vec::new(), put_and_get);
    assert_eq!(came_to.as_deref(), Some("same"));
}

#[test]
fn a_clock_that_is_off_by_more_than_a_quarter_of_an_hour_is_refused() {
    for (by_ms, accepted) in [(14 * 60_000, true), (16 * 60_000, false), (-16 * 60_000, false)] {
        let instance = InstanceId::configstore(1);
        let what = ProcessFault::Clock { instance, by_ms }.into();
        let (came_to, hits) = run(1, vec![Fault { at_ms: 0, for_ms: 20_000, what }], put_and_get);
        let came_to = came_to.unwrap();
        assert!(hits[0] > 0);
        match accepted {
            true => assert_eq!(came_to, "same"),
            false => assert!(came_to.contains("RequestTimeTooSkewed"), "{came_to}"),
        }
    }
}

#[test]
fn a_dial_into_a_black_hole_ends_at_the_time_out() {
    let what = LinkFault::Blackhole { from: CLIENT.to_owned(), to: SERVER.to_owned() }.into();
    let fault = Fault { at_ms: 0, for_ms: 15_000, what };
    let client = async |net: HostNet| {
        let begun = tokio::time::Instant::now();
        let error = put_and_get(net).await;
        assert!(error.contains("no connection to `s3-1:9000` in 5s"), "{error}");
        format!("{}", begun.elapsed().as_secs())
    };
    let (came_to, hits) = run(1, vec![fault], client);
    assert_eq!(came_to.as_deref(), Some("5"));
    assert!(hits[0] > 0);
}

/// A request that any client could have presigned long ago, for all times.
fn presigned(method: &str, target: &str) -> String {
    let expires = 4_000_000_000_u64;
    let text = format!("{method}\n\n\n{expires}\n{target}");
    let signature = encode(&base64(&hmac_sha1(SECRET.as_bytes(), text.as_bytes())));
    let separator = if target.contains('?') { '&' } else { '?' };
    format!("{target}{separator}AWSAccessKeyId={KEY}&Expires={expires}&Signature={signature}")
}

async fn talk(net: HostNet) -> String {
    let mut all = String::new();
    for (method, target, body) in [
        ("PUT", "/bucket/a", "one"),
        ("POST", "/bucket/b?uploads", ""),
        ("GET", "/bucket/a", ""),
        ("GET", "/bucket", ""),
        ("GET", "/bucket/none", ""),
        ("DELETE", "/bucket/a", ""),
    ] {
        let (target, length) = (presigned(method, target), body.len());
        let head = format!("{method} {target} HTTP/1.1\r\nhost: s3-1\r\nconnection: close\r\n");
        let request = format!("{head}content-length: {length}\r\n\r\n{body}");
        let mut stream = net.dial(ADDRESS).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        stream.read_to_string(&mut all).await.unwrap();
    }
    all
}

#[test]
fn the_same_requests_get_the_same_answers_byte_for_byte() {
    let answers = |seed| run(seed, Vec::new(), talk).0.unwrap();
    let once = answers(1);
    assert_eq!(once.matches("HTTP/1.1 20").count(), 5, "{once}");
    assert_eq!(once.matches("HTTP/1.1 404").count(), 1, "{once}");
    assert_eq!(once, answers(1));
    assert_ne!(once, answers(2));
}
