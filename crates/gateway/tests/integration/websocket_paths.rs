//! WebSockets on their way through a node: dispatch Workers, service bindings, outbound Workers, the network under
//! its policy, and upstream tenants.

use serde_json::{Value, json};
use switchyard_gateway::config::Resolver;

use crate::harness::TestGateway;
use crate::websocket::ECHO;
use crate::websocket_client::{BINARY, Came, Client, FINAL};
use crate::websocket_limits::until;

/// Passes an upgrade on as it is; with `/proxy` it stands between the two, and says so.
const PASSES: &str = "export default { async fetch(request, env) {
    const url = new URL(request.url);
    const target = env.dispatcher ? env.dispatcher.get(url.host.split('.')[0]) : env.ECHO;
    if (url.pathname !== '/proxy') return target.fetch(request);
    const { webSocket: inner } = await target.fetch(request);
    const [client, outer] = Object.values(new WebSocketPair());
    inner.accept();
    outer.accept();
    inner.addEventListener('message', ({ data }) => outer.send(typeof data === 'string' ? `proxied ${data}` : data));
    outer.addEventListener('message', ({ data }) => inner.send(data));
    const said = (code) => code === 1006 ? 1011 : code;
    inner.addEventListener('close', ({ code, reason }) => outer.close(said(code), `inner ${reason}`));
    outer.addEventListener('close', ({ code, reason }) => inner.close(said(code), `outer ${reason}`));
    return new Response(null, { status: 101, webSocket: client });
} };";

fn dispatcher() -> Value {
    json!([{ "name": "dispatcher", "type": "dispatch_namespace", "namespace": "ns" }])
}

/// Opens, echoes and closes; `through`: what the proxy puts before it.
async fn talks(gateway: &TestGateway, host: &str, path: &str, through: &str) {
    let mut client = Client::open(gateway.address(), host, path).await;
    assert_eq!(client.asks("one").await, format!("{through}one"));
    assert_eq!(client.asks("two").await, format!("{through}two"));
    client.frame(FINAL | BINARY, &[0, 1, 255]).await;
    assert_eq!(client.next().await, Came::Frame(FINAL | BINARY, vec![0, 1, 255]));
    let long = "x".repeat(200_000);
    assert_eq!(client.asks(&long).await, format!("{through}{long}"));
    client.close(4010, "bye").await;
    let expected = if through.is_empty() { "bye!" } else { "inner outer bye!" };
    assert_eq!(client.closed().await, (4010, expected.into()));
    client.ended().await;
    // The other way round.
    let mut client = Client::open(gateway.address(), host, path).await;
    client.text("close").await;
    let expected = if through.is_empty() { "as you like" } else { "inner as you like" };
    assert_eq!(client.closed().await, (4001, expected.into()));
    client.close(4001, "").await;
    client.ended().await;
}

#[tokio::test]
async fn a_dispatch_worker_passes_it_on_or_stands_between() {
    let gateway = TestGateway::dispatching().await;
    gateway.upload("ns", "echo", ECHO).await;
    gateway.upload_worker("dispatcher", PASSES, dispatcher()).await;
    talks(&gateway, "echo.test", "/", "").await;
    talks(&gateway, "echo.test", "/proxy", "proxied ").await;
    // One end goes, and with it the others.
    for path in ["/", "/proxy"] {
        let mut client = Client::open(gateway.address(), "echo.test", path).await;
        client.text("throw").await;
        if path == "/" {
            client.ended().await;
        } else {
            // The Worker between hears of it, and says so.
            let said = "inner WebSocket disconnected without sending Close frame.";
            assert_eq!(client.closed().await, (1011, said.into()));
            client.close(1011, "").await;
            client.ended().await;
        }
        let mut client = Client::open(gateway.address(), "echo.test", path).await;
        client.asks("x").await;
        drop(client);
    }
    until(async || gateway.admin("/metrics").await.text().contains("\nswitchyard_requests_in_flight 0\n")).await;
}

