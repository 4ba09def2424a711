use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Body;
use bytes::Bytes;
use drydock_api::admin::{ImportReport, Intent, Lineage, MaintenanceStatus, RestoreReport};
use drydock_core::archive::refusals::ImportCorrupt;
use drydock_core::archive::{ImportError, RestoreError};
use drydock_core::context::Context;
use drydock_core::error::ActionError;
use drydock_core::log::format::Mode;
use drydock_core::read_model::StoreError;
use drydock_http::server::HttpSettings;
use drydock_http::testing::harness::Served;
use futures_util::{StreamExt, TryStreamExt};
use http::{Method, header};
use uuid::Uuid;

use super::{Admin, ByteStream, ExportError, ModeChange, routes};

/// What the test's admin was asked.
#[derive(Clone, Default)]
struct Toy {
    changes: Arc<Mutex<Vec<ModeChange>>>,
    imported: Arc<Mutex<Vec<u8>>>,
}

async fn start() -> Served<Toy> {
    let toy = Toy::default();
    let admin: Arc<dyn Admin> = Arc::new(toy.clone());
    Served::extended(HttpSettings::default(), routes(), toy, admin).await
}

fn ctx() -> Context {
    Context::background()
}

#[tokio::test]
async fn a_switch_says_who_why_and_how_long_to_wait() {
    let server = start().await;
    let json = "Content-Type: application/json\r\nX-Requested-By: ann\r\n";
    let body = "{\"reason\": \"backup\"}";
    let answer = server.ask("PUT", "/api/v1/maintenance?wait=30s", json, body).await;
    let status: MaintenanceStatus = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(status.mode, Mode::Maintenance);
    assert_eq!(status.requested_by.as_deref(), Some("ann"));
    assert_eq!(status.reason.as_deref(), Some("backup"));
    let answer = server.ask("DELETE", "/api/v1/maintenance", "", "").await;
    assert_eq!((answer.status, answer.body.as_str()), (204, ""));
    let changes = server.service.changes.lock().unwrap().clone();
    assert_eq!(changes[0].wait, Some(Duration::from_secs(30)));
    assert_eq!(changes[1].wait, None);
    assert_eq!(changes[1].requested_by, "internal");
}

