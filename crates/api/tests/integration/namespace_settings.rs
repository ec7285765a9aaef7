//! Our settings of a namespace: shape, rules, who may change them. What they do is the gateway's test.

use serde_json::{Value, json};

use crate::harness::{A, Harness, NS, READER};

fn path(namespace: &str) -> String {
    format!("/switchyard{A}/namespaces/{namespace}/settings")
}

pub async fn get(h: &Harness) {
    h.namespace("prod").await;
    h.by(READER, "GET", &path("prod"), Value::Null).await.ok().golden("namespace_settings_default");
    h.get(&path("nowhere")).await.refused(404, 100_119);
}

pub async fn put(h: &Harness) {
    h.namespace("prod").await;
    h.upload(&format!("{A}/workers/scripts/gate")).await.ok();
    let put = |body: Value| async move { h.by(crate::harness::WRITER, "PUT", &path("prod"), body).await };
    let all = json!({
        "limits": {
            "cpu_ms": 50, "subrequests": 10, "memory": 67_108_864, "wall_ms": 1, "request_bytes": 0,
            "response_bytes": 9_007_199_254_740_991_u64, "concurrent_requests": 1, "requests_per_second": 4_294_967_295_u32,
            "connections": 1, "log_bytes": 0,
        },
        "plan": "gold", "isolation": "warm", "trusted": true,
        "outbound": { "service": "gate", "entrypoint": "Out" }, "inbound": { "service": "gate", "entrypoint": null },
        "egress": { "also": [], "only": ["api.example.com", "*.example.com:443", "[2001:4860::/32]:1-1024"] },
    });
    assert_eq!(put(all.clone()).await.ok().result(), &all);
    assert_eq!(h.get(&path("prod")).await.ok().result(), &all);
    assert_eq!(h.get(&format!("{NS}/prod")).await.ok().result()["trusted_workers"], true);
    // Cloudflare's own PUT leaves them alone.
    h.json(http::Method::PUT, &format!("{NS}/prod"), json!({ "name": "live" })).await.ok();
    assert_eq!(h.get(&path("live")).await.ok().result(), &all);
    h.json(http::Method::PUT, &format!("{NS}/live"), json!({ "name": "prod" })).await.ok();
    // As a whole: what is absent is the node's again.
    let some = put(json!({ "limits": { "cpu_ms": 300_000 }, "isolation": null })).await.ok();
    let limits = some.result()["limits"].as_object().expect("limits").clone();
    assert_eq!(limits.values().filter(|value| !value.is_null()).collect::<Vec<_>>(), [&json!(300_000)]);
    assert_eq!((&some.result()["isolation"], &some.result()["trusted"]), (&json!(null), &json!(false)));
    assert_eq!((&some.result()["outbound"], &some.result()["inbound"]), (&json!(null), &json!(null)));
    assert_eq!(some.result()["egress"], json!({ "also": [], "only": null }));
    // Nothing at all is not the same as nothing said.
    let none = put(json!({ "egress": { "only": [], "also": null } })).await.ok();
    assert_eq!(none.result()["egress"], json!({ "also": [], "only": [] }));
    // A Worker that is not there is refused, but does not stand in the way once it is named.
    put(json!({ "outbound": { "service": "nobody" } })).await.refused(400, 10144);
    put(json!({ "inbound": { "service": "nobody" } })).await.refused(400, 10144);
    put(json!({ "inbound": { "service": "gate" } })).await.ok();
    h.by(crate::harness::WRITER, "DELETE", &format!("{A}/workers/scripts/gate"), Value::Null).await.refused(409, 10064);
    h.by(crate::harness::WRITER, "DELETE", &format!("{A}/workers/scripts/gate?force=true"), Value::Null).await.ok();
    put(json!({ "inbound": { "service": "gate" }, "isolation": "warm" })).await.ok();
    put(json!({ "inbound": { "service": "gate", "entrypoint": "X" } })).await.refused(400, 10144);
    for wrong in [
        json!({ "limits": { "cpu_ms": 0 } }),
        json!({ "limits": { "cpu_ms": 300_001 } }),
        json!({ "limits": { "memory": 1024 } }),
        json!({ "limits": { "wall_ms": 0 } }),
        json!({ "limits": { "concurrent_requests": 0 } }),
        json!({ "limits": { "requests_per_second": 0 } }),
        json!({ "limits": { "connections": 0 } }),
        json!({ "limits": { "memory": 1_u64 << 40 } }),
        json!({ "outbound": { "service": "gate", "entrypoint": "" } }),
        json!({ "inbound": { "service": "gate", "entrypoint": "x".repeat(256) } }),
        // This node grants nothing.
        json!({ "egress": { "also": ["10.0.0.0/8"] } }),
        json!({ "egress": { "also": ["db.internal"] } }),
        json!({ "egress": { "only": vec!["*"; 101] } }),
    ] {
        put(wrong).await.refused(400, 10021);
    }
    for wrong in [
        json!({ "isolation": "none" }),
        json!({ "trusted": "yes" }),
        json!({ "limits": [-1] }),
        json!("x"),
        json!({ "outbound": "gate" }),
        json!({ "inbound": {} }),
        json!({ "egress": { "only": ["10.0.0.1/8"] } }),
        json!({ "egress": { "also": ["a b"] } }),
        json!({ "egress": ["*"] }),
    ] {
        put(wrong).await.refused(400, 10026);
    }
    h.by(READER, "PUT", &path("prod"), all.clone()).await.refused(403, 10000);
    h.by(crate::harness::WRITER, "PUT", &path("nowhere"), all).await.refused(404, 100_119);
    h.by(crate::harness::WRITER, "PUT", &path("nowhere"), json!("x")).await.refused(404, 100_119);
}
