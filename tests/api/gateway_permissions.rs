//! Who may do what: every row of the gateway's table asked by everybody, and what is hidden from
//! whom.

use drydock_gateway::Requirement;
use drydock_http::api::endpoint::{BodyRule, Spec};
use drydock_tests::client::Request;
use drydock_tests::gateway::{Face, ROOTS, VISIBILITIES, Who, escaped, with_gateway, world_of};
use drydock_tests::run::run;
use insta::assert_snapshot;
use serde_json::{Value, json};

/// What the parameters of paths name: objects of alice and her public organization.
pub const PARAMETERS: [(&str, &str); 14] = [
    ("{org}", "acme"),
    ("{lineage}", "00000000-0000-7000-8000-000000000000"),
    ("{token}", "of-the-test"),
    ("{id}", "00000000-0000-7000-8000-000000000000"),
    ("{remote_source}", "forge"),
    ("{group}", "org%2Facme%2Fopen%2Fopen-sub"),
    ("{project}", "org%2Facme%2Fopen%2Fopen-app"),
    ("{secret}", "deploy"),
    ("{variable}", "password"),
    ("{number}", "1"),
    ("{task}", "deploy"),
    ("{step}", "0"),
    ("{executor}", "linux"),
    ("{cache}", "00000000-0000-7000-8000-000000000000"),
];

pub fn path(spec: &Spec) -> String {
    let user = if spec.path.contains("/members/") { "mike" } else { "alice" };
    let mut path = spec.path.replace("{user}", user);
    if path.contains("/archives/") {
        path = path.replace("{number}", "3").replace("{task}", "build").replace("{step}", "1");
    }
    if path.contains("/logs") {
        path = path.replace("{task}", "build");
    }
    if path.ends_with("/cancel") {
        path = path.replace("{number}", "2");
    }
    if path.ends_with("/restart") || path.ends_with("/logs") {
        path = path.replace("{number}", "3");
    }
    for (parameter, value) in PARAMETERS {
        path = path.replace(parameter, value);
    }
    assert!(!path.contains('{'), "`{path}` has a parameter that PARAMETERS does not name");
    path
}

/// A request that succeeds if it is allowed; `name` is free.
pub fn request(spec: &Spec, name: &str) -> Request {
    let request = Request::new(spec.method.clone(), &path(spec));
    match spec.body {
        BodyRule::None => request,
        BodyRule::Small => request.json(&body(spec, name)),
        BodyRule::Octets => request.header("content-type", "application/octet-stream").body("x"),
        BodyRule::Stream => request.body("rubbish\n"),
    }
}

pub fn body(spec: &Spec, name: &str) -> Value {
    match (spec.method.as_str(), spec.path) {
        ("POST", "/api/v1/orgs") => json!({ "name": name, "visibility": "public" }),
        ("POST", "/api/v1/project_groups" | "/api/v1/projects") => {
            json!({ "name": name, "parent": "org/acme" })
        }
        ("POST", "/api/v1/remote_sources") => json!({
            "name": name,
            "api_url": "https://other.example",
            "kind": "github",
            "auth_kind": "oauth2",
        }),
        ("POST", "/api/v1/users/{user}/linked_accounts") => json!({
            "remote_source": "forge",
            "remote_user_id": name,
            "remote_user_name": name,
        }),
        ("POST", path) if path.ends_with("/secrets") => json!({ "name": name, "data": {} }),
        ("POST", path) if path.ends_with("/variables") => json!({ "name": name, "values": [] }),
        ("POST", "/api/v1/projects/{project}/runs") => json!({
            "branch": "main",
            "definition": {
                "version": 1,
                "runs": { "main": { "tasks": { "build": { "steps": [{ "run": "make" }] } } } },
            },
        }),
        ("POST", path) if path.ends_with("/restart") => json!({ "from": "start" }),
        ("POST", path) if path.contains("/tasks/") => json!({}),
        ("POST", _) => json!({ "name": name }),
        ("PUT", "/api/v1/orgs/{org}/members/{user}") => json!({ "role": "owner" }),
        _ => json!({}),
    }
}

/// Those who could change what the next one asks for start anew.
const ROUNDS: [&[Who]; 3] = [
    &[Who::Nobody, Who::Forger, Who::Outsider, Who::Member, Who::Owner],
    &[Who::AdminUser],
    &[Who::AdminToken],
];

