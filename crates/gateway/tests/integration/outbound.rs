//! Outbound Workers: a user Worker's every `fetch` goes to them, with the dispatcher's parameters.

use http::Method;
use serde_json::{Value, json};

use crate::egress::origin;
use crate::harness::TestGateway;
use crate::namespace_settings::put;

/// Calls the tenant that the host names, as that tenant, and tells what went wrong.
const DISPATCHER: &str = "export default { async fetch(request, env) {
    const name = new URL(request.url).host.split('.')[0];
    try { return await env.dispatcher.get(name, {}, { outbound: { who: { name, at: [0.30000000000000004] } } }).fetch(request); }
    catch (e) { return new Response(`${e.name}: ${e.message}`, { status: 500 }); }
} };";

/// Fetches `?url`, and tells what came, or what was thrown.
const TENANT: &str = "export default { async fetch(r) {
    try { const a = await fetch(decodeURIComponent(r.url.split('?url=')[1]), { method: r.method, body: r.body });
        return new Response(`${a.status} ${a.redirected} ${await a.text()}`); }
    catch (e) { return new Response(`tenant caught ${e.name}: ${e.message}`); }
} };";

/// Answers some paths itself; sends the rest on in its own name.
const OUTBOUND: &str = "export default { async fetch(request, env, ctx) {
    const { pathname } = new URL(request.url);
    if (pathname === '/who') return Response.json([env.who, env.other ?? null, ctx.props, request.url, request.method]);
    if (pathname === '/hop') return Response.redirect('http://elsewhere.test/who');
    if (pathname === '/echo') return new Response(request.body);
    if (pathname === '/throw') throw new RangeError('not for you');
    return fetch(new Request(request, { headers: { authorization: 'of the outbound Worker' } }));
} };";

/// A dispatcher of one tenant, wherever it is called.
const DISPATCHER_OF_T: &str = "export default { async fetch(request, env) {
    try { return await env.dispatcher.get('t', {}, { outbound: { who: 'caller' } }).fetch(request); }
    catch (e) { return new Response(`${e.name}: ${e.message}`, { status: 500 }); }
} };";

fn binding(outbound: Value) -> Value {
    json!([{ "name": "dispatcher", "type": "dispatch_namespace", "namespace": "ns", "outbound": outbound }])
}

fn through(service: &str) -> Value {
    binding(json!({ "worker": { "service": service }, "params": [{ "name": "who" }, { "name": "other" }] }))
}

async fn node(private: bool) -> TestGateway {
    let gateway = TestGateway::with(|config| {
        config.resolver = vec![switchyard_gateway::config::Resolver::worker("dispatcher")];
        config.egress.private = private;
    })
    .await;
    gateway.upload_worker("out", OUTBOUND, json!([])).await;
    gateway.upload_worker("dispatcher", DISPATCHER, through("out")).await;
    gateway.upload("ns", "t", TENANT).await;
    gateway
}

async fn fetched(gateway: &TestGateway, url: &str) -> String {
    gateway.get("t", &format!("/?url={url}")).await.text().to_owned()
}

async fn egress_total(gateway: &TestGateway, end: &str) -> u64 {
    let text = gateway.admin("/metrics").await.text().to_owned();
    let line = format!("switchyard_egress_total{{end=\"{end}\"}} ");
    text.lines().find_map(|found| found.strip_prefix(&line)).unwrap_or_else(|| panic!("{text}")).parse().unwrap()
}

#[tokio::test]
async fn a_fetch_goes_to_the_outbound_worker_with_the_parameters_in_its_env() {
    let gateway = node(false).await;
    let props = json!({ "namespace": "ns", "script": "t" });
    let seen = format!(
        "200 false [{{\"name\":\"t\",\"at\":[0.30000000000000004]}},null,{props},\"http://any.test/who\",\"GET\"]"
    );
    assert_eq!(fetched(&gateway, "http://any.test/who").await, seen);
    let big = "x".repeat(1 << 20);
    gateway.post("t", "/?url=http://any.test/echo", big.clone()).await.is(200, &format!("200 false {big}"));
    // Nothing of all that was sent anywhere.
    assert_eq!(egress_total(&gateway, "ok").await + egress_total(&gateway, "refused").await, 0);
}

