use super::harness::TestConfigstore;

async fn names(store: &TestConfigstore, line: &str) -> Vec<String> {
    let page = store.expect(line, "").await;
    let items = page["items"].as_array().unwrap();
    items.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn lists_of_what_somebody_may_see_leave_the_rest_out() {
    let store = TestConfigstore::start().await;
    let alice = store.expect("POST /users 201", r#"{"name":"alice"}"#).await;
    store.expect("POST /users 201", r#"{"name":"bob"}"#).await;
    for (name, visibility, owner) in
        [("aa", "private", "alice"), ("bb", "private", "bob"), ("cc", "public", "bob")]
    {
        let body = format!(r#"{{"name":"{name}","visibility":"{visibility}","owner":"{owner}"}}"#);
        store.expect("POST /orgs 201", &body).await;
    }
    let of_alice = format!("GET /orgs?visible_to={} 200", alice["id"].as_str().unwrap());
    assert_eq!(names(&store, &of_alice).await, ["aa", "cc"]);
    assert_eq!(names(&store, "GET /orgs 200").await, ["aa", "bb", "cc"]);
    for (what, list) in [("project_groups", "subgroups"), ("projects", "projects")] {
        for (name, visibility) in [("one", "private"), ("two", "public"), ("six", "public")] {
            let body =
                format!(r#"{{"name":"{name}","parent":"org/aa","visibility":"{visibility}"}}"#);
            store.expect(&format!("POST /{what} 201"), &body).await;
        }
        let line = format!("GET /project_groups/org%2Faa/{list}");
        assert_eq!(names(&store, &format!("{line}?visibility=public 200")).await, ["six", "two"]);
        assert_eq!(names(&store, &format!("{line}?visibility=private 200")).await, ["one"]);
        assert_eq!(names(&store, &format!("{line} 200")).await, ["one", "six", "two"]);
        let first = store.expect(&format!("{line}?visibility=public&limit=1 200"), "").await;
        let cursor = first["next_cursor"].as_str().unwrap();
        let next = format!("{line}?visibility=public&limit=1&cursor={cursor} 200");
        assert_eq!(names(&store, &next).await, ["two"]);
    }
}

#[tokio::test]
async fn a_single_membership_is_found_or_refused() {
    let store = TestConfigstore::start().await;
    for name in ["alice", "bob"] {
        store.expect("POST /users 201", &format!(r#"{{"name":"{name}"}}"#)).await;
    }
    let org = r#"{"name":"acme","visibility":"private","owner":"alice"}"#;
    store.expect("POST /orgs 201", org).await;
    let member = store.expect("GET /orgs/acme/members/alice 200", "").await;
    assert_eq!((&member["role"], &member["user"]["name"]), (&"owner".into(), &"alice".into()));
    store.refuse("GET /orgs/acme/members/bob 404 member_not_exist", "").await;
    store.refuse("GET /orgs/acme/members/carol 404 user_not_exist", "").await;
    store.refuse("GET /orgs/other/members/alice 404 org_not_exist", "").await;
}
