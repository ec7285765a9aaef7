//! What requests cost in the guest, in wasm's own instructions (fuel): the same on every machine, for an engine of the
//! same compiler. Held to what is stored, so that a change of the engine or of the platform's JavaScript says its price.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt;
use switchyard_catalog::{
    AccountId, BindingName, Code, CodeSyntax, Isolation, Limits, Module, ModuleKind, NamespaceName, ScriptId,
    ScriptName, Validator, VersionId, WorkerBinding, WorkerSpec,
};

use crate::{
    Body, Config, Console, FetchError, FetchRequest, FetchResponse, Invocation, Outbound, Runtime, Target, WorkerSource,
};

#[path = "../tests/bounds/mod.rs"]
mod bounds;

/// How a count is stored anew.
const COMMAND: &str = "SWITCHYARD_BOUNDS=write cargo test --release --lib fuel";

/// Each a Worker that runs clean, by what it is called here.
const PIECES: [(&str, &str); 9] = [
    ("hello", "export default { fetch() { return new Response('Hello') } }"),
    ("hello-and-a-loop", "export default { fetch() { for (let i = 0; i < 200; i++); return new Response('Hello') } }"),
    (
        "headers-10",
        "export default { fetch(r) { let n = 0; for (const [k, v] of r.headers) n += k.length + v.length; return new Response('' + n) } }",
    ),
    (
        "answer-10-headers",
        "export default { fetch() { const h = new Headers(); for (let i = 0; i < 10; i++) h.set('x-' + i, 'v' + i); return new Response('x', { headers: h }) } }",
    ),
    (
        "url",
        "export default { fetch(r) { const u = new URL(r.url); return new Response(u.pathname + u.searchParams.get('q')) } }",
    ),
    (
        "json",
        "export default { async fetch(r) { const d = await r.json(); return Response.json({ n: d.items.length, items: d.items }) } }",
    ),
    (
        "dispatcher",
        "export default { async fetch(r, env) { const name = new URL(r.url).hostname.split('.')[0]; return env.dispatcher.get(name).fetch(r) } }",
    ),
    (
        "fetch",
        "export default { async fetch() { const r = await fetch('https://o.test/'); return new Response(await r.text()) } }",
    ),
    (
        "stream",
        "export default { fetch() { let n = 0; return new Response(new ReadableStream({ pull(c) { if (n++ > 4) c.close(); else c.enqueue(new Uint8Array(1000).fill(n)) } })) } }",
    ),
];

/// Answers all that is asked for.
struct Hello;

#[async_trait]
impl Outbound for Hello {
    async fn fetch(&self, _: u8, _: Target, _: FetchRequest) -> Result<FetchResponse, FetchError> {
        Ok(FetchResponse {
            status: 200,
            status_text: String::new(),
            headers: http::HeaderMap::new(),
            url: "https://o.test/".into(),
            redirected: false,
            body: Body::from("hello"),
            socket: None,
        })
    }
}

#[async_trait]
impl WorkerSource for Hello {
    async fn worker_spec(&self, _: VersionId) -> Result<WorkerSpec, String> {
        Err("no source is kept".into())
    }
}

/// A script that runs clean, whatever its size; with a dispatch namespace where it asks for one.
pub(crate) fn spec(source: &str) -> WorkerSpec {
    let content = Bytes::copy_from_slice(source.as_bytes());
    let module = Module { name: "index.js".into(), kind: ModuleKind::EsModule, content };
    let namespace = NamespaceName::parse("prod").unwrap();
    let binding = WorkerBinding::DispatchNamespace { namespace, outbound: None };
    let bindings = source.contains("env.dispatcher").then(|| (BindingName::parse("dispatcher").unwrap(), binding));
    WorkerSpec {
        account: AccountId::parse("test").unwrap(),
        namespace: None,
        script: ScriptId::random(),
        script_name: ScriptName::parse("tenant").unwrap(),
        version: VersionId::random(),
        code: Arc::new(Code {
            syntax: CodeSyntax::Modules,
            entry: module.name.clone(),
            modules: vec![module],
            upstream: None,
        }),
        bindings: bindings.into_iter().collect(),
        compatibility_date: "2026-01-01".into(),
        compatibility_flags: Vec::new(),
        limits: Limits::default(),
        isolation: Isolation::Request,
    }
}

fn request(name: &str) -> Request<Body> {
    let mut request = match name {
        "json" => Request::post("http://t1.test/a?q=1").body(Body::from(r#"{"items":[1,2,{"a":"b"}]}"#)).unwrap(),
        _ => Request::get("http://t1.test/a?q=1").body(Body::Empty).unwrap(),
    };
    for number in 0..10 {
        let name: http::HeaderName = format!("x-header-{number}").parse().unwrap();
        request.headers_mut().insert(name, format!("value {number}").parse().unwrap());
    }
    request
}

/// What its second call costs, the first one having made what is made once; and once more, which must be the same but
/// for what the seed of `Math.random` and the clock's digits take.
async fn count(runtime: &Runtime, name: &str, source: &str) -> u64 {
    let spec = spec(source);
    runtime.validate(&spec).await.unwrap();
    let worker = runtime.worker(spec.version, &Hello).await.unwrap();
    let mut counts = Vec::new();
    for _ in 0..3 {
        runtime.inner.fuel.lock().clear();
        let invocation = Invocation {
            limits: Limits { cpu_ms: Some(60_000), ..Limits::DEFAULT },
            weight: 1,
            isolation: None,
            depth: 0,
            outbound: Arc::new(Hello),
            default_cache: false,
            entrypoint: None,
            props: None,
            parameters: None,
            console: Console { text: false, values: false },
            on_outcome: None,
        };
        let response = worker.handle(request(name), invocation).await.unwrap();
        response.into_body().collect().await.unwrap();
        // The answer is there before its slot is given back.
        let given_back = async {
            while runtime.inner.fuel.lock().is_empty() {
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(60), given_back).await.expect("its slot comes back");
        counts.push(runtime.inner.fuel.lock()[0]);
    }
    assert!(counts[1].abs_diff(counts[2]) * 1_000 <= counts[1], "{name}: not the same each time: {counts:?}");
    counts[1]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_request_takes_the_fuel_that_is_stored() {
    let folder = tempfile::tempdir().unwrap();
    let config =
        Config { artefacts: folder.path().to_owned(), max_instances: 8, counts_fuel: true, ..Config::default() };
    let runtime = Runtime::new(config, [3; 32], tokio::runtime::Handle::current()).unwrap();
    let mut counted = BTreeMap::new();
    for (name, source) in PIECES {
        counted.insert(name.to_owned(), count(&runtime, name, source).await as f64);
    }
    // The gate can fail: a short loop of the script's own is out of bounds.
    let longer = counted.remove("hello-and-a-loop").unwrap();
    assert!(!bounds::holds(counted["hello"], longer), "a loop went unseen: {}, {longer}", counted["hello"]);

    let made = [("engine-compiler".to_owned(), switchyard_js::engine_compiler().to_owned())].into();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bounds/fuel.toml");
    bounds::hold(&file, &made, &counted, COMMAND);
}