#[tokio::test]
async fn what_the_outbound_worker_fetches_goes_out() {
    let gateway = node(true).await;
    let origin = origin().await;
    let seen = fetched(&gateway, &format!("http://{origin}/show")).await;
    assert!(seen.starts_with("200 false GET /show auth=of the outbound Worker"), "{seen}");
    // Three Workers deep, and one pass through the node's egress.
    assert!(seen.contains("loop=switchyard; hops=3; mac="), "{seen}");
    // A redirect of the origin comes back to the user Worker, whose next hop goes the same way.
    let seen = fetched(&gateway, &format!("http://{origin}/303")).await;
    assert!(seen.starts_with("200 true GET /show auth=of the outbound Worker"), "{seen}");
    assert_eq!(egress_total(&gateway, "ok").await, 3);
}

#[tokio::test]
async fn redirects_go_through_it_hop_by_hop() {
    let gateway = node(false).await;
    let seen = fetched(&gateway, "http://any.test/hop").await;
    assert!(seen.starts_with("200 true [{\"name\":\"t\"") && seen.contains("http://elsewhere.test/who"), "{seen}");
}

#[tokio::test]
async fn its_exceptions_are_those_of_the_fetch() {
    let gateway = node(false).await;
    assert_eq!(fetched(&gateway, "http://any.test/throw").await, "tenant caught RangeError: not for you");
    // What it sends to a forbidden place fails there, and the message is its own.
    let seen = fetched(&gateway, "http://127.0.0.1:1/").await;
    assert!(seen.starts_with("tenant caught Error: Workers cannot fetch from 127.0.0.1"), "{seen}");
}

#[tokio::test]
async fn without_its_outbound_worker_a_fetch_fails_and_goes_nowhere() {
    let gateway = node(true).await;
    let origin = origin().await;
    let path = format!("/client/v4/accounts/{}/workers/scripts/out?force=true", gateway.account());
    assert!(gateway.api(Method::DELETE, &path, "", "".into()).await.status.is_success());
    let seen = fetched(&gateway, &format!("http://{origin}/show")).await;
    assert_eq!(seen, "tenant caught Error: The outbound Worker of this Worker does not exist.");
    assert_eq!((egress_total(&gateway, "no_outbound").await, egress_total(&gateway, "ok").await), (1, 0));
    // One that has no fetch is none either.
    gateway.upload_worker("out", "export default { scheduled() {} };", json!([])).await;
    let seen = fetched(&gateway, &format!("http://{origin}/show")).await;
    assert_eq!(seen, "tenant caught Error: Handler does not export a fetch() function.");
    assert_eq!(egress_total(&gateway, "ok").await, 0);
}

#[tokio::test]
async fn only_declared_parameters_are_taken() {
    let gateway = node(false).await;
    let declares = |params: Value| binding(json!({ "worker": { "service": "out" }, "params": params }));
    gateway.upload_worker("dispatcher", DISPATCHER, declares(json!([{ "name": "other" }]))).await;
    let told = "TypeError: The dispatch namespace binding declares no outbound parameter \"who\"; it declares other.";
    gateway.get("t", "/?url=http://any.test/who").await.is(500, told);
    gateway.upload_worker("dispatcher", DISPATCHER, binding(Value::Null)).await;
    let told = "TypeError: The dispatch namespace binding has no outbound Worker to give parameters to.";
    gateway.get("t", "/?url=http://any.test/who").await.is(500, told);
    // Declared and not given: it is not in env. Values that are no JSON cannot be given.
    let source = "export default { async fetch(request, env) {
        const outbound = request.url.includes('big=1') ? { other: 1n } : {};
        try { return await env.dispatcher.get('t', {}, { outbound }).fetch(request); }
        catch (e) { return new Response(e.name); } } };";
    gateway.upload_worker("dispatcher", source, through("out")).await;
    assert!(fetched(&gateway, "http://any.test/who").await.starts_with("200 false [null,null,"));
    gateway.get("t", "/?big=1&url=http://any.test/who").await.is(200, "TypeError");
}

#[tokio::test]
async fn a_parameter_stands_before_a_binding_of_its_name_and_in_a_named_entrypoint() {
    let gateway = node(false).await;
    let source = "import { WorkerEntrypoint, env as imported } from 'cloudflare:workers';
        export class Out extends WorkerEntrypoint {
            fetch() { return Response.json([this.env.who.name, this.env.own, imported.who.name]); } }
        export default { fetch: () => new Response('not this one') };";
    let bindings = json!([
        { "name": "who", "type": "plain_text", "text": "its own" },
        { "name": "own", "type": "plain_text", "text": "kept" },
    ]);
    gateway.upload_worker("out", source, bindings).await;
    let outbound = json!({ "worker": { "service": "out", "entrypoint": "Out" }, "params": ["who"] });
    gateway.upload_worker("dispatcher", DISPATCHER, binding(outbound)).await;
    assert_eq!(fetched(&gateway, "http://any.test/").await, "200 false [\"t\",\"kept\",\"t\"]");
}

