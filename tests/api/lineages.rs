use drydock_tests::app::{TestApp, settings, with_app};
use drydock_tests::archive::Export;
use drydock_tests::client::{Exchange, Request};
use drydock_tests::faulty::Trouble;
use drydock_tests::run::run;
use insta::assert_snapshot;

const LINEAGES: &str = "/api/v1/lineages";
const NOBODYS: &str = "00000000-0000-7000-8000-000000000000";

async fn restore(app: &TestApp, lineage: &str) -> Exchange {
    app.send(Request::post(&format!("{LINEAGES}/{lineage}/restore"))).await
}

/// The ids of the lineages, oldest first.
async fn lineages(app: &TestApp) -> Vec<String> {
    let found = app.get(LINEAGES).await.expect(200).json();
    let items = found["items"].as_array().cloned().unwrap_or_default();
    items.iter().filter_map(|item| Some(item["id"].as_str()?.to_owned())).collect()
}

#[test]
fn a_restore_brings_back_what_an_import_took_the_place_of() {
    run(async {
        let mut app = TestApp::new();
        app.add(settings()).await;
        // It boots the store: whoever is first makes the ids.
        app.ready().await;
        app.add(settings()).await;
        app.ready().await;
        let empty = app.export().await;
        app.seed(&["alice", "bob"], &[("acme", "alice")]).await;
        let before = app.export().await;
        app.maintenance_on().await;
        app.send(Request::post("/api/v1/import").body(empty)).await.expect(200);
        let [first, second] = lineages(&app).await.try_into().unwrap();
        assert_snapshot!("restore", restore(&app, &first).await);
        assert_snapshot!("list", app.get(LINEAGES).await);
        assert_eq!(Export::parse(&app.export().await).objects, Export::parse(&before).objects);
        app.maintenance_off().await;
        for number in [1, 2] {
            let bob = app.instance(number).send(Request::get("/api/v1/users/bob")).await;
            assert_eq!(bob.status, 200, "instance {number}: {bob}");
        }
        app.maintenance_on().await;
        restore(&app, &second).await.expect(200);
        assert_eq!(lineages(&app).await.len(), 4);
        app.maintenance_off().await;
        app.get("/api/v1/users/bob").await.expect(404);
    });
}

#[test]
fn a_restore_is_refused_outside_maintenance_and_for_an_unknown_lineage() {
    with_app(async |app| {
        app.seed(&["alice"], &[]).await;
        let own = lineages(&app).await.remove(0);
        assert_eq!(restore(&app, &own).await.outcome(), "409 not_in_maintenance");
        assert_snapshot!("not_in_maintenance", restore(&app, NOBODYS).await);
        app.maintenance_on().await;
        assert_snapshot!("not_exist", restore(&app, NOBODYS).await);
        assert_snapshot!("not_an_id", restore(&app, "yesterday").await);
        app.maintenance_off().await;
        app.get("/api/v1/users/alice").await.expect(200);
    });
}

#[test]
fn before_every_instance_has_acknowledged_a_restore_answers_409() {
    with_app(async |app| {
        app.add_silent_instance().await;
        app.send(Request::put("/api/v1/maintenance?wait=1s")).await.expect(200);
        let own = lineages(&app).await.remove(0);
        assert_snapshot!("maintenance_not_ready", restore(&app, &own).await);
    });
}

#[test]
fn without_object_storage_lineages_answer_503() {
    with_app(async |app| {
        app.maintenance_on().await;
        let own = lineages(&app).await.remove(0);
        app.objects.trouble.set(Trouble::Refused);
        assert_snapshot!("list_without_objects", app.get(LINEAGES).await);
        assert_eq!(restore(&app, &own).await.outcome(), "503 storage_unavailable, retry after 1 s");
    });
}
