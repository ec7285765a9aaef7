//! Two hundred tenants of two namespaces that share every name, interleaved: each answers with its own marker, and
//! never sees another's, nor what an earlier owner of its name left.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::Full;
use serde_json::json;
use switchyard_gateway::config::Resolver;

use crate::harness::{TestGateway, scaled};

const NAMES: usize = 100;
const LANES: usize = 16;

/// Leaves its marker wherever it can, and tells every marker it finds there first.
fn source(marker: &str) -> String {
    format!(
        "const MARK = {marker:?}; let state = MARK; const kept = new Map([['mark', MARK]]);
         export default {{ async fetch(request, env) {{
            const seen = new Set([state, kept.get('mark'), env.MARK]);
            for (const place of [globalThis, Object.prototype, Array.prototype, Response.prototype, Headers, Math, JSON])
                if (place.mark !== undefined) seen.add(place.mark);
            for (const place of [globalThis, Object.prototype, Array.prototype, Response.prototype, Headers, Math, JSON])
                Object.defineProperty(place, 'mark', {{ value: MARK, configurable: true, writable: true, enumerable: false }});
            state = MARK; kept.set('mark', MARK);
            const path = new URL(request.url).pathname;
            if (path === '/throws') throw new Error(MARK);
            if (path === '/burns') for (;;);
            const body = await request.text();
            if (path === '/waits') await scheduler.wait(1);
            return new Response([...seen].join() + '|' + body, {{ headers: {{ 'x-mark': MARK }} }});
         }} }};"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_tenant_answers_with_anothers_marker() {
    let gateway = TestGateway::with(|config| {
        config.bootstrap.namespaces = vec!["ns".into(), "other".into()];
        config.resolver = vec![Resolver::subdomain("ns.test", "ns"), Resolver::subdomain("other.test", "other")];
        config.limits.cpu = std::time::Duration::from_millis(50);
        config.runtime.warm_instances = 20;
    })
    .await;
    let publish = async |gateway: &TestGateway, namespace: &str, number: usize, generation: usize| {
        let marker = format!("<{namespace}-{number}-{generation}>");
        let bindings = json!([{ "name": "MARK", "type": "plain_text", "text": marker }]);
        gateway.upload_with(namespace, &format!("t{number}"), &source(&marker), json!({ "bindings": bindings })).await;
    };
    for number in 0..NAMES {
        publish(&gateway, "ns", number, 0).await;
        publish(&gateway, "other", number, 0).await;
    }
    // One of the two keeps its instances.
    let path = format!("/client/v4/switchyard/accounts/{}/namespaces/other/settings", gateway.account());
    let warm = json!({ "isolation": "warm" }).to_string();
    assert!(gateway.api(Method::PUT, &path, "application/json", warm.into()).await.status.is_success());
    let gateway = Arc::new(gateway);
    let requests = scaled(10_000);
    let lanes: Vec<_> = (0..LANES)
        .map(|lane| {
            let gateway = gateway.clone();
            tokio::spawn(async move {
                let mut state = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(lane as u64 + 1);
                let mut kept = 0;
                for turn in 0..requests / LANES {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    let number = (state >> 20) as usize % NAMES;
                    let namespace = ["ns", "other"][(state >> 50) as usize % 2];
                    let path = match turn % 100 {
                        7 => "/throws",
                        13 if turn % 4 == 0 => "/burns",
                        20..30 => "/waits",
                        _ => "/",
                    };
                    let body = format!("{lane}.{turn}");
                    let request =
                        Request::builder().method(Method::POST).uri(format!("http://{}{path}", gateway.address()));
                    let request = request.header(header::HOST, format!("t{number}.{namespace}.test"));
                    let answer = gateway.request(request.body(Full::new(Bytes::from(body.clone()))).unwrap()).await;
                    let own = format!("<{namespace}-{number}-0>");
                    match path {
                        "/throws" => answer.is(500, "error code: 1101\n"),
                        "/burns" => answer.is(503, "error code: 1102\n"),
                        _ => {
                            answer.is(200, &format!("{own}|{body}"));
                            assert_eq!(answer.header("x-mark"), own);
                            kept += 1;
                        }
                    }
                }
                kept
            })
        })
        .collect();
    let mut kept = 0;
    for lane in lanes {
        kept += lane.await.unwrap();
    }
    assert!(kept > requests * 9 / 10, "{kept} of {requests}");
    // Deleted and made anew under the same name: nothing of the first is left in the second.
    for number in 0..10 {
        for namespace in ["ns", "other"] {
            let script = format!(
                "/client/v4/accounts/{}/workers/dispatch/namespaces/{namespace}/scripts/t{number}?force=true",
                gateway.account()
            );
            assert!(gateway.api(Method::DELETE, &script, "", Bytes::new()).await.status.is_success());
            publish(&gateway, namespace, number, 1).await;
            let request = Request::post(format!("http://{}/", gateway.address()));
            let request = request.header(header::HOST, format!("t{number}.{namespace}.test"));
            let answer = gateway.request(request.body(Full::default()).unwrap()).await;
            answer.is(200, &format!("<{namespace}-{number}-1>|"));
        }
    }
}
