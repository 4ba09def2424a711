//! What people do through the gateway, and what they must not.

use drydock_tests::client::Request;
use drydock_tests::gateway::{Face, Who, escaped, with_gateway};
use insta::assert_snapshot;
use serde_json::{Value, json};

fn create(list: &str, body: Value) -> Request {
    Request::post(&format!("/api/v1/{list}")).json(&body)
}

fn change(path: &str, body: Value) -> Request {
    Request::put(&format!("/api/v1/{path}")).json(&body)
}

#[test]
fn objects_come_with_tag_and_location() {
    with_gateway(async |_app, face| {
        assert_snapshot!("me", face.get(Who::Owner, "/api/v1/user").await);
        assert_snapshot!("me_admin_token", face.get(Who::AdminToken, "/api/v1/user").await);
        let org = create("orgs", json!({ "name": "other", "visibility": "private" }));
        assert_snapshot!("create_org", face.send(Who::Owner, org).await);
        let members = face.get(Who::Owner, "/api/v1/orgs/other/members").await;
        assert_eq!(members.json()["items"][0]["user"]["name"], "alice");
        let project = create("projects", json!({ "name": "site", "parent": "org/other" }));
        let made = face.send(Who::Owner, project).await;
        let location = made.header("location").expect("it says where it is").to_owned();
        assert_snapshot!("create_project", made);
        let got = face.get(Who::Owner, &location).await;
        assert_eq!((got.status.as_u16(), got.header("etag")), (200, made.header("etag")));
        let page = face.get(Who::Owner, "/api/v1/orgs?limit=1").await;
        assert_snapshot!("first_page", page);
    });
}

#[test]
fn a_token_is_good_until_it_is_deleted() {
    with_gateway(async |_app, face| {
        let made =
            face.send(Who::Owner, create("users/alice/tokens", json!({ "name": "ci" }))).await;
        let value = format!("Bearer {}", made.expect(201).field("value"));
        let me = || Request::get("/api/v1/user").header("authorization", &value);
        face.send(Who::Owner, me()).await.expect(200);
        let delete = Request::delete("/api/v1/users/alice/tokens/ci");
        face.send(Who::Owner, delete).await.expect(204);
        assert_eq!(face.send(Who::Owner, me()).await.outcome(), "401 unauthorized");
    });
}

#[test]
fn a_user_who_is_deleted_is_nobody_at_once() {
    with_gateway(async |_app, face| {
        let delete = || Request::delete("/api/v1/users/olga");
        assert_eq!(face.send(Who::Outsider, delete()).await.outcome(), "403 forbidden");
        face.send(Who::AdminUser, delete()).await.expect(204);
        assert_eq!(face.get(Who::Outsider, "/api/v1/user").await.outcome(), "401 unauthorized");
    });
}

#[test]
fn users_change_themselves_but_not_what_they_are_allowed() {
    with_gateway(async |_app, face| {
        let admin = change("users/olga", json!({ "admin": true }));
        assert_snapshot!("promote_oneself", face.send(Who::Outsider, admin.clone()).await);
        let same = change("users/olga", json!({ "admin": false }));
        assert_eq!(face.send(Who::Outsider, same).await.outcome(), "403 forbidden");
        let rename = change("users/olga", json!({ "name": "olive" }));
        face.send(Who::Outsider, rename).await.expect(200);
        let gone = face.send(Who::AdminUser, admin).await;
        assert_eq!(gone.outcome(), "404 user_not_exist");
        let promoted = change("users/olive", json!({ "admin": true }));
        face.send(Who::AdminUser, promoted).await.expect(200);
        face.get(Who::Outsider, "/api/v1/users").await.expect(200);
    });
}

#[test]
fn an_organization_belongs_to_who_makes_it_unless_an_administrator_says_otherwise() {
    with_gateway(async |_app, face| {
        let named = |owner: &str| {
            create("orgs", json!({ "name": "mine", "visibility": "public", "owner": owner }))
        };
        assert_snapshot!("org_for_another", face.send(Who::Outsider, named("alice")).await);
        face.send(Who::Outsider, named("olga")).await.expect(201);
        let members = face.get(Who::Outsider, "/api/v1/orgs/mine/members/olga").await;
        assert_eq!(members.field("role"), "owner");
        let gift = json!({ "name": "gift", "visibility": "public", "owner": "olga" });
        face.send(Who::AdminUser, create("orgs", gift)).await.expect(201);
        face.send(Who::Outsider, Request::delete("/api/v1/orgs/gift")).await.expect(204);
    });
}

/// Moves an object of the kind `list`, as alice; answers the outcome.
async fn moved(face: &Face, list: &str, from: &str, to: &str) -> String {
    let path = format!("{list}/{}", escaped(from));
    face.send(Who::Owner, change(&path, json!({ "parent": to }))).await.outcome()
}

