//! Our endpoints that ask the node; here it is one that tells what it was asked.

use http::Method;
use serde_json::json;
use switchyard_api::{Compilation, Node, Top, TopBy, TopScript, TopValue};
use switchyard_catalog::{AccountId, PlanName, ScriptRef};

use crate::harness::{A, ACCOUNT, ADMIN, Harness, OTHER_ACCOUNT, READER, WRITER};

/// It has the plans `gold` and `free`; its one script is named by what was asked.
pub struct FakeNode;

impl Node for FakeNode {
    fn has_plan(&self, name: &PlanName) -> bool {
        ["gold", "free"].contains(&name.as_str())
    }

    fn top(&self, account: Option<&AccountId>, by: TopBy, limit: usize) -> Top {
        let script = TopScript {
            account: account.map_or("all", AccountId::as_str).to_owned(),
            namespace: None,
            script: format!("{by:?}-{limit}"),
            tag: "0123456789abcdef0123456789abcdef".to_owned(),
            requests: Some(TopValue { value: 7, over: 1 }),
            cpu_us: None,
            errors: None,
        };
        Top { by, seconds: 60.0, scripts: vec![script] }
    }

    /// `waits` waits, `compiles` is compiled, wherever they are.
    fn compilation(&self, script: &ScriptRef) -> Compilation {
        match (script.name.as_str(), &script.namespace) {
            ("waits", Some(_)) => Compilation::Waiting { place: 3 },
            ("compiles", _) => Compilation::Compiling { seconds: 7 },
            _ => Compilation::None,
        }
    }
}

async fn compilation(h: &Harness, place: &str) {
    let path = |script: &str| format!("/switchyard{A}/{place}/{script}/compilation");
    for (script, wanted) in
        [("compiles", json!({ "state": "compiling", "seconds": 7 })), ("none", json!({ "state": "none" }))]
    {
        assert_eq!(h.by(READER, "GET", &path(script), json!(null)).await.ok().result(), &wanted);
    }
}

pub async fn namespaced_compilation(h: &Harness) {
    h.json(Method::POST, crate::harness::NS, json!({ "name": "compiles" })).await.ok();
    compilation(h, "namespaces/compiles/scripts").await;
    let path = format!("/switchyard{A}/namespaces/compiles/scripts/waits/compilation");
    let waits = h.by(READER, "GET", &path, json!(null)).await.ok();
    assert_eq!(waits.result(), &json!({ "state": "waiting", "place": 3 }));
}

pub async fn account_compilation(h: &Harness) {
    compilation(h, "scripts").await;
}

async fn asked(h: &Harness, path: &str, name: &str) {
    let seen = |reply: &crate::harness::Reply| reply.result()["scripts"][0]["script"].clone();
    let reply = h.by(ADMIN, "GET", path, json!(null)).await.ok();
    assert_eq!(seen(&reply), "Requests-10");
    assert_eq!(reply.result()["scripts"][0]["account"], name);
    assert_eq!(reply.result()["scripts"][0]["requests"], json!({ "value": 7, "over": 1 }));
    assert_eq!(seen(&h.by(ADMIN, "GET", &format!("{path}?by=cpu&limit=100"), json!(null)).await.ok()), "Cpu-100");
    assert_eq!(seen(&h.by(ADMIN, "GET", &format!("{path}?by=errors&limit=1"), json!(null)).await.ok()), "Errors-1");
    for wrong in ["by=memory", "limit=0", "limit=101", "limit=x"] {
        h.by(ADMIN, "GET", &format!("{path}?{wrong}"), json!(null)).await.refused(400, 10026);
    }
}

pub async fn top(h: &Harness) {
    asked(h, "/switchyard/top", "all").await;
    for token in [WRITER, READER] {
        h.by(token, "GET", "/switchyard/top", json!(null)).await.refused(403, 10000);
    }
}

pub async fn account_top(h: &Harness) {
    let path = format!("/switchyard{A}/top");
    asked(h, &path, ACCOUNT).await;
    assert_eq!(h.by(READER, "GET", &path, json!(null)).await.ok().result()["scripts"][0]["account"], ACCOUNT);
    let other = format!("/switchyard/accounts/{OTHER_ACCOUNT}/top");
    h.by(READER, "GET", &other, json!(null)).await.refused(403, 9109);
    // A namespace's token sees less than an account.
    h.json(Method::POST, crate::harness::NS, json!({ "name": "topns" })).await.ok();
    let (_, narrow) =
        h.token(json!({ "name": "n", "access": "read", "scope": "namespace", "namespace": "topns" })).await;
    h.by(&narrow, "GET", &path, json!(null)).await.refused(403, 10000);
}
