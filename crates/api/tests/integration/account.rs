//! User, accounts, memberships, tokens.

use serde_json::json;

use crate::harness::{A, Harness, OTHER_ACCOUNT};

pub async fn user_get(h: &Harness) {
    h.get("/user").await.ok().golden("user_get");
}

pub async fn user_token_verify(h: &Harness) {
    h.get("/user/tokens/verify").await.ok().golden("user_token_verify");
}

pub async fn account_token_verify(h: &Harness) {
    let reply = h.get(&format!("{A}/tokens/verify")).await.ok();
    assert_eq!(reply.result()["status"], "active");
}

pub async fn membership_list(h: &Harness) {
    h.get("/memberships?page=1").await.ok().golden("membership_list");
}

/// Only the token's own account, though there are two.
pub async fn account_list(h: &Harness) {
    h.get("/accounts?page=1").await.ok().golden("account_list");
}

pub async fn account_get(h: &Harness) {
    h.get(A).await.ok().golden("account_get");
    h.get(&format!("/accounts/{OTHER_ACCOUNT}")).await.refused(403, 9109).golden("other_account");
}

pub async fn account_subdomain_get(h: &Harness) {
    let reply = h.get(&format!("{A}/workers/subdomain")).await.refused(403, 10015);
    assert!(reply.message().contains("workers_dev"), "{}", reply.message());
}

pub async fn durable_object_namespaces(h: &Harness) {
    let reply = h.get(&format!("{A}/workers/durable_objects/namespaces?per_page=1000&page=1")).await.ok();
    assert_eq!(*reply.result(), json!([]));
}

pub async fn kv_namespaces(h: &Harness) {
    let reply = h.get(&format!("{A}/storage/kv/namespaces?per_page=100&order=title&direction=asc&page=1")).await.ok();
    assert_eq!(*reply.result(), json!([]));
}
