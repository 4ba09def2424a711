//! What one client of a benchmark does again and again.

use drydock_api::configstore::client::ConfigstoreClient;
use drydock_api::configstore::types::NewUser;
use drydock_core::context::Context;
use drydock_http::client::Client;
use etcd_client::{
    Client as EtcdClient, Compare, CompareOp, GetOptions, KeyValue, SortOrder, SortTarget, Txn,
    TxnOp,
};

const VALUE_BYTES: usize = 256;

/// What a commit of one user writes.
pub struct Commit {
    head: Vec<u8>,
    log: Vec<u8>,
}

pub async fn sample(service: &ConfigstoreClient, etcd: &mut EtcdClient) -> Commit {
    let new = NewUser { name: "sample".to_owned(), admin: false };
    service.create_user(&Context::background(), &new, None).await.expect("a user");
    let all = GetOptions::new().with_prefix().with_sort(SortTarget::Mod, SortOrder::Descend);
    let found = etcd.get("drydock/", Some(all)).await.expect("keys");
    let newest = |part: &str| {
        let named = |kv: &&KeyValue| String::from_utf8_lossy(kv.key()).contains(part);
        found.kvs().iter().find(named).expect("it was written").value().to_vec()
    };
    Commit { head: newest("/configstore/head"), log: newest("/configstore/log/") }
}

/// One client, and what it does again and again.
pub enum Work {
    Put(EtcdClient),
    /// As a commit: its comparisons, and the bytes that it writes.
    Txn(EtcdClient, Commit),
    /// The way to the service and back, without a store.
    Ready(Client),
    User {
        client: ConfigstoreClient,
        name: String,
        count: usize,
    },
}

impl Work {
    pub async fn once(&mut self) {
        let value = || vec![b'x'; VALUE_BYTES];
        match self {
            Work::Put(etcd) => {
                etcd.put("bench/put", value(), None).await.expect("a put");
            }
            Work::Txn(etcd, Commit { head, log }) => {
                let absent = |key: &str| Compare::version(key, CompareOp::Equal, 0);
                let txn = Txn::new()
                    .when(["bench/none-1", "bench/none-2", "bench/none-3"].map(absent))
                    .and_then([
                        TxnOp::put("bench/head", head.clone(), None),
                        TxnOp::put("bench/log", log.clone(), None),
                    ]);
                assert!(etcd.txn(txn).await.expect("a transaction").succeeded());
            }
            Work::Ready(http) => {
                let call = http.request(http::Method::GET, "/readyz");
                call.send_bytes(&Context::background()).await.expect("an answer");
            }
            Work::User { client, name, count } => {
                *count += 1;
                let new = NewUser { name: format!("{name}-{count}"), admin: false };
                let created = client.create_user(&Context::background(), &new, None).await;
                created.expect("an acknowledged write");
            }
        }
    }
}