fn outcomes(spec: &Spec) -> Vec<(Who, u16)> {
    let mut outcomes = Vec::new();
    for round in ROUNDS {
        run(async {
            let (_app, face) = world_of(spec.path).await;
            for who in round {
                let name = format!("new-{}", format!("{who:?}").to_lowercase());
                let answer = face.send(*who, request(spec, &name)).await;
                // Checks the body of an error, too.
                let outcome = answer.outcome();
                assert!(!outcome.starts_with('5'), "{answer}");
                outcomes.push((*who, answer.status.as_u16()));
            }
        });
    }
    outcomes
}

/// What the table's word means for each of them.
fn is_allowed(requirement: Requirement, who: Who) -> bool {
    let admin = matches!(who, Who::AdminUser | Who::AdminToken);
    match (requirement, who) {
        (_, Who::Nobody | Who::Forger) => false,
        (Requirement::AnyUser, _) => true,
        (Requirement::AdminToken, who) => who == Who::AdminToken,
        (Requirement::Admin, _) => admin,
        // All that `path` names is public.
        (Requirement::Reads(_), _) => true,
        (
            Requirement::SelfOf
            | Requirement::Owns(_)
            // Members may not run, as long as the project does not say so.
            | Requirement::Runs
            | Requirement::OwnsParent
            | Requirement::OwnsWithTarget(_),
            who,
        ) => admin || who == Who::Owner,
    }
}

/// What needs more than a request to succeed; `gateway_objects` and `gateway_caches` show these.
pub const SUCCEEDS_ELSEWHERE: [(&str, &str); 7] = [
    ("DELETE", "/api/v1/users/{user}"),
    ("DELETE", "/api/v1/users/{user}/linked_accounts/{id}"),
    ("DELETE", "/api/v1/projects/{project}/caches/{cache}"),
    ("POST", "/api/v1/import/configstore"),
    ("POST", "/api/v1/lineages/configstore/{lineage}/restore"),
    ("POST", "/api/v1/import/runservice"),
    ("POST", "/api/v1/lineages/runservice/{lineage}/restore"),
];

#[test]
fn every_row_means_what_it_says() {
    let mut lines = Vec::new();
    for (spec, requirement) in drydock_gateway::requirements() {
        let outcomes = outcomes(&spec);
        for (who, status) in &outcomes {
            let refused = matches!(status, 401 | 403 | 404);
            let expected = !is_allowed(requirement, *who) || has_nothing_for(&spec, *who);
            assert_eq!(refused, expected, "{} {} for {who:?}: {status}", spec.method, spec.path);
        }
        let succeeds = outcomes.iter().any(|(_, status)| *status < 300);
        let listed = SUCCEEDS_ELSEWHERE.contains(&(spec.method.as_str(), spec.path));
        assert_ne!(succeeds, listed, "{} {}", spec.method, spec.path);
        let statuses: Vec<_> = outcomes.iter().map(|(_, status)| status.to_string()).collect();
        let (method, path) = (spec.method.as_str(), spec.path);
        lines.push(format!("{method:6} {path:59} {}", statuses.join(" ")));
    }
    let heads: Vec<_> = Who::ALL.iter().map(|who| format!("{who:?}")).collect();
    assert_snapshot!("table", format!("{}\n{}", heads.join(" "), lines.join("\n")));
}

/// Where even those who may are told that there is nothing: the admin token belongs to no user, and
/// nobody has a linked account. No project has a cache entry.
fn has_nothing_for(spec: &Spec, who: Who) -> bool {
    let me = spec.path == "/api/v1/user" && who == Who::AdminToken;
    let absent = ["/linked_accounts/", "/caches/"].iter().any(|part| spec.path.contains(part));
    me || (spec.method == http::Method::DELETE && absent)
}

/// Everything that can be read in the trees.
fn readable() -> Vec<String> {
    let mut paths = Vec::new();
    for org in ["acme", "vault"] {
        paths.push(format!("orgs/{org}"));
        paths.push(format!("orgs/{org}/members"));
        paths.push(format!("orgs/{org}/members/mike"));
    }
    for root in ROOTS {
        let mut groups = vec![root.to_owned()];
        for (group, _) in VISIBILITIES {
            groups.push(format!("{root}/{group}"));
            for (name, _) in VISIBILITIES {
                let parent = format!("{root}/{group}");
                for place in [
                    format!("projects/{}", escaped(&format!("{parent}/{name}-app"))),
                    format!("project_groups/{}", escaped(&format!("{parent}/{name}-sub"))),
                ] {
                    for what in ["", "/secrets/deploy", "/variables?tree=true"] {
                        paths.push(format!("{place}{what}"));
                    }
                }
            }
        }
        for group in groups {
            for what in ["", "/subgroups", "/projects", "/secrets", "/variables"] {
                paths.push(format!("project_groups/{}{what}", escaped(&group)));
            }
        }
    }
    paths.sort();
    paths
}

