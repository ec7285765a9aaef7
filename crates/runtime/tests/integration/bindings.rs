//! What a Worker finds in its `env`, and what comes of calling it.

use std::collections::HashMap;

use switchyard_catalog::ModuleKind::EsModule;
use switchyard_catalog::{NamespaceName, ScriptName, Secret, WorkerBinding};
use switchyard_runtime::{FetchError, Target};

use crate::harness::{Bench, answer, spec_of};

fn env() -> HashMap<&'static str, WorkerBinding> {
    HashMap::from([
        ("TEXT", WorkerBinding::Text("grüße".into())),
        ("JSON", WorkerBinding::Json(serde_json::json!({"a": [1, 2]}))),
        ("SECRET", WorkerBinding::Secret(Secret::new("s3cret".into()))),
        (
            "SERVICE",
            WorkerBinding::Service { service: ScriptName::parse("other").unwrap(), entrypoint: None, props: None },
        ),
        (
            "dispatcher",
            WorkerBinding::DispatchNamespace { namespace: NamespaceName::parse("prod").unwrap(), outbound: None },
        ),
        ("VERSION", WorkerBinding::VersionMetadata(serde_json::json!({"id": "v"}))),
    ])
}

#[tokio::test]
async fn values_arrive_in_handlers_and_at_module_scope() {
    let bench = Bench::new();
    let source = "import { env as early } from 'cloudflare:workers'; const seen = early.SECRET;
        export default { fetch(r, env) { return Response.json([env.TEXT, env.JSON.a[1], env.SECRET, env.VERSION.id, seen, Object.keys(env).sort()]) } }";
    let (worker, _) = bench.start(spec_of(&[("index.js", EsModule, source)], env())).await.unwrap();
    let (_, text) = bench.get(&worker, "/").await;
    assert_eq!(text, r#"["grüße",2,"s3cret","v","s3cret",["JSON","SECRET","SERVICE","TEXT","VERSION","dispatcher"]]"#);
}

#[tokio::test]
async fn calls_go_to_their_target() {
    let bench = Bench::reaching(|target, request| match target {
        Target::Binding { binding: WorkerBinding::Service { service, .. } } => {
            answer(format!("{service} got {} {}", request.method, request.url))
        }
        Target::Dispatch { name, options, .. } => answer(format!("{name} {}", options.unwrap_or_default())),
        other => Err(FetchError::error(format!("{other:?}"))),
    });
    let source = "export default { async fetch(request, env) {
        const a = await (await env.SERVICE.fetch(request)).text();
        const b = await (await env.dispatcher.get('t1', {}, { limits: { cpuMs: 10, subRequests: 5 } }).fetch('http://x.test/')).text();
        return new Response(a + ' | ' + b) } }";
    let (worker, _) = bench.start(spec_of(&[("index.js", EsModule, source)], env())).await.unwrap();
    let (_, text) = bench.get(&worker, "/p").await;
    assert!(text.starts_with("other got GET http://tenant.test/p | t1 {"), "{text}");
    assert!(text.contains(r#""cpuMs":10"#) && text.contains(r#""subRequests":5"#), "{text}");
}

#[tokio::test]
async fn a_missing_worker_rejects_fetch_not_get() {
    let bench = Bench::reaching(|_, _| Err(FetchError::error("Worker not found.")));
    let source = "export default { async fetch(request, env) {
        const stub = env.dispatcher.get('nobody');
        try { return await stub.fetch(request) } catch (e) { return new Response(e.name + '|' + e.message + '|' + (e instanceof Error), { status: 404 }) } } }";
    let (worker, _) = bench.start(spec_of(&[("index.js", EsModule, source)], env())).await.unwrap();
    assert_eq!(bench.get(&worker, "/").await, (404, "Error|Worker not found.|true".into()));
}
