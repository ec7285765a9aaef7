//! Our endpoint that asks the resolvers; here they are one that tells what it was asked.

use async_trait::async_trait;
use serde_json::{Value, json, value::RawValue};
use switchyard_api::{Outcome, Resolution, ResolveRequest, ResolveStep, Resolvers, Tenant, Terms};
use switchyard_catalog::{Limit, Limits};

use crate::harness::{ADMIN, Harness, READER, WRITER};

/// Everything is its own; its step says what it was asked.
pub struct Echo;

#[async_trait]
impl Resolvers for Echo {
    async fn explain(&self, request: ResolveRequest) -> Result<Resolution, (&'static str, String)> {
        if request.url.is_empty() {
            return Err(("url", "is empty".to_owned()));
        }
        let step = ResolveStep {
            kind: "fixed",
            about: format!("{} from {} through {:?}", request.url, request.peer, request.listener),
            outcome: Outcome::Mine,
            why: None,
        };
        let tenant = Tenant {
            account: "a".to_owned(),
            namespace: Some("ns".to_owned()),
            script: "x".to_owned(),
            tag: "0123456789abcdef0123456789abcdef".to_owned(),
            version: None,
            limits: Limits { cpu_ms: Some(5), ..Limits::default() },
            plans: vec!["gold".to_owned()],
            terms: Terms { limits: Limits::DEFAULT, weight: 3 },
            outbound: RawValue::from_string("{\"customer\":\"c\"}".to_owned()).ok(),
        };
        let removed_headers = request.headers.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        Ok(Resolution {
            host: "a.test".to_owned(),
            removed_headers,
            steps: vec![step],
            tenant: Some(tenant),
            status: None,
        })
    }
}

pub async fn resolve(h: &Harness) {
    const PATH: &str = "/switchyard/resolve";
    let headers = json!([{ "name": "x-a", "value": "1" }, { "name": "x-a", "value": "2" }]);
    let body = json!({ "url": "https://a.test/", "headers": headers, "peer": "::1", "listener": "0.0.0.0:80" });
    let reply = h.by(ADMIN, "POST", PATH, body).await.ok();
    let result = reply.result();
    assert_eq!(result["removed_headers"], json!(["x-a=1", "x-a=2"]));
    assert_eq!(result["steps"][0]["about"], "https://a.test/ from ::1 through Some(\"0.0.0.0:80\")");
    assert_eq!(result["tenant"]["outbound"], json!({ "customer": "c" }));
    let limits = &result["tenant"]["limits"];
    assert_eq!((&limits["cpu_ms"], &limits["memory"]), (&json!(5), &Value::Null));
    assert!(Limit::ALL.iter().all(|limit| limits.as_object().expect("an object").contains_key(limit.as_str())));
    let terms = &result["tenant"]["terms"];
    assert_eq!((&terms["weight"], &terms["limits"]["memory"]), (&json!(3), &json!(128 << 20)));
    assert_eq!(result["tenant"]["plans"], json!(["gold"]));
    let reply = h.by(ADMIN, "POST", PATH, json!({ "url": "http://b.test" })).await.ok();
    assert_eq!(reply.result()["steps"][0]["about"], "http://b.test from 127.0.0.1 through None");

    let reply = h.by(ADMIN, "POST", PATH, json!({ "url": "" })).await.refused(400, 10021);
    assert_eq!(reply.json["errors"][0]["source"]["pointer"], "/url");
    for wrong in [json!({}), json!({ "url": 1 }), json!({ "url": "x", "peer": "nobody" }), Value::Null] {
        h.by(ADMIN, "POST", PATH, wrong).await.refused(400, 10026);
    }
    // It names scripts of all accounts: for the node's administrators alone.
    for token in [WRITER, READER] {
        h.by(token, "POST", PATH, json!({ "url": "http://b.test" })).await.refused(403, 10000);
    }
}