#[test]
fn moving_needs_the_owner_of_the_source_and_of_the_target() {
    with_gateway(async |_app, face| {
        let org = json!({ "name": "foreign", "visibility": "public", "owner": "olga" });
        face.send(Who::AdminToken, create("orgs", org)).await.expect(201);
        let hidden = json!({ "name": "hidden", "visibility": "private", "owner": "olga" });
        face.send(Who::AdminToken, create("orgs", hidden)).await.expect(201);
        let loot = json!({ "name": "loot", "parent": "org/foreign", "visibility": "public" });
        face.send(Who::Outsider, create("projects", loot)).await.expect(201);
        for (list, own) in
            [("projects", "org/acme/open/open-app"), ("project_groups", "org/acme/open/open-sub")]
        {
            assert_eq!(moved(&face, list, own, "org/foreign").await, "403 forbidden");
            let to_hidden = moved(&face, list, own, "org/hidden").await;
            assert_eq!(to_hidden, "404 project_group_not_exist");
            assert_eq!(moved(&face, list, own, "org/nowhere").await, to_hidden);
            let tree = moved(&face, list, own, "org/vault").await;
            assert_eq!(tree, "200");
        }
        let steal = moved(&face, "projects", "org/foreign/loot", "org/acme").await;
        assert_eq!(steal, "403 forbidden");
        let member = json!({ "role": "member" });
        face.send(Who::Outsider, change("orgs/foreign/members/alice", member)).await.expect(201);
        let outcome = moved(&face, "projects", "org/vault/open-app", "org/foreign").await;
        assert_eq!(outcome, "403 forbidden", "a member is no owner");
        let owner = json!({ "role": "owner" });
        face.send(Who::Outsider, change("orgs/foreign/members/alice", owner)).await.expect(200);
        let outcome = moved(&face, "projects", "org/vault/open-app", "org/foreign").await;
        assert_eq!(outcome, "200");
    });
}

#[test]
fn a_member_who_is_removed_is_a_stranger_at_once() {
    with_gateway(async |_app, face| {
        face.get(Who::Member, "/api/v1/orgs/vault").await.expect(200);
        let remove = Request::delete("/api/v1/orgs/vault/members/mike");
        face.send(Who::Owner, remove).await.expect(204);
        let gone = face.get(Who::Member, "/api/v1/orgs/vault").await;
        assert_eq!(gone.outcome(), "404 org_not_exist");
    });
}

#[test]
fn a_repeated_creation_answers_the_same_and_keys_are_everybodys_own() {
    with_gateway(async |_app, face| {
        let org = |name: &str| {
            let body = json!({ "name": name, "visibility": "public" });
            create("orgs", body).header("idempotency-key", "key-1")
        };
        let first = face.send(Who::Owner, org("first")).await.expect(201);
        let again = face.send(Who::Owner, org("first")).await.expect(201);
        assert_eq!((&first.body, first.header("etag")), (&again.body, again.header("etag")));
        assert_snapshot!("key_reused", face.send(Who::Owner, org("second")).await);
        face.send(Who::Outsider, org("second")).await.expect(201);
        face.send(Who::AdminToken, org("third")).await.expect(201);
    });
}

#[test]
fn no_answer_shows_the_value_of_a_secret() {
    with_gateway(async |_app, face| {
        let place = format!("projects/{}", escaped("org/acme/open/open-app"));
        let data = json!({ "name": "new", "data": { "key": "the plain value" } });
        let made = face.send(Who::Owner, create(&format!("{place}/secrets"), data)).await;
        let path = format!("/api/v1/{place}/secrets/new");
        let got = face.get(Who::Owner, &path).await;
        let list = face.get(Who::AdminToken, &format!("/api/v1/{place}/secrets?tree=true")).await;
        let update = change(&path[8..], json!({ "data": { "key": "another plain value" } }));
        let update = face.send(Who::Owner, update).await;
        for answer in [&made, &got, &list, &update] {
            assert!(answer.status.is_success(), "{answer}");
            assert!(!answer.text().contains("plain"), "{answer}");
        }
        for path in ["run_environment", "run_environment?branch=main"] {
            let hidden = face.get(Who::AdminToken, &format!("/api/v1/{place}/{path}")).await;
            assert_eq!(hidden.outcome(), "404 route_not_exist");
        }
        assert_snapshot!("secret", got);
    });
}

