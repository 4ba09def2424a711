//! What an acknowledged write costs, beside what etcd itself takes for one, and what it costs where
//! several instances share one store.
//!
//! ```text
//! eval "$(.ci/servers)"
//! cargo bench --bench commits                # all
//! cargo bench --bench commits -- instances   # 1, 2 and 3 instances side by side
//! ```
//!
//! Instances on a real etcd, with objects in files, asked over TCP; etcd, instances and clients
//! share the machine. The figures are measured in turns of half a second, so that whatever
//! else the machine does meets all of them; a ratio is the median over the turns.
//! `BENCH_MEMBERS` is the size of the cluster (3, and 1 below several instances), `BENCH_SECONDS`
//! how long each figure is measured (10).

#![expect(clippy::print_stdout, reason = "a benchmark may end when nobody reads it")]

mod figure;
mod instances;
mod service;
mod work;

use std::path::Path;

use drydock_backends::testing::{self, EtcdServers};
use drydock_tests::app::settings;
use etcd_client::Client as EtcdClient;

use self::figure::{Figure, Turn, median_ratio, run};
use self::service::Service;
use self::work::{Work, sample};

const CLIENTS: usize = 64;
/// What the design promises.
const THROUGHPUT_AIM: f64 = 5.0;
const LATENCY_AIM: f64 = 1.5;

fn main() {
    let program = testing::program(testing::ETCD);
    let chosen = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let is_chosen = |name: &str| chosen.as_ref().is_none_or(|chosen| chosen == name);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        if is_chosen("one") {
            let etcd = EtcdServers::start(&program, number("BENCH_MEMBERS", 3)).await;
            let scratch = tempfile::tempdir().expect("a folder");
            one(&etcd, scratch.path()).await;
        }
        if is_chosen("instances") {
            let etcd = EtcdServers::start(&program, number("BENCH_MEMBERS", 1)).await;
            let scratch = tempfile::tempdir().expect("a folder");
            instances::compare(&etcd, scratch.path()).await;
        }
    });
}

/// One instance beside etcd.
async fn one(etcd: &EtcdServers, scratch: &Path) {
    let service = Service::start(etcd, scratch, settings()).await;
    let mut raw = EtcdClient::connect(etcd.endpoints(), None).await.expect("etcd");
    let commit = sample(&service.client, &mut raw).await;
    let user = |name: String| Work::User { client: service.client.clone(), name, count: 0 };
    let mut figures = [
        Figure::new("etcd: put, 1 client", vec![Work::Put(raw.clone())]),
        Figure::new("etcd: transaction, 1 client", vec![Work::Txn(raw, commit)]),
        Figure::new("service: answer, 1 client", vec![Work::Ready(service.http.clone())]),
        Figure::new("acknowledged writes, 1 client", vec![user("one".to_owned())]),
        Figure::new(
            "acknowledged writes, 64 clients",
            (0..CLIENTS).map(|client| user(format!("c{client}"))).collect(),
        ),
    ];
    run(&mut figures).await;
    let [puts, txns, _, one, many] = &figures;
    let ratio = median_ratio(many, puts, Turn::rate);
    println!("throughput, 64 clients / put: {ratio:.1}, the aim is {THROUGHPUT_AIM} or more");
    let ratio = median_ratio(one, txns, Turn::median);
    println!("latency, 1 client / transaction: {ratio:.2}, the aim is {LATENCY_AIM} or less");
    service.stop.cancel();
}

fn number(variable: &str, default: usize) -> usize {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}
