//! Requests that share a warm instance, as clients see it: dispatch Workers, and scripts of a warm namespace.

use serde_json::json;

use crate::harness::TestGateway;
use crate::namespace_settings::put;
use crate::tail::Events;

/// One thread, so that one instance is all that is worth having.
async fn node() -> TestGateway {
    TestGateway::with(|config| config.runtime.threads = 1).await
}

#[tokio::test]
async fn one_dispatcher_serves_requests_that_wait_for_each_other() {
    let gateway = TestGateway::with(|config| {
        config.runtime.threads = 1;
        config.resolver = vec![switchyard_gateway::config::Resolver::worker("dispatcher")];
    })
    .await;
    let source = "let come = 0, open; const all = new Promise(r => open = r);
        export default { async fetch(request, env) {
            const keep = setTimeout(() => {}, 60000);
            if (++come === 5) open();
            await all;
            clearTimeout(keep);
            const name = new URL(request.url).host.split('.')[0];
            const answer = await env.dispatcher.get(name).fetch(request);
            return new Response(`${await answer.text()} of ${come}`);
        } }";
    let binding = json!([{ "name": "dispatcher", "type": "dispatch_namespace", "namespace": "ns" }]);
    gateway.upload_worker("dispatcher", source, binding).await;
    for name in ["a", "b", "c", "d", "e"] {
        gateway.upload("ns", name, &format!("export default {{ fetch: () => new Response('{name}') }}")).await;
    }
    let [a, b, c, d, e] = ["a", "b", "c", "d", "e"].map(|name| gateway.get(name, "/"));
    let (a, b, c, d, e) = tokio::join!(a, b, c, d, e);
    for (answer, name) in [a, b, c, d, e].iter().zip(["a", "b", "c", "d", "e"]) {
        answer.is(200, &format!("{name} of 5"));
    }
}

#[tokio::test]
async fn each_request_has_its_own_lines_and_exception() {
    let gateway = node().await;
    put(&gateway, json!({ "isolation": "warm" })).await;
    let source = "let come = 0, open; const all = new Promise(r => open = r);
        export default { async fetch(request) {
            const keep = setTimeout(() => {}, 60000), path = new URL(request.url).pathname;
            console.log('before ' + path);
            if (++come === 3) open();
            await all;
            clearTimeout(keep);
            console.log('after ' + path);
            if (path === '/throw') throw new RangeError('thrown by ' + path);
            return new Response(path);
        } }";
    gateway.upload("ns", "meets", source).await;
    let mut events = Events::open(&gateway, "/namespaces/ns/scripts/meets/tail").await;
    let (a, b, thrown) =
        tokio::join!(gateway.get("meets", "/a"), gateway.get("meets", "/b"), gateway.get("meets", "/throw"));
    a.is(200, "/a");
    b.is(200, "/b");
    thrown.is(500, "error code: 1101\n");
    let mut paths = Vec::new();
    for _ in 0..3 {
        let event = events.next().await;
        let path =
            event["event"]["request"]["url"].as_str().unwrap().trim_start_matches("http://meets.test").to_owned();
        let lines: Vec<_> = event["logs"].as_array().unwrap().iter().map(|log| log["message"][0].clone()).collect();
        assert_eq!(lines, [json!(format!("before {path}")), json!(format!("after {path}"))]);
        let exceptions = event["exceptions"].as_array().unwrap();
        assert_eq!(exceptions.len(), usize::from(path == "/throw"), "{event}");
        paths.push(path);
    }
    paths.sort();
    assert_eq!(paths, ["/a", "/b", "/throw"]);
}

#[tokio::test]
async fn a_limit_of_one_request_is_no_limit_of_the_script() {
    let gateway = node().await;
    put(&gateway, json!({ "isolation": "warm", "limits": { "cpu_ms": 50 } })).await;
    let source = "let inside = 0;
        export default { async fetch(request) {
            const path = new URL(request.url).pathname;
            if (path === '/state') return new Response('' + inside);
            if (path === '/burn') for (;;);
            if (path === '/again' && inside === 0) return new Response('run again');
            inside++;
            await scheduler.wait(60000);
        } }";
    gateway.upload("ns", "shared", source).await;
    let burn = async {
        while gateway.get("shared", "/state").await.text() != "2" {}
        gateway.get("shared", "/burn").await
    };
    let again = async {
        while gateway.get("shared", "/state").await.text() != "1" {}
        gateway.get("shared", "/again").await
    };
    let (posted, again, burnt) = tokio::join!(gateway.post("shared", "/wait", ""), again, burn);
    burnt.is(503, "error code: 1102\n");
    posted.is(500, "error code: 1101\n");
    again.is(200, "run again");
    gateway.get("shared", "/state").await.is(200, "0");
}
