//! `request.cf`: what a node knows of a client's request, and what a Worker gives to those that it calls.

use http::Method;
use serde_json::{Value, json};
use switchyard_gateway::config::Resolver;

use crate::harness::TestGateway;

/// Says what it reads there; asked for `/`, as those see it whom it calls, in several ways.
const SOURCE: &str = "
    const told = (request) => [request.cf ?? null, Object.isFrozen(request.cf), request.cf === request.cf];
    export default { async fetch(request, env) {
        const { pathname } = new URL(request.url);
        if (pathname !== '/') return Response.json(told(request));
        const next = async (input, init) => (await env.SELF.fetch(input, init)).json();
        const at = 'http://next.test/next';
        return Response.json({
            own: told(request),
            copied: new Request(request).cf,
            cloned: request.clone().cf,
            passed: await next(new Request(at, request)),
            untouched: await next(new Request(request, { headers: { a: 'b' } }).url.replace(/$/, 'next'), request),
            plain: await next(at),
            given: await next(at, { cf: { a: [1, { b: null }] } }),
            replaced: await next(new Request(new Request(at, { cf: { a: 1 } }), { cf: { c: 2 } })),
            empty: await next(at, { cf: {} }),
            long: await next(at, { cf: { a: 'x'.repeat(70000) } }).catch((error) => `${error.name}: ${error.message}`),
        });
    } };";

async fn node(date: &str) -> TestGateway {
    let gateway = TestGateway::with(|config| {
        config.resolver = vec![Resolver::subdomain("test", "ns"), Resolver::worker("service")];
    })
    .await;
    gateway.upload("ns", "called", SOURCE).await;
    let bindings = json!([{ "type": "service", "name": "SELF", "service": "service" }]);
    gateway.upload_worker_of(date, "service", SOURCE, bindings).await;
    gateway
}

async fn of_service(gateway: &TestGateway, path: &str) -> Value {
    let uri = format!("http://{}{path}", gateway.address());
    let request = http::Request::get(uri).header("host", "elsewhere.example").body(Default::default()).unwrap();
    gateway.request(request).await.json()
}

fn client() -> Value {
    json!({ "clientIp": "127.0.0.1", "httpProtocol": "HTTP/1.1", "tlsVersion": "" })
}

#[tokio::test]
async fn what_is_known_of_a_client_goes_along_and_what_is_given_in_its_place() {
    let gateway = node("2026-01-01").await;
    let told = of_service(&gateway, "/").await;
    let seen = |cf: Value| json!([cf, true, true]);
    assert_eq!(told["own"], seen(client()));
    assert_eq!((&told["copied"], &told["cloned"]), (&client(), &client()));
    assert_eq!((&told["passed"], &told["untouched"]), (&seen(client()), &seen(client())));
    assert_eq!(told["plain"], seen(Value::Null));
    assert_eq!(told["given"], seen(json!({ "a": [1, { "b": null }] })));
    assert_eq!(told["replaced"], seen(json!({ "c": 2 })));
    assert_eq!(told["empty"], seen(json!({})));
    assert_eq!(told["long"], "TypeError: The request's cf object is larger than 64 KiB.");
}

#[tokio::test]
async fn an_untrusted_worker_reads_nothing_there() {
    let gateway = node("2026-01-01").await;
    gateway.get("called", "/next").await.is(200, "[null,true,true]");
    let path = format!("/client/v4/accounts/{}/workers/dispatch/namespaces/ns", gateway.account());
    let trusted = gateway.api(Method::PATCH, &path, "application/json", r#"{"trusted_workers":true}"#.into()).await;
    assert_eq!(trusted.status, 200, "{}", trusted.text());
    assert_eq!(gateway.get("called", "/next").await.json()[0], client());
}

/// As before 2023-08-01 on workerd.
#[tokio::test]
async fn an_older_worker_is_told_that_its_clients_are_no_bots() {
    let gateway = node("2023-07-31").await;
    let told = of_service(&gateway, "/next").await;
    assert_eq!(told[0]["botManagement"]["score"], 99, "{told}");
    assert_eq!(told[0]["clientIp"], "127.0.0.1");
    let gateway = node("2023-08-01").await;
    assert_eq!(of_service(&gateway, "/next").await[0], client());
}
