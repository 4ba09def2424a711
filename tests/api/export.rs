use drydock_tests::app::with_app;
use drydock_tests::client::Request;
use insta::assert_snapshot;
use serde_json::json;

const EXPORT: &str = "/api/v1/export";

#[test]
fn an_empty_export_has_a_header_and_a_trailer() {
    with_app(async |app| {
        assert_snapshot!("empty", app.get(EXPORT).await);
    });
}

#[test]
fn an_export_holds_every_object_in_both_modes() {
    with_app(async |app| {
        app.seed(&["alice", "bob"], &[("acme", "alice")]).await;
        let member = Request::put("/api/v1/orgs/acme/members/bob");
        app.send(member.json(&json!({ "role": "member" }))).await.expect(201);
        let serving = app.get(EXPORT).await;
        assert_snapshot!("full", serving);
        app.maintenance_on().await;
        let closed = app.get(EXPORT).await;
        let objects = |export: &str| {
            let lines: Vec<_> = export.lines().skip(1).map(str::to_owned).collect();
            lines[..lines.len() - 1].to_vec()
        };
        assert_eq!(objects(closed.text()), objects(serving.text()));
    });
}

#[test]
fn an_export_is_compressed_for_those_who_accept_it() {
    with_app(async |app| {
        app.seed(&["alice"], &[]).await;
        let request = Request::get(EXPORT).header("accept-encoding", "gzip, zstd");
        let compressed = app.send(request).await.expect(200);
        assert_eq!(compressed.header("content-encoding"), Some("zstd"));
        assert_eq!(compressed.header("vary"), Some("accept-encoding"));
        let plain = zstd::decode_all(&*compressed.body).unwrap();
        let lines = |text: &str| text.lines().nth(1).map(str::to_owned);
        assert_eq!(lines(std::str::from_utf8(&plain).unwrap()), lines(&app.export().await));
    });
}
