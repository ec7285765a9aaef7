//! Workers that call Workers: dispatch namespaces and service bindings.

use serde_json::json;

use crate::harness::TestGateway;

/// The documented pattern (contract §5.6), unchanged.
const DOCUMENTED: &str = r#"export default {
  async fetch(request, env) {
    const name = new URL(request.url).host.split(".")[0];
    try {
      const worker = env.dispatcher.get(name, {}, { limits: { cpuMs: 10, subRequests: 5 } });
      return await worker.fetch(request);
    } catch (e) {
      if (e.message.startsWith("Worker not found")) return new Response("", { status: 404 });
      if (e.message.includes("CPU time limit")) return new Response("too slow", { status: 429 });
      return new Response(e.message, { status: 500 });
    }
  },
};"#;

fn binding() -> serde_json::Value {
    json!([{ "name": "dispatcher", "type": "dispatch_namespace", "namespace": "ns" }])
}

#[tokio::test]
async fn without_its_worker_a_dispatching_node_says_so() {
    let gateway = TestGateway::dispatching().await;
    let answer = gateway.get("any", "/").await;
    answer.is(503, "the dispatch Worker dispatcher does not exist yet\n");
    assert_eq!(answer.header("retry-after"), "1");
}

#[tokio::test]
async fn the_documented_dispatch_worker_runs_unchanged() {
    let gateway = TestGateway::dispatching().await;
    gateway.upload_worker("dispatcher", DOCUMENTED, binding()).await;
    gateway.upload("ns", "hello", "export default { fetch: r => new Response(`hello from ${r.url}`) };").await;
    gateway.upload("ns", "echo", "export default { fetch: r => new Response(r.body, { status: 201 }) };").await;
    gateway.upload("ns", "throws", "export default { fetch() { throw new Error('user error'); } };").await;
    gateway.upload("ns", "spins", "export default { fetch() { for (;;); } };").await;

    gateway.get("hello", "/p").await.is(200, "hello from http://hello.test/p");
    gateway.get("hello", "/a/../b//c?x=%zz").await.is(200, "hello from http://hello.test/a/../b//c?x=%zz");
    gateway.post("echo", "/", "body").await.is(201, "body");
    gateway.get("missing", "/").await.is(404, "");
    gateway.get("throws", "/").await.is(500, "user error");
    gateway.get("spins", "/").await.is(429, "too slow");

    // Replaced, deleted: the next call sees it.
    gateway.upload("ns", "hello", "export default { fetch: () => new Response('new') };").await;
    gateway.get("hello", "/").await.is(200, "new");
}

#[tokio::test]
async fn a_dispatched_worker_has_its_own_env_and_a_streaming_body() {
    let gateway = TestGateway::dispatching().await;
    gateway.upload_worker("dispatcher", DOCUMENTED, binding()).await;
    let source = "export default { async fetch(r, env) { return Response.json([env.NAME, env.dispatcher === undefined, (await r.text()).length]); } };";
    let bindings = json!([{ "name": "NAME", "type": "plain_text", "text": "tenant" }]);
    gateway.upload_with("ns", "x", source, json!({ "bindings": bindings })).await;
    gateway.post("x", "/", vec![b'a'; 1 << 20]).await.is(200, "[\"tenant\",true,1048576]");
}

#[tokio::test]
async fn services_are_called_by_binding() {
    let gateway = TestGateway::start().await;
    let service = "import { WorkerEntrypoint } from 'cloudflare:workers';
        export default { fetch: r => new Response(`default ${r.method}`) };
        export class Named extends WorkerEntrypoint {
            fetch() { return new Response(`named ${this.ctx.props.who}`); }
        }";
    gateway.upload_worker("service", service, json!([])).await;
    let caller = "export default { async fetch(r, env) {
        const a = await (await env.A.fetch(r)).text();
        const b = await (await env.B.fetch('http://any/')).text();
        return new Response(`${a}, ${b}`);
    } };";
    let bindings = json!([
        { "name": "A", "type": "service", "service": "service" },
        { "name": "B", "type": "service", "service": "service", "entrypoint": "Named", "props": { "who": "me" } },
    ]);
    gateway.upload_with("ns", "caller", caller, json!({ "bindings": bindings })).await;
    gateway.get("caller", "/").await.is(200, "default GET, named me");
}

#[tokio::test]
async fn workers_that_call_each_other_for_ever_are_stopped() {
    let gateway = TestGateway::dispatching().await;
    let source = "export default { fetch: (r, env) => env.dispatcher.get('again').fetch(r) };";
    gateway.upload_worker("dispatcher", source, binding()).await;
    let again = "export default { fetch: (r, env) => env.dispatcher.get('again').fetch(r) };";
    gateway.upload_with("ns", "again", again, json!({ "bindings": binding() })).await;
    gateway.get("any", "/").await.is(508, "error code: 1019\n");
}

#[tokio::test]
async fn an_exception_that_nobody_catches_is_the_dispatchers() {
    let gateway = TestGateway::dispatching().await;
    let source = "export default { fetch: (r, env) => env.dispatcher.get('throws').fetch(r) };";
    gateway.upload_worker("dispatcher", source, binding()).await;
    gateway.upload("ns", "throws", "export default { fetch() { throw new TypeError('x'); } };").await;
    gateway.get("any", "/").await.is(500, "error code: 1101\n");
}
