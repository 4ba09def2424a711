use drydock_tests::app::{TestApp, with_app};
use insta::assert_snapshot;
use serde_json::Value;

const LISTS: [&str; 4] =
    ["/api/v1/users", "/api/v1/orgs", "/api/v1/orgs/acme/members", "/api/v1/users/alice/orgs"];

#[test]
fn lists_without_items_are_empty_arrays() {
    with_app(async |app| {
        assert_snapshot!("users_empty", app.get("/api/v1/users").await);
        assert_snapshot!("orgs_empty", app.get("/api/v1/orgs").await);
    });
}

#[test]
fn a_cursor_leads_to_the_next_page() {
    with_app(async |app| {
        app.seed(&["alice", "bob", "carol"], &[]).await;
        let first = app.get("/api/v1/users?limit=2").await;
        let next = first.field("next_cursor");
        assert_snapshot!("users_first_page", first);
        let last = app.get(&format!("/api/v1/users?limit=2&cursor={next}")).await;
        assert_snapshot!("users_last_page", last);
        assert_snapshot!("users_descending", app.get("/api/v1/users?order=desc&limit=1").await);
    });
}

#[test]
fn orgs_are_listed_by_name() {
    with_app(async |app| {
        app.seed(&["alice"], &[("zebra", "alice"), ("acme", "alice")]).await;
        assert_snapshot!("orgs", app.get("/api/v1/orgs").await);
    });
}

#[test]
fn every_bad_parameter_has_its_code() {
    with_app(async |app| {
        assert_snapshot!("limit_zero", app.get("/api/v1/users?limit=0").await);
        assert_snapshot!("limit_above_most", app.get("/api/v1/users?limit=101").await);
        assert_snapshot!("cursor_made_up", app.get("/api/v1/users?cursor=abc").await);
        assert_snapshot!("order_unknown", app.get("/api/v1/users?order=up").await);
        assert_snapshot!("parameter_unknown", app.get("/api/v1/users?page=2").await);
        assert_snapshot!("parameter_twice", app.get("/api/v1/users?limit=1&limit=2").await);
    });
}

#[test]
fn every_list_refuses_the_same_parameters() {
    with_app(async |app| {
        app.seed(&["alice"], &[("acme", "alice")]).await;
        for list in LISTS {
            for (query, outcome) in [
                ("limit=0", "400 invalid_limit"),
                ("limit=many", "400 invalid_limit"),
                ("cursor=abc", "400 invalid_cursor"),
                ("order=up", "400 invalid_query"),
                ("page=2", "400 invalid_query"),
                ("consistency=mostly", "400 invalid_query"),
            ] {
                let answer = app.get(&format!("{list}?{query}")).await;
                assert_eq!(answer.outcome(), outcome, "{answer}");
            }
        }
    });
}

#[test]
fn the_pages_of_a_list_hold_every_item_once_in_both_orders() {
    with_app(async |app| {
        let names: Vec<_> = (10..40).map(|number| format!("user-{number}")).collect();
        app.seed(&names.iter().map(String::as_str).collect::<Vec<_>>(), &[]).await;
        for (order, limit) in [("asc", 7), ("desc", 7), ("asc", 1), ("asc", 30), ("asc", 100)] {
            let mut expected = names.clone();
            if order == "desc" {
                expected.reverse();
            }
            assert_eq!(walk(&app, order, limit).await, expected, "{order} {limit}");
        }
        assert_eq!(app.get("/api/v1/users").await.json()["items"].as_array().unwrap().len(), 25);
    });
}

async fn walk(app: &TestApp, order: &str, limit: usize) -> Vec<String> {
    let mut names = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/api/v1/users?order={order}&limit={limit}{cursor}");
        let page = app.get(&path).await.expect(200).json();
        let items = page["items"].as_array().expect("a page has items");
        assert!(!items.is_empty() && items.len() <= limit, "{page}");
        names.extend(items.iter().map(|user| user["name"].as_str().map(str::to_owned)));
        match &page["next_cursor"] {
            Value::String(next) => cursor = format!("&cursor={next}"),
            _ => break,
        }
    }
    names.into_iter().collect::<Option<_>>().expect("every user has a name")
}