#[tokio::test]
async fn a_service_binding_passes_it_on() {
    let gateway = TestGateway::with(|config| config.resolver = vec![Resolver::worker("front")]).await;
    gateway.upload_worker("echo", ECHO, json!([])).await;
    let bindings = json!([{ "name": "ECHO", "type": "service", "service": "echo" }]);
    gateway.upload_worker("front", PASSES, bindings).await;
    talks(&gateway, "front.test", "/", "").await;
    talks(&gateway, "front.test", "/proxy", "proxied ").await;
}

/// Opens what `?url=` says, in two ways, and tells what happened.
const OPENS: &str = "const log = (ws, done) => {
    const all = [];
    ws.addEventListener('open', () => { all.push(`open ${ws.protocol}`); ws.send('ping'); });
    ws.addEventListener('message', ({ data }) => { all.push(`message ${data}`); if (data === 'ping') ws.send('close'); });
    ws.addEventListener('error', ({ message }) => all.push(`error ${message}`));
    ws.addEventListener('close', ({ code, reason, wasClean }) => {
        all.push(`close ${code} ${reason} ${wasClean}`);
        if (wasClean) ws.close(1000);
        done(all);
    });
};
export default { async fetch(request) {
    const [, how, url] = /\\?(new|fetch)=(.*)/.exec(request.url);
    if (how === 'new') return Response.json(await new Promise((done) => log(new WebSocket(url, ['chat', 'other']), done)));
    try {
        const answer = await fetch(url, { headers: { upgrade: 'websocket', 'x-mine': 'yes' } });
        if (answer.webSocket === null) return Response.json([answer.status, await answer.text()]);
        const done = new Promise((done) => log(answer.webSocket, done));
        answer.webSocket.accept();
        answer.webSocket.send('ping');
        return Response.json([answer.status, answer.headers.get('x-from'), ...await done]);
    } catch (error) { return Response.json([`${error.name}: ${error.message}`]); }
} };";

/// A node whose every request is answered by an echoing Worker: a server for other nodes.
async fn server() -> TestGateway {
    let server = TestGateway::with(|config| config.resolver = vec![Resolver::worker("echo")]).await;
    server.upload_worker("echo", ECHO, json!([])).await;
    server
}

#[tokio::test]
async fn a_worker_opens_one_over_the_network_as_far_as_it_may() {
    let server = server().await;
    let gateway = TestGateway::with(|config| config.egress.private = true).await;
    gateway.upload("ns", "opens", OPENS).await;
    let opened = async |gateway: &TestGateway, how: &str, url: &str| {
        gateway.get("opens", &format!("/?{how}={url}")).await.json()
    };
    let there = server.address();
    let talked = ["message ping", "close 4001 as you like true"];
    let answer = opened(&gateway, "new", &format!("ws://{there}/x")).await;
    assert_eq!(answer, json!(["open chat", talked[0], talked[1]]));
    let answer = opened(&gateway, "fetch", &format!("http://{there}/x")).await;
    assert_eq!(answer, json!([101, "the Worker", talked[0], talked[1]]));
    until(async || gateway.admin("/metrics").await.text().contains("\nswitchyard_websockets 0\n")).await;
    let metrics = gateway.admin("/metrics").await.text().to_owned();
    assert!(metrics.contains("switchyard_egress_total{end=\"ok\"} 2"), "{metrics}");
    assert!(metrics.contains("switchyard_websocket_messages_total{direction=\"received\"} 2"), "{metrics}");

    // A server that is none, nobody there, this node itself.
    let plain = TestGateway::with(|config| config.resolver = vec![Resolver::worker("plain")]).await;
    plain
        .upload_worker("plain", "export default { fetch: () => new Response('plain', { status: 404 }) }", json!([]))
        .await;
    let answer = opened(&gateway, "new", &format!("ws://{}/", plain.address())).await;
    let said = "Uncaught TypeError: Failed to establish the WebSocket connection: expected server to reply with HTTP \
                status code 101 (switching protocols), but received 404 instead.";
    let not = "close 1006 Failed to establish websocket connection false";
    assert_eq!(answer, json!([format!("error {said}"), not]));
    let answer = opened(&gateway, "fetch", &format!("http://{}/", plain.address())).await;
    assert_eq!(answer, json!([404, "plain"]));
    let answer = opened(&gateway, "new", "ws://127.0.0.1:9/").await;
    assert_eq!(answer, json!(["error Uncaught Error: Network connection lost.", not]));
    let answer = opened(&gateway, "new", &format!("ws://{}/", gateway.address())).await;
    assert!(answer[0].as_str().unwrap().contains("it is not an address that they may reach"), "{answer}");

    // Where private addresses are closed, they are closed to this as well.
    let strict = TestGateway::start().await;
    strict.upload("ns", "opens", OPENS).await;
    for (how, scheme) in [("new", "ws"), ("fetch", "http")] {
        let answer = opened(&strict, how, &format!("{scheme}://{there}/")).await;
        assert!(answer[0].as_str().unwrap().contains("Workers cannot fetch from 127.0.0.1"), "{answer}");
        let answer = opened(&strict, how, &format!("{scheme}://localhost:{}/", there.port())).await;
        assert!(answer[0].as_str().unwrap().contains("internal error; reference = "), "{answer}");
        let answer = opened(&strict, how, &format!("{scheme}://example.com:25/")).await;
        assert!(answer[0].as_str().unwrap().contains("Network connection lost."), "{answer}");
    }
}

