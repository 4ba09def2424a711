//! What configstore tells operators reaches them through the gateway, code by code: also where
//! configstore comes to say it only in a race, or on its way through a failure.

use drydock_core::error::Code;
use drydock_http::api::endpoint::Spec;
use drydock_http::api::error_body::status_of;
use drydock_http::testing::wire::Wire;
use drydock_tests::app::{TestApp, with_app};
use drydock_tests::client::Request;
use drydock_tests::gateway::{ADMIN_TOKEN, Face, Who, small_world};
use drydock_tests::run::run;
use insta::assert_snapshot;

use crate::every_route::Table;
use crate::gateway_boundary::stub;
use crate::gateway_every_row::specs;
use crate::gateway_permissions::request;

fn operators() -> impl Iterator<Item = Spec> {
    specs().into_iter().filter(|spec| spec.path.contains("/configstore"))
}

#[test]
fn every_row_for_operators_by_somebody_else_in_maintenance() {
    let mut table = Table::default();
    run(async {
        let (app, face) = small_world().await;
        app.maintenance_on().await;
        for spec in operators() {
            table.add(&spec, &face.send(Who::Owner, request(&spec, "new")).await);
        }
    });
    let table = table.text();
    for line in table.lines() {
        assert!(line.ends_with("503 maintenance, retry after 1 s"), "{line}");
    }
    assert_snapshot!("in_maintenance_by_others", table);
}

/// What configstore may tell operators besides what the other tables show.
const TOLD: [(&str, &[Code]); 4] = [
    ("export", &[Code::StorageUnavailable]),
    ("import", &[Code::ImportVersion, Code::MaintenanceNotReady, Code::StorageUnavailable]),
    ("lineages", &[Code::StorageUnavailable]),
    ("restore", &[Code::MaintenanceNotReady, Code::StorageUnavailable]),
];

#[test]
fn every_code_for_operators_comes_in_configstores_words() {
    let mut table = Table::default();
    for (part, codes) in TOLD {
        for code in codes {
            let refused = |spec: &Spec| match part {
                "restore" => spec.path.ends_with("/restore"),
                _ => spec.path.ends_with(&format!("/{part}/configstore")),
            };
            let spec = operators().find(refused).expect("there is such a row");
            let body = format!("{{\"code\":\"{code}\",\"message\":\"in its own words\"}}");
            let (status, length) = (status_of(code.kind()), body.len());
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{body}");
            run(async {
                let app = TestApp::new();
                let (address, _heard) = stub(&app, answer).await;
                let face = Face::before_address(&app, &address).await;
                let shown = face.send(Who::AdminToken, request(&spec, "new")).await;
                assert_eq!(shown.field("message"), "in its own words", "{shown}");
                table.add(&spec, &shown);
            });
        }
    }
    assert_snapshot!("told", table.text());
}

#[test]
fn a_user_who_goes_between_two_looks_is_not_there() {
    run(async {
        let (app, face) = small_world().await;
        let gone = app.send(Request::delete("/api/v1/users/olga"));
        let me = (Who::Outsider, Request::get("/api/v1/user"));
        let (answer, gone) = face.send_and_before(2, gone, me).await;
        gone.expect(204);
        assert_snapshot!("user_gone", answer);
    });
}

#[test]
fn an_import_whose_body_breaks_off_is_the_callers_mistake() {
    with_app(async |app| {
        app.maintenance_on().await;
        let face = Face::before(&app).await;
        let mut lines = Vec::new();
        for chunk in ["no chunk\r\n", "5\r\n{\"a\r\n"] {
            let address = face.client.address.clone();
            let token = ADMIN_TOKEN.to_owned();
            let wire = Wire { net: face.client.net.clone(), address, token };
            let path = "/api/v1/import/configstore";
            let answer = wire
                .raw(&format!(
                    "POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ADMIN_TOKEN}\r\n\
                     Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}zz\r\n"
                ))
                .await;
            let (status, code) = answer.error();
            lines.push(format!("POST   {path:59} {status} {code}"));
        }
        assert_snapshot!("import_broken_off", lines.join("\n"));
    });
}