/// The status, and of a list the names.
async fn seen(face: &Face, who: Who, path: &str) -> String {
    let answer = face.get(who, &format!("/api/v1/{path}")).await;
    let _checked = answer.outcome();
    let status = answer.status.as_u16();
    let items = match status {
        200 => answer.json()["items"].as_array().cloned(),
        _ => None,
    };
    let Some(items) = items else { return status.to_string() };
    let names = items.iter().map(|item| {
        let name = item["name"].as_str().or_else(|| item["user"]["name"].as_str());
        name.expect("it has a name").to_owned()
    });
    format!("[{}]", names.collect::<Vec<_>>().join(" "))
}

#[test]
fn everybody_sees_what_is_public_and_what_is_theirs() {
    with_gateway(async |_app, face| {
        let mut lines = Vec::new();
        for path in readable() {
            let mut cells = Vec::new();
            for who in [Who::Outsider, Who::Member, Who::Owner, Who::AdminUser] {
                cells.push(seen(&face, who, &path).await);
            }
            assert_eq!(cells[2], cells[3], "{path}: an administrator sees what the owner sees");
            cells.pop();
            lines.push(format!("{path:65} {}", cells.join(" ")));
        }
        assert_snapshot!("visibility", lines.join("\n"));
        let mut orgs = Vec::new();
        for who in [Who::Outsider, Who::Member, Who::Owner, Who::AdminUser, Who::AdminToken] {
            orgs.push(format!("{who:?} {}", seen(&face, who, "orgs").await));
        }
        assert_snapshot!("visible_orgs", orgs.join("\n"));
    });
}

/// References to what is hidden from an outsider, and to what is not there, of the same length.
const HIDDEN: [(&str, &str, &str); 8] = [
    ("orgs", "vault", "fault"),
    ("project_groups", "org/vault", "org/fault"),
    ("project_groups", "org/vault/open", "org/fault/open"),
    ("project_groups", "org/acme/closed", "org/acme/cursed"),
    ("project_groups", "org/acme/closed/open-sub", "org/acme/cursed/open-sub"),
    ("projects", "org/acme/closed/open-app", "org/acme/closed/none-app"),
    ("projects", "org/acme/open/closed-app", "org/acme/open/cursed-app"),
    ("projects", "user/alice/closed/open-app", "user/malic/closed/open-app"),
];

#[test]
fn what_is_hidden_is_answered_as_if_it_were_not_there() {
    with_gateway(async |_app, face| {
        let mut asked = 0;
        for (spec, _) in drydock_gateway::requirements() {
            for (list, hidden, absent) in HIDDEN {
                let prefix = format!("/api/v1/{list}/{{");
                if !spec.path.starts_with(&prefix) {
                    continue;
                }
                let ask = async |reference: &str| {
                    let mut request = request(&spec, "new");
                    let rest = spec.path[prefix.len()..].split_once('}').expect("it ends").1;
                    let rest = rest.replace("{user}", "mike").replace("{secret}", "deploy");
                    let rest = rest.replace("{variable}", "password");
                    let rest = rest.replace("{number}", "1").replace("{step}", "0");
                    let rest = rest.replace("{task}", "deploy");
                    request.path = format!("/api/v1/{list}/{}{rest}", escaped(reference));
                    let before = face.calls();
                    let answer = face.send(Who::Outsider, request).await;
                    (answer, face.calls() - before)
                };
                let (one, calls) = ask(hidden).await;
                let (other, calls_for_nothing) = ask(absent).await;
                assert_eq!(one.status, 404, "{one}");
                assert_eq!(calls, calls_for_nothing, "the time tells\n{one}");
                let one = one.to_string().replace(&escaped(hidden), &escaped(absent));
                assert_eq!(one.replace(hidden, absent), other.to_string());
                asked += 1;
            }
        }
        assert!(asked > 100, "only {asked} were asked");
    });
}