#[tokio::test]
async fn a_user_worker_gets_no_further_than_its_outbound_worker() {
    let server = server().await;
    let gateway = TestGateway::with(|config| {
        config.resolver = vec![Resolver::worker("dispatcher")];
        config.egress.private = true;
    })
    .await;
    let outbound = "export default { fetch(request) {
        const { pathname } = new URL(request.url);
        if (pathname === '/no') return new Response('no', { status: 403 });
        if (pathname === '/on') return fetch(request);
        const [client, server] = Object.values(new WebSocketPair());
        server.accept();
        server.addEventListener('message', ({ data }) => data === 'close' ? server.close(4009, 'outbound') : server.send(data));
        return new Response(null, { status: 101, webSocket: client, headers: { 'x-from': `outbound ${request.headers.get('x-mine')}` } });
    } }";
    gateway.upload_worker("out", outbound, json!([])).await;
    let mut binding = dispatcher();
    binding[0]["outbound"] = json!({ "worker": { "service": "out" } });
    gateway.upload_worker("dispatcher", PASSES, binding).await;
    gateway.upload("ns", "opens", OPENS).await;
    let opened = async |how: &str, url: &str| gateway.get("opens", &format!("/?{how}={url}")).await.json();
    assert_eq!(
        opened("new", "wss://anywhere.example/").await,
        json!(["open ", "message ping", "close 4009 outbound true"])
    );
    let answer = opened("fetch", "https://anywhere.example/").await;
    assert_eq!(answer, json!([101, "outbound yes", "message ping", "close 4009 outbound true"]));
    let answer = opened("new", &format!("ws://{}/no", server.address())).await;
    assert!(answer[0].as_str().unwrap().contains("but received 403 instead."), "{answer}");
    let answer = opened("new", &format!("ws://{}/on", server.address())).await;
    assert_eq!(answer, json!(["open chat", "message ping", "close 4001 as you like true"]));
}

#[tokio::test]
async fn an_upstream_tenant_is_reached_through_a_dispatch_worker_too() {
    let server = server().await;
    let gateway = crate::origin::gateway_with(|config| {
        config.resolver = vec![Resolver::subdomain("direct", "ns"), Resolver::worker("dispatcher")];
    })
    .await;
    gateway.upload_worker("dispatcher", PASSES, dispatcher()).await;
    let upstream = json!({ "origins": [{ "url": format!("http://{}", server.address()) }] });
    let answer = crate::origin::put(&gateway, "app", upstream).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    talks(&gateway, "app.direct", "/", "").await;
    talks(&gateway, "app.test", "/", "").await;
    talks(&gateway, "app.test", "/proxy", "proxied ").await;
    gateway.send(http::Method::GET, "app", "/", &[], Default::default()).await.is(200, "no upgrade");
    until(async || gateway.admin("/metrics").await.text().contains("\nswitchyard_websockets 0\n")).await;
}
