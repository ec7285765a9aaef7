//! Our endpoints for tokens: made, listed, rolled, revoked; the value shown once; expiry.

use serde_json::{Value, json};
use switchyard_api::ApiConfig;

use crate::harness::{A, ADMIN, Harness, NS, READER, WRITER};

fn tokens() -> String {
    format!("/switchyard{A}/tokens")
}

pub async fn token_list(h: &Harness) {
    let (id, value) = h
        .token(json!({ "name": "ci", "access": "write", "scope": "account", "expires_on": "2999-01-02T03:04:05Z" }))
        .await;
    let list = h.by(READER, "GET", &tokens(), Value::Null).await.ok();
    let list = list.result().as_array().expect("a list");
    let ours = list.iter().find(|token| token["id"] == id.as_str()).expect("it is listed");
    assert_eq!(ours["expires_on"], "2999-01-02T03:04:05.000000Z");
    assert!(ours.get("value").is_none() && !format!("{list:?}").contains(&value));
    // What an account's token must not roll, it does not see.
    assert!(list.iter().all(|token| token["scope"] != "admin"));
    let all = h.by(ADMIN, "GET", &tokens(), Value::Null).await.ok();
    assert!(all.result().as_array().expect("a list").iter().any(|token| token["scope"] == "admin"));
}

pub async fn token_create(h: &Harness) {
    h.namespace("prod").await;
    h.upload(&format!("{NS}/prod/scripts/a")).await;
    let new = json!({ "name": "one script", "access": "write", "scope": "script", "namespace": "prod", "script": "a" });
    let made = h.by(WRITER, "POST", &tokens(), new).await.ok();
    let value = made.result()["value"].as_str().expect("text").to_owned();
    assert_eq!(value.len(), 48);
    let mut shown = made.json.clone();
    shown["result"]["value"] = "…".into();
    crate::harness::Reply { json: shown, ..made }.golden("token_create");
    h.by(&value, "GET", &format!("{NS}/prod/scripts/a"), Value::Null).await.ok();

    let base = |more: Value| {
        let mut body = json!({ "name": "n", "access": "read", "scope": "account" });
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        body
    };
    for (wrong, status, code) in [
        (json!({ "name": "" }), 400, 10021),
        (json!({ "name": "x".repeat(121) }), 400, 10021),
        (json!({ "access": "admin" }), 400, 10026),
        (json!({ "scope": "world" }), 400, 10026),
        (json!({ "namespace": "prod" }), 400, 10021),
        (json!({ "scope": "namespace" }), 400, 10021),
        (json!({ "scope": "namespace", "namespace": "prod", "script": "a" }), 400, 10021),
        (json!({ "scope": "namespace", "namespace": "nowhere" }), 404, 100_119),
        (json!({ "scope": "namespace", "namespace": "a b" }), 400, 10016),
        (json!({ "scope": "script", "namespace": "prod" }), 400, 10021),
        (json!({ "scope": "script", "namespace": "prod", "script": "nobody" }), 404, 10007),
        (json!({ "scope": "script", "script": "nobody" }), 404, 10007),
        (json!({ "scope": "admin" }), 403, 10000),
        (json!({ "expires_on": "tomorrow" }), 400, 10021),
        (json!({ "expires_on": "2020-01-01T00:00:00Z" }), 400, 10021),
    ] {
        h.by(WRITER, "POST", &tokens(), base(wrong)).await.refused(status, code);
    }
    h.by(READER, "POST", &tokens(), base(json!({}))).await.refused(403, 10000);
    h.by(ADMIN, "POST", &tokens(), base(json!({ "scope": "admin", "name": "x".repeat(120) }))).await.ok();
}