#[tokio::test]
async fn parameters_of_one_call_are_not_in_another() {
    let gateway = TestGateway::with(|config| {
        config.resolver = vec![switchyard_gateway::config::Resolver::worker("dispatcher")];
        config.runtime.isolation = switchyard_catalog::Isolation::Warm;
    })
    .await;
    // One instance serves all: what it keeps of one call must not show in the next.
    let out = "let kept; let n = 0; export default { fetch(request, env) {
        const text = `${++n > 1} ${env.who?.name} ${kept === env}`; kept = env; env.left = 1; return new Response(text); } };";
    gateway.upload_worker("out", out, json!([])).await;
    let source = "export default { fetch: (r, env) => env.dispatcher.get('t', {}, r.headers.has('x-none') ? {} : { outbound: { who: { name: r.headers.get('x-who') } } }).fetch(r) };";
    gateway.upload_worker("dispatcher", source, through("out")).await;
    gateway.upload("ns", "t", TENANT).await;
    let ask = |name: &'static str, value: &'static str| {
        let gateway = &gateway;
        async move { gateway.send(Method::GET, "t", "/?url=http://x.test/", &[(name, value)], "".into()).await }
    };
    let mut shared = 0;
    for (name, value, seen) in [("x-who", "a", "a"), ("x-who", "b", "b"), ("x-none", "1", "undefined")].repeat(5) {
        let answer = ask(name, value).await;
        let expected = format!(" {seen} ");
        assert!(answer.status == 200 && answer.text().contains(&expected), "{seen}: {}", answer.text());
        // Without parameters the instance has one env; with them each request has its own.
        assert!(name == "x-none" || answer.text().ends_with("false"), "{}", answer.text());
        shared += u32::from(answer.text().starts_with("200 false true"));
    }
    assert!(shared > 0, "no instance served twice");
}

#[tokio::test]
async fn user_workers_that_call_user_workers_do_not_get_past_it() {
    let gateway = node(false).await;
    let nested = "export default { fetch: (r, env) => env.dispatcher.get('t').fetch(r) };";
    gateway.upload_with("ns", "nested", nested, json!({ "bindings": binding(Value::Null) })).await;
    let seen = gateway.get("nested", "/?url=http://any.test/who").await.text().to_owned();
    assert!(seen.starts_with("200 false [{\"name\":\"nested\""), "{seen}");
    // The nested binding's own outbound Worker comes first.
    gateway.upload_worker("inner", "export default { fetch: () => new Response('inner') };", json!([])).await;
    gateway.upload_with("ns", "nested", nested, json!({ "bindings": through("inner") })).await;
    gateway.get("nested", "/?url=http://any.test/who").await.is(200, "200 false inner");
}

#[tokio::test]
async fn service_bindings_are_the_platforms_own_way() {
    let gateway = node(true).await;
    let origin = origin().await;
    // The account's own Worker: called as it is bound, and its fetches are its own.
    let service = format!("export default {{ fetch: (r, env) => fetch('http://{origin}/show') }};");
    gateway.upload_worker("service", &service, json!([])).await;
    let source = "export default { fetch: (r, env) => env.SERVICE.fetch('http://any.test/who') };";
    let bindings = json!([{ "name": "SERVICE", "type": "service", "service": "service" }]);
    gateway.upload_with("ns", "t", source, json!({ "bindings": bindings })).await;
    let seen = gateway.get("t", "/").await;
    assert!(seen.text().starts_with("GET /show auth=- "), "{}", seen.text());
}

#[tokio::test]
async fn an_outbound_worker_that_calls_back_ends_as_a_loop() {
    let gateway = node(false).await;
    let source = "export default { fetch: (r, env) => env.dispatcher.get('t').fetch(r) };";
    gateway.upload_worker("out", source, through("out")).await;
    let tenant = "export default { fetch: (r, env) => fetch(r) };";
    gateway.upload("ns", "t", tenant).await;
    gateway.get("t", "/").await.is(508, "error code: 1019\n");
}