#[test]
fn an_export_goes_out_and_comes_back_through_the_gateway() {
    with_gateway(async |app, face| {
        let export = "/api/v1/export/configstore";
        let plain = face.get(Who::AdminToken, export).await.expect(200);
        assert_eq!(plain.header("content-type"), Some("application/x-ndjson"));
        let squeezed = Request::get(export).header("accept-encoding", "zstd");
        let squeezed = face.send(Who::AdminToken, squeezed).await.expect(200);
        assert_eq!(squeezed.header("content-encoding"), Some("zstd"));
        let lines = zstd::decode_all(&squeezed.body[..]).expect("it is compressed");
        let objects = |text: &str| {
            text.lines().filter(|line| line.starts_with("{\"type\"")).map(str::to_owned).collect()
        };
        let lines: Vec<String> = objects(&String::from_utf8(lines).expect("it is a text"));
        assert_eq!(lines, objects(plain.text()));
        let import = |body: &[u8]| Request::post("/api/v1/import/configstore").body(body.to_vec());
        let early = face.send(Who::AdminToken, import(&plain.body)).await;
        assert_eq!(early.outcome(), "409 not_in_maintenance");
        face.send(Who::AdminToken, create("users", json!({ "name": "later" }))).await.expect(201);

        let on = change("maintenance/configstore?wait=30s", json!({ "reason": "a test" }));
        let on = face.send(Who::AdminToken, on).await.expect(200);
        assert_eq!((&on.json()["ready"], on.field("requested_by")), (&true.into(), "admin".into()));
        let cut = face.send(Who::AdminToken, import(&plain.body[..plain.body.len() / 2])).await;
        assert_eq!(cut.outcome(), "422 import_truncated");
        assert!(cut.field("message").contains("line"), "{cut}");
        face.send(Who::AdminToken, import(&squeezed.body)).await.expect(200);
        let lineages = face.get(Who::AdminToken, "/api/v1/lineages/configstore").await.expect(200);
        assert_eq!(lineages.json()["items"].as_array().map(Vec::len), Some(2));
        let old = lineages.json()["items"][0]["id"].as_str().expect("it has an id").to_owned();
        restore(&face, &old).await;
        face.send(Who::AdminToken, import(&plain.body)).await.expect(200);
        app.maintenance_off().await;
        let later = face.get(Who::AdminToken, "/api/v1/users/later").await;
        assert_eq!(later.outcome(), "404 user_not_exist");
        face.get(Who::Owner, "/api/v1/orgs/vault").await.expect(200);
    });
}

async fn restore(face: &Face, lineage: &str) {
    let path = format!("/api/v1/lineages/configstore/{lineage}/restore");
    let restored = face.send(Who::AdminToken, Request::post(&path)).await.expect(200);
    assert_eq!(restored.field("restored"), lineage);
    let nothing = "/api/v1/lineages/configstore/00000000-0000-7000-8000-000000000000/restore";
    let nothing = face.send(Who::AdminToken, Request::post(nothing)).await;
    assert_eq!(nothing.outcome(), "404 lineage_not_exist");
}

#[test]
fn maintenance_is_switched_on_and_off_at_the_gateway() {
    with_gateway(async |_app, face| {
        let on = Request::put("/api/v1/maintenance/configstore?wait=30s");
        face.send(Who::AdminToken, on).await.expect(200);
        let odd = Request::put("/api/v1/maintenance/configstore?wait=soon");
        assert_eq!(face.send(Who::AdminToken, odd).await.outcome(), "400 invalid_query");
        let off = || Request::delete("/api/v1/maintenance/configstore?wait=30s");
        face.send(Who::AdminToken, off()).await.expect(204);
        face.send(Who::AdminToken, off()).await.expect(204);
        face.get(Who::Owner, "/api/v1/orgs/vault").await.expect(200);
    });
}

#[test]
fn accounts_are_linked_and_unlinked_by_their_users() {
    with_gateway(async |_app, face| {
        let account = json!({
            "remote_source": "forge",
            "remote_user_id": "7",
            "remote_user_name": "alice",
        });
        let link = create("users/alice/linked_accounts", account.clone());
        let linked = face.send(Who::Owner, link).await.expect(201);
        let theirs = create("users/olga/linked_accounts", account);
        let theirs = face.send(Who::Outsider, theirs).await;
        assert_eq!(theirs.outcome(), "409 linked_account_already_exists");
        let used = face.send(Who::AdminUser, Request::delete("/api/v1/remote_sources/forge")).await;
        assert_eq!(used.outcome(), "409 remote_source_in_use");
        let path = format!("/api/v1/users/alice/linked_accounts/{}", linked.field("id"));
        face.send(Who::Owner, Request::delete(&path)).await.expect(204);
        let again = face.send(Who::Owner, Request::delete(&path)).await;
        assert_eq!(again.outcome(), "404 linked_account_not_exist");
    });
}

#[test]
fn an_import_is_not_bound_by_the_body_limit() {
    with_gateway(async |_app, face| {
        let on = Request::put("/api/v1/maintenance/configstore?wait=30s");
        face.send(Who::AdminToken, on).await.expect(200);
        let big = vec![b'x'; 5 << 20];
        let import = Request::post("/api/v1/import/configstore").body(big);
        let answer = face.send(Who::AdminToken, import).await;
        assert!(answer.outcome().starts_with("422 import_"), "{}", answer.outcome());
    });
}