pub async fn token_roll(h: &Harness) {
    let (id, old) = h.token(json!({ "name": "ci", "access": "read", "scope": "account" })).await;
    h.by(&old, "GET", NS, Value::Null).await.ok();
    let rolled = h.by(WRITER, "POST", &format!("{}/{id}/roll", tokens()), Value::Null).await.ok();
    assert_eq!(rolled.result()["id"], id.as_str());
    let new = rolled.result()["value"].as_str().expect("text");
    h.by(new, "GET", NS, Value::Null).await.ok();
    let reply = h.by(&old, "GET", NS, Value::Null).await.refused(401, 10000);
    assert!(reply.message().contains("was revoked"), "{}", reply.message());
    let nobody = "0".repeat(32);
    h.by(WRITER, "POST", &format!("{}/{nobody}/roll", tokens()), Value::Null).await.refused(404, 10007);
    // An admin's token is not an account token's to roll: that would make an admin of it.
    let (admin, _) = h.token(json!({ "name": "root", "access": "write", "scope": "admin" })).await;
    h.by(WRITER, "POST", &format!("{}/{admin}/roll", tokens()), Value::Null).await.refused(404, 10007);
    h.by(WRITER, "DELETE", &format!("{}/{admin}", tokens()), Value::Null).await.refused(404, 10007);
    h.by(ADMIN, "POST", &format!("{}/{admin}/roll", tokens()), Value::Null).await.ok();
}

pub async fn token_revoke(h: &Harness) {
    let (id, value) = h.token(json!({ "name": "ci", "access": "write", "scope": "account" })).await;
    h.by(&value, "GET", NS, Value::Null).await.ok();
    let reply = h.by(WRITER, "DELETE", &format!("{}/{id}", tokens()), Value::Null).await.ok();
    assert_eq!(reply.result(), &Value::Null);
    h.by(&value, "GET", NS, Value::Null).await.refused(401, 10000);
    h.by(WRITER, "DELETE", &format!("{}/{id}", tokens()), Value::Null).await.refused(404, 10007);
    let list = h.by(WRITER, "GET", &tokens(), Value::Null).await.ok();
    assert!(list.result().as_array().expect("a list").iter().all(|token| token["id"] != id.as_str()));
    // A token may revoke itself, and is heard no more.
    let (id, value) = h.token(json!({ "name": "ci", "access": "write", "scope": "account" })).await;
    h.by(&value, "DELETE", &format!("{}/{id}", tokens()), Value::Null).await.ok();
    h.by(&value, "DELETE", &format!("{}/{id}", tokens()), Value::Null).await.refused(401, 10000);
}

#[tokio::test]
async fn a_token_ends_when_it_expires_and_is_not_counted_as_a_guess() {
    let h = Harness::with(ApiConfig { wrong_tokens_per_minute: 2, ..ApiConfig::default() }).await;
    // The end lies between the reply and now plus a moment: no clock is waited for but its own.
    let soon = moment_from_now();
    let (_, value) =
        h.token(json!({ "name": "brief", "access": "read", "scope": "account", "expires_on": soon })).await;
    let verified = h.by(&value, "GET", "/user/tokens/verify", Value::Null).await;
    if verified.status.is_success() {
        assert_eq!(verified.result()["expires_on"], soon.as_str());
    }
    let refused = loop {
        let reply = h.by(&value, "GET", NS, Value::Null).await;
        if !reply.status.is_success() {
            break reply.refused(401, 10000);
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    assert!(refused.message().contains("has expired"), "{}", refused.message());
    for _ in 0..5 {
        h.by(&value, "GET", NS, Value::Null).await.refused(401, 10000);
    }
    let list = h.get(&tokens()).await.ok();
    let brief = list.result().as_array().expect("a list").iter().find(|token| token["name"] == "brief");
    assert_eq!(brief.expect("it is listed")["status"], "expired");
}

/// A second from now, as the API writes times.
fn moment_from_now() -> String {
    let now = switchyard_catalog::Timestamp::now();
    switchyard_catalog::Timestamp::from_micros(now.micros() + 1_000_000).to_string()
}