#[tokio::test]
async fn a_namespaces_outbound_worker_gets_what_no_call_sends_elsewhere() {
    let gateway = TestGateway::with(|config| config.egress.private = true).await;
    let origin = origin().await;
    gateway.upload_worker("out", OUTBOUND, json!([])).await;
    gateway.upload_worker("other", "export default { fetch: () => new Response('other') };", json!([])).await;
    gateway.upload("ns", "t", TENANT).await;
    put(&gateway, json!({ "outbound": { "service": "out" } })).await;
    // Reached by a resolver, without any dispatcher.
    let props = json!({ "namespace": "ns", "script": "t" });
    let seen = json!([null, null, props, "http://any.test/who", "GET"]);
    assert_eq!(fetched(&gateway, "http://any.test/who").await, format!("200 false {seen}"));
    let seen = fetched(&gateway, &format!("http://{origin}/show")).await;
    assert!(seen.contains("auth=of the outbound Worker"), "{seen}");
    // A dispatch binding's own comes first; one without gives the namespace's its parameters.
    let caller = |binding: Value| json!({ "bindings": binding });
    gateway.upload_with("ns", "caller", DISPATCHER_OF_T, caller(through("other"))).await;
    gateway.get("caller", "/?url=http://any.test/who").await.is(200, "200 false other");
    // Its caller has the same default, which it stays behind: its own parameters are not for that one.
    gateway.upload_with("ns", "caller", DISPATCHER_OF_T, caller(binding(Value::Null))).await;
    let told = "TypeError: The dispatch namespace binding has no outbound Worker to give parameters to.";
    gateway.get("caller", "/?url=http://any.test/who").await.is(500, told);
    // Settings hold for the next request, and a missing Worker lets nothing past it.
    let path = format!("/client/v4/accounts/{}/workers/scripts/out?force=true", gateway.account());
    assert!(gateway.api(Method::DELETE, &path, "", "".into()).await.status.is_success());
    let seen = fetched(&gateway, &format!("http://{origin}/show")).await;
    assert_eq!(seen, "tenant caught Error: The outbound Worker of this Worker does not exist.");
    put(&gateway, json!({})).await;
    let seen = fetched(&gateway, &format!("http://{origin}/show")).await;
    assert!(seen.starts_with("200 false GET /show auth=- "), "{seen}");
}

#[tokio::test]
async fn a_namespaces_outbound_worker_takes_any_parameter_of_a_dispatcher() {
    let gateway = node(false).await;
    gateway.upload_worker("dispatcher", DISPATCHER, binding(Value::Null)).await;
    put(&gateway, json!({ "outbound": { "service": "out" } })).await;
    let seen = fetched(&gateway, "http://any.test/who").await;
    assert!(seen.starts_with("200 false [{\"name\":\"t\",\"at\":[0.30000000000000004]},null,"), "{seen}");
}

#[tokio::test]
async fn a_namespaces_inbound_worker_gets_clients_requests_first() {
    let gateway = TestGateway::start().await;
    let inbound = "import { WorkerEntrypoint } from 'cloudflare:workers';
        export class In extends WorkerEntrypoint { async fetch(request) {
            const { namespace, script } = this.ctx.props;
            if (request.url.endsWith('/closed')) return new Response(`closed for ${namespace}/${script}`, { status: 403 });
            try { const a = await this.env.dispatcher.get(script).fetch(request);
                return new Response(a.body, { status: a.status, headers: { 'x-inbound': script } }); }
            catch (e) { return new Response(e.message, { status: 404 }); } } }
        export default { fetch: () => new Response('not this one') };";
    gateway.upload_worker("gate", inbound, binding(Value::Null)).await;
    gateway.upload("ns", "t", "export default { fetch: (r) => new Response(r.body ?? r.url, { status: 201 }) };").await;
    put(&gateway, json!({ "inbound": { "service": "gate", "entrypoint": "In" } })).await;
    gateway.get("t", "/closed").await.is(403, "closed for ns/t");
    let answer = gateway.get("t", "/open").await;
    answer.is(201, "http://t.test/open");
    assert_eq!(answer.header("x-inbound"), "t");
    let big = "y".repeat(1 << 20);
    gateway.post("t", "/", big.clone()).await.is(201, &big);
    gateway.get("nobody", "/").await.is(404, "there is no Worker for this host\n");
    // Gone: nothing gets past it.
    let path = format!("/client/v4/accounts/{}/workers/scripts/gate", gateway.account());
    let refused = gateway.api(Method::DELETE, &path, "", "".into()).await;
    assert!(refused.text().contains("in use by the namespace ns (inbound Worker)"), "{}", refused.text());
    let path = path + "?force=true";
    assert!(gateway.api(Method::DELETE, &path, "", "".into()).await.status.is_success());
    gateway.get("t", "/open").await.is(503, "the inbound Worker gate does not exist\n");
    put(&gateway, json!({})).await;
    gateway.get("t", "/open").await.is(201, "http://t.test/open");
}