#[tokio::test]
async fn a_switch_needs_no_body_but_refuses_a_bad_one() {
    let server = start().await;
    assert_eq!(server.ask("PUT", "/api/v1/maintenance", "", "").await.status, 200);
    let json = "Content-Type: application/json\r\n";
    for (path, headers, body, expected) in [
        ("/api/v1/maintenance", json, "{\"raeson\": 1}", (400, "invalid_body")),
        ("/api/v1/maintenance", json, "{\"reason\": \"\\u001b[2K\"}", (400, "invalid_body")),
        ("/api/v1/maintenance", json, "{\"reason\": \"a\\nb\"}", (400, "invalid_body")),
        ("/api/v1/maintenance", json, "{\"reason\": \"\\u009b1m\"}", (400, "invalid_body")),
        ("/api/v1/maintenance", "X-Requested-By: a\tb\r\n", "", (400, "invalid_header")),
        ("/api/v1/maintenance", "", "{}", (415, "unsupported_media_type")),
        ("/api/v1/maintenance?wait=x", "", "", (400, "invalid_query")),
        ("/api/v1/maintenance?wait=-1s", "", "", (400, "invalid_query")),
        ("/api/v1/maintenance?wait=2h", "", "", (400, "invalid_query")),
    ] {
        let answer = server.ask("PUT", path, headers, body).await;
        let expected = (expected.0, expected.1.to_owned());
        assert_eq!(answer.error(), expected, "{path} {body}");
    }
    assert_eq!(server.service.changes.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn what_was_exported_compressed_imports_as_it_was() {
    let server = start().await;
    let client = server.client();
    let export = async |accept: &str| {
        let call = client.request(Method::GET, "/api/v1/export");
        let call = call.header(header::ACCEPT_ENCODING, accept);
        call.send_bytes(&ctx()).await.unwrap()
    };
    let plain = export("identity").await;
    let zstd = export("zstd").await;
    assert_eq!(plain.header(header::CONTENT_TYPE), Some("application/x-ndjson"));
    assert_eq!(zstd.header(header::CONTENT_ENCODING), Some("zstd"));
    assert!(zstd.body.len() < plain.body.len() / 2);
    let import = async |path: &'static str, body: Bytes| {
        let call = client.request(Method::POST, path).body(Body::from(body));
        call.send::<ImportReport>(&ctx()).await
    };
    import("/api/v1/import?dry_run=true", zstd.body.clone()).await.unwrap();
    assert!(server.service.imported.lock().unwrap().is_empty());
    import("/api/v1/import", zstd.body).await.unwrap();
    assert_eq!(*server.service.imported.lock().unwrap(), plain.body);
    let refused = import("/api/v1/import", Bytes::from("bad")).await.unwrap_err();
    assert_eq!(refused.remote().unwrap().code, "import_corrupt");
}

#[tokio::test]
async fn an_import_is_not_bound_by_the_body_limit() {
    let server = start().await;
    let big = Bytes::from(vec![b'x'; 5 * 1024 * 1024]);
    let client = server.client();
    let call = client.request(Method::POST, "/api/v1/import");
    let report = call.body(Body::from(big)).send::<ImportReport>(&ctx()).await;
    assert_eq!(report.unwrap().body.counts["line"], 5 * 1024 * 1024);
}

#[tokio::test]
async fn an_encoding_we_do_not_know_is_refused() {
    let server = start().await;
    let gzip = "Content-Encoding: gzip\r\n";
    let answer = server.ask("POST", "/api/v1/import", gzip, "x").await;
    assert_eq!(answer.error(), (415, "unsupported_media_type".to_owned()));
}

#[async_trait]
impl Admin for Toy {
    async fn status(&self, _: &Context) -> Result<MaintenanceStatus, StoreError> {
        let changes = self.changes.lock().unwrap();
        let last = changes.last();
        Ok(MaintenanceStatus {
            mode: last.map_or(Mode::Normal, |change| change.mode),
            generation: changes.len() as u64,
            since: None,
            requested_by: last.map(|change| change.requested_by.clone()),
            reason: last.and_then(|change| change.reason.clone()),
            ready: true,
            instances: Vec::new(),
            lineage: None,
            position: None,
            last_recovery: None,
            writes_schema: None,
        })
    }

    async fn set_mode(
        &self,
        ctx: &Context,
        change: ModeChange,
    ) -> Result<MaintenanceStatus, StoreError> {
        self.changes.lock().unwrap().push(change);
        self.status(ctx).await
    }

    async fn export(&self, _: &Context) -> Result<ByteStream, ExportError> {
        let lines = (0..20_000).map(|n| Ok(Bytes::from(format!("line {n}\n"))));
        Ok(futures_util::stream::iter(lines).boxed())
    }

    async fn import(
        &self,
        _: &Context,
        export: ByteStream,
        intent: Intent,
    ) -> Result<ImportReport, ImportError> {
        let chunks: Vec<Bytes> = export.try_collect().await.map_err(ActionError::internal)?;
        let bytes = chunks.concat();
        if bytes.starts_with(b"bad") {
            return Err(ImportCorrupt(1, "bad".to_owned()).into());
        }
        let counts = [("line".to_owned(), bytes.len() as u64)].into();
        if intent == Intent::Apply {
            *self.imported.lock().unwrap() = bytes;
        }
        Ok(ImportReport { lineage: Uuid::nil(), position: 1, counts, digest: String::new() })
    }

    async fn lineages(&self, _: &Context) -> Result<Vec<Lineage>, StoreError> {
        Ok(Vec::new())
    }

    async fn restore(&self, _: &Context, _: Uuid) -> Result<RestoreReport, RestoreError> {
        Err(ActionError::internal("there is nothing to restore"))
    }
}
