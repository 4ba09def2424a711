use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use drydock_core::coord::{
    Coordination, Lease, LeaseId, Outcome, RangeRequest, RangeResponse, Result, Revision, Space,
    Txn, TxnResponse, WatchRequest, WatchStream,
};
use drydock_harness::record::About;

use super::asker::{Asker, Open};
use super::line;

/// Coordination, of which every request is told.
pub struct TracedCoordination {
    pub inner: Arc<dyn Coordination>,
    pub asker: Asker,
}

impl TracedCoordination {
    fn begin(&self, op: &str, key: &str, text: String) -> Open {
        // Renewals are many, and tell little.
        let kind = if op == "lease" { "lease" } else { "coordination" };
        self.asker.begin(kind, text, op, key)
    }
}

/// Tells how a request ended; `more`: of an answer.
fn told<T>(open: Open, answer: Result<T>, more: impl FnOnce(&T, About) -> About) -> Result<T> {
    match &answer {
        Ok(done) => open.end("ok", |about| more(done, about)),
        Err(error) => {
            let outcome = match error.outcome() {
                Outcome::NotApplied => "failed",
                Outcome::Applied | Outcome::Unknown => "open",
            };
            open.end(outcome, |about| about.text(error));
        }
    }
    answer
}

fn plain<T>(_: &T, about: About) -> About {
    about
}

#[async_trait]
impl Coordination for TracedCoordination {
    async fn range(&self, request: RangeRequest) -> Result<RangeResponse> {
        let range = line::range(&request.range);
        let open = self.begin("range", &range, format!("range {range}"));
        told(open, self.inner.range(request).await, |done, about| {
            let text = format!("{} keys at revision {}", done.kvs.len(), done.revision);
            about.with("revision", done.revision).with("keys", done.kvs.len()).text(text)
        })
    }

    async fn txn(&self, txn: Txn) -> Result<TxnResponse> {
        let open = self.begin("txn", &line::subject(&txn), line::txn(&txn));
        let answer = self.inner.txn(txn).await;
        match answer {
            Ok(done) if !done.succeeded => {
                let text = format!("a compare did not hold at revision {}", done.revision);
                open.end("refused", |about| {
                    about.with("held", false).with("revision", done.revision).text(text)
                });
                Ok(done)
            }
            answer => told(open, answer, |done, about| {
                let text = format!("revision {}", done.revision);
                about.with("held", true).with("revision", done.revision).text(text)
            }),
        }
    }

    async fn watch(&self, request: WatchRequest) -> Result<WatchStream> {
        let range = line::range(&request.range);
        let open = self.begin("watch", &range, format!("watch {range}"));
        told(open, self.inner.watch(request).await, plain)
    }

    async fn lease_grant(&self, ttl: Duration) -> Result<Lease> {
        let text = format!("grant a lease of {} s", ttl.as_secs_f64());
        let open = self.begin("lease", "", text);
        told(open, self.inner.lease_grant(ttl).await, |lease, about| {
            about.with("lease", lease.id.0)
        })
    }

    async fn lease_keep_alive(&self, id: LeaseId) -> Result<Duration> {
        let open = self.begin("lease", "", format!("keep lease {} alive", id.0));
        told(open, self.inner.lease_keep_alive(id).await, plain)
    }

    async fn lease_revoke(&self, id: LeaseId) -> Result<()> {
        let open = self.begin("lease", "", format!("revoke lease {}", id.0));
        told(open, self.inner.lease_revoke(id).await, plain)
    }

    async fn compact(&self, revision: Revision) -> Result<()> {
        let open = self.begin("compact", "", format!("compact to revision {revision}"));
        told(open, self.inner.compact(revision).await, plain)
    }

    async fn space(&self) -> Result<Option<Space>> {
        self.inner.space().await
    }

    async fn reclaim(&self) -> Result<()> {
        let open = self.begin("reclaim", "", "reclaim space".to_owned());
        told(open, self.inner.reclaim().await, plain)
    }
}
