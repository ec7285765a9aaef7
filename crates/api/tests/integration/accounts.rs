//! Our endpoints for accounts: an admin's token makes them and acts in them.

use serde_json::json;

use crate::harness::{A, ACCOUNT, ADMIN, Harness, OTHER_ACCOUNT, READER, WRITER};

const ACCOUNTS: &str = "/switchyard/accounts";

pub async fn account_list(h: &Harness) {
    let reply = h.get(ACCOUNTS).await.ok();
    assert_eq!(reply.result(), &json!([{ "id": ACCOUNT, "name": "acme", "type": "standard" }]));
    let all = h.by(ADMIN, "GET", ACCOUNTS, json!(null)).await.ok();
    let ids: Vec<_> = all.result().as_array().expect("a list").iter().map(|account| &account["id"]).collect();
    assert_eq!(ids, [ACCOUNT, OTHER_ACCOUNT]);
    let all = h.by(ADMIN, "GET", "/accounts", json!(null)).await.ok();
    assert_eq!(all.json["result_info"]["total_count"], 2);
}

pub async fn account_create(h: &Harness) {
    let named = h.by(ADMIN, "POST", ACCOUNTS, json!({ "id": "customer-1", "name": "Customer" })).await.ok();
    named.golden("account_create");
    h.by(ADMIN, "POST", ACCOUNTS, json!({ "id": "customer-1", "name": "Again" })).await.refused(409, 10035);
    let fresh = h.by(ADMIN, "POST", ACCOUNTS, json!({ "name": "Fresh" })).await.ok();
    assert_eq!(fresh.result()["id"].as_str().map(str::len), Some(32));
    for wrong in [json!({}), json!({ "name": 1 }), json!([])] {
        h.by(ADMIN, "POST", ACCOUNTS, wrong).await.refused(400, 10026);
    }
    for wrong in [json!({ "name": " " }), json!({ "name": "x".repeat(121) }), json!({ "name": "a\nb" })] {
        h.by(ADMIN, "POST", ACCOUNTS, wrong).await.refused(400, 10021);
    }
    h.by(ADMIN, "POST", ACCOUNTS, json!({ "name": "x".repeat(120) })).await.ok();
    h.by(ADMIN, "POST", ACCOUNTS, json!({ "id": "a b", "name": "x" })).await.refused(400, 10021);
    let reply = h.by(WRITER, "POST", ACCOUNTS, json!({ "name": "mine" })).await.refused(403, 10000);
    assert!(reply.message().contains("for one account"), "{}", reply.message());

    // The admin works in it; a token of it is made there.
    let namespaces = "/accounts/customer-1/workers/dispatch/namespaces";
    h.by(ADMIN, "POST", namespaces, json!({ "name": "prod" })).await.ok();
    let new = json!({ "name": "ci", "access": "read", "scope": "account" });
    let token = h.by(ADMIN, "POST", "/switchyard/accounts/customer-1/tokens", new).await.ok();
    let token = token.result()["value"].as_str().expect("text");
    let list = h.by(token, "GET", namespaces, json!(null)).await.ok();
    assert_eq!(list.result()[0]["namespace_name"], "prod");
    h.by(token, "GET", A, json!(null)).await.refused(403, 9109);
    h.by(WRITER, "GET", namespaces, json!(null)).await.refused(403, 9109);
    h.by(ADMIN, "GET", "/accounts/nobody", json!(null)).await.refused(403, 9109);
}

pub async fn account_rename(h: &Harness) {
    let path = format!("/switchyard{A}");
    let renamed = h.by(WRITER, "PATCH", &path, json!({ "name": "Acme Ltd" })).await.ok();
    assert_eq!(renamed.result()["name"], "Acme Ltd");
    assert_eq!(h.get(A).await.ok().result()["name"], "Acme Ltd");
    h.by(WRITER, "PATCH", &path, json!({ "name": "" })).await.refused(400, 10021);
    h.by(READER, "PATCH", &path, json!({ "name": "x" })).await.refused(403, 10000);
}
