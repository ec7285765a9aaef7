//! The language, modules and errors: every probe answers as on workerd; service-worker scripts, what passes an exception
//! on, and what an upload says of code that cannot start.

use serde_json::{Value, json};

use crate::harness::TestGateway;
use crate::workerd;

type Sources = Vec<(String, String)>;

fn one(name: &str, source: &str) -> Sources {
    vec![(name.to_owned(), source.to_owned())]
}

async fn probes(area: &str) {
    let modules = workerd::modules(area);
    let gateway = TestGateway::start().await;
    let limits = json!({ "cpu_ms": 30_000 });
    let metadata = json!({ "main_module": modules[0].0, "compatibility_date": "2026-01-01", "limits": limits });
    let answer = workerd::upload(&gateway, "probes", &modules, metadata).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let ours = gateway.get("probes", "/").await;
    assert_eq!(ours.status, 200, "{}", ours.text());
    workerd::compare(area, &ours.json(), workerd::answers(&modules, &[]).await);
}

#[tokio::test]
async fn the_language_is_that_of_workerd() {
    probes("language").await;
}

#[tokio::test]
async fn errors_read_as_on_workerd() {
    probes("errors").await;
}

#[tokio::test]
async fn changed_builtins_harm_nobody_but_their_script() {
    probes("pollution").await;
    workerd::probes_of("polluted").await;
}

#[tokio::test]
async fn older_dates_take_things_back() {
    let gateway = TestGateway::start().await;
    for (date, named) in [("2021-11-03", "dates2021"), ("2023-03-01", "dates2023"), ("2025-05-05", "dates2025")] {
        workerd::compared_of((date, &[]), "dates", named, "dates", &gateway).await;
    }
}

/// Flags that take something back which few Workers name.
#[tokio::test]
async fn flags_take_things_back() {
    let gateway = TestGateway::with(|config| config.egress.private = true).await;
    let obeyed = [
        "fetcher_has_get_put_delete",
        "fetch_legacy_url",
        "do_not_capture_async_api_throws",
        "internal_stream_byob_return_undefined",
        "streams_byob_reader_does_not_detach_buffer",
        "internal_writable_stream_abort_does_not_clear_queue",
        "no_crypto_preserve_public_exponent",
        "fetch_treats_unknown_protocols_as_http",
        "immutable_api_prototypes",
    ];
    // A row of docs/differences.md says why.
    let others = [
        "url_original",
        "urlpattern_original",
        "workers_api_getters_setters_on_instance",
        "temporal",
        "new_module_registry",
    ];
    for (flags, named) in [(&[][..], "flagsnone"), (&obeyed, "flagsobeyed"), (&others, "flags")] {
        workerd::compared_of(("2026-01-01", flags), "flags", named, named, &gateway).await;
    }
}

/// What came with dates after that of the other probes.
#[tokio::test]
async fn newer_dates_are_obeyed() {
    let gateway = TestGateway::start().await;
    for area in ["clone", "events", "forms", "fetch", "streams", "mixed"] {
        workerd::compared_of(("2026-10-01", &[]), area, &format!("{area}2026"), area, &gateway).await;
    }
}

#[tokio::test]
async fn every_member_answers_every_kind_of_argument_as_on_workerd() {
    probes("calls").await;
}

#[tokio::test]
async fn parts_of_the_platform_together_answer_as_on_workerd() {
    probes("mixed").await;
}

#[tokio::test]
async fn modules_answer_as_on_workerd() {
    probes("modules").await;
}

/// What an upload is refused with, by 10021.
async fn refused(gateway: &TestGateway, sources: &[(String, String)], metadata: Value) -> String {
    let answer = workerd::upload(gateway, "refused", sources, metadata).await;
    let errors = &answer.json()["errors"];
    assert_eq!((answer.status.as_u16(), &errors[0]["code"]), (400, &json!(10021)), "{}", answer.text());
    errors[0]["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_cannot_start_says_so_in_workerds_words() {
    let gateway = TestGateway::start().await;
    for (source, said) in [
        (
            "function f() { throw new RangeError('boom') }\nf();",
            "Uncaught RangeError: boom\n  at main.mjs:1:22 in f\n  at main.mjs:2:1",
        ),
        ("null.x", "Uncaught TypeError: Cannot read properties of null (reading 'x')\n  at main.mjs:1:6"),
        ("throw 'text'", "Uncaught Error: text"),
        ("throw null", "Uncaught Error: null"),
        ("throw {}", "Uncaught Error: #<Object>"),
        ("await new Promise(() => {})", "Uncaught Error: Top-level await in module is unsettled."),
        ("import './nope.mjs'", "Uncaught Error: No such module \"nope.mjs\".\n  imported from \"main.mjs\""),
        ("import 'node:fs'", "Uncaught Error: No such module \"node:fs\".\n  imported from \"main.mjs\""),
        (
            "import x from './main.mjs' with { type: 'json' }",
            "Uncaught Error: Unrecognized import attributes specified",
        ),
        (
            "export const n = 5",
            "Uncaught TypeError: Incorrect type for map entry 'n': the provided value is not of type 'function or ExportedHandler'.",
        ),
        (
            "export default null",
            "Uncaught TypeError: Cannot initialize N7workerd3api15ExportedHandlerE with required members from an undefined or null value.",
        ),
        ("setTimeout(() => {}, 1)", "Uncaught Error: Disallowed operation called within global scope."),
    ] {
        let metadata = json!({ "main_module": "main.mjs", "compatibility_date": "2026-01-01" });
        let message = refused(&gateway, &one("main.mjs", source), metadata).await;
        assert!(message.starts_with(said), "{source}\n{message}");
    }
    let wasm = vec![("main.mjs".to_owned(), "export default {}".to_owned()), ("a.wasm".to_owned(), "\0asm".to_owned())];
    let message = refused(&gateway, &wasm, json!({ "main_module": "main.mjs" })).await;
    assert!(message.contains("component"), "{message}");
}

#[tokio::test]
async fn a_service_worker_listens() {
    const SOURCE: &str = r"
        var started = typeof GREETING + typeof addEventListener;
        function topLevel() { return this === globalThis; }
        addEventListener('fetch', (event) => {
          const path = new URL(event.request.url).pathname;
          switch (path) {
            case '/bound': return event.respondWith(new Response([GREETING, DATA.a, started, globalThis.topLevel(), typeof require].join()));
            case '/twice':
              event.respondWith(new Response('one'));
              try { event.respondWith(new Response('two')) } catch (e) { seen = `${e.name}: ${e.message}` }
              return;
            case '/seen': return event.respondWith(Promise.resolve(new Response(seen)));
            case '/wait': event.waitUntil(new Promise((resolve) => setTimeout(resolve, 1))); return event.respondWith(new Response('waited'));
            case '/throw': throw new RangeError('thrown');
            case '/reject': return event.respondWith(Promise.reject(new RangeError('rejected')));
            case '/text': return event.respondWith('text');
            case '/shape': return event.respondWith(Response.json([event.type, Object.keys(event), event instanceof FetchEvent, event instanceof ExtendableEvent]));
          }
        });
        addEventListener('fetch', (event) => event.respondWith(new Response('second')));
        var seen = '';
    ";
    let gateway = TestGateway::start().await;
    let metadata = json!({
        "body_part": "script.js", "compatibility_date": "2026-01-01",
        "bindings": [
            { "name": "GREETING", "type": "plain_text", "text": "hello" },
            { "name": "DATA", "type": "json", "json": { "a": 1 } },
        ],
    });
    let answer = workerd::upload(&gateway, "sw", &one("script.js", SOURCE), metadata).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["result"]["handlers"], json!(["fetch"]));
    gateway.get("sw", "/bound").await.is(200, "hello,1,stringfunction,true,undefined");
    gateway.get("sw", "/wait").await.is(200, "waited");
    gateway.get("sw", "/other").await.is(200, "second");
    gateway.get("sw", "/twice").await.is(200, "one");
    gateway.get("sw", "/shape").await.is(200, r#"["fetch",["request","actorState"],true,true]"#);
    for path in ["/throw", "/reject", "/text"] {
        assert_eq!(gateway.get("sw", path).await.status, 500, "{path}");
    }
    let message = refused(&gateway, &one("a.mjs", "export default {}"), json!({ "body_part": "a.mjs" })).await;
    assert!(message.contains("main_module"), "{message}");
    let message = refused(&gateway, &one("a.js", "\n  nothing()"), json!({ "body_part": "a.js" })).await;
    assert!(message.starts_with("Uncaught ReferenceError: nothing is not defined\n  at a.js:2:3"), "{message}");
}

/// Without an export, a module's listeners count; with one they do not.
#[tokio::test]
async fn a_module_may_listen_where_it_exports_nothing() {
    let gateway = TestGateway::start().await;
    let source = "addEventListener('fetch', (event) => event.respondWith(new Response('heard')));";
    let metadata = json!({ "main_module": "m.mjs", "compatibility_date": "2026-01-01" });
    let answer = workerd::upload(&gateway, "listens", &one("m.mjs", source), metadata.clone()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    gateway.get("listens", "/").await.is(200, "heard");
    let both = format!("{source} export default {{ fetch: () => new Response('exported') }}");
    workerd::upload(&gateway, "both", &one("m.mjs", &both), metadata).await;
    gateway.get("both", "/").await.is(200, "exported");
}

#[tokio::test]
async fn handlers_are_recognised_at_upload() {
    let gateway = TestGateway::start().await;
    let source = "import { WorkerEntrypoint } from 'cloudflare:workers';
        export default { fetch() {}, scheduled() {}, queue() {}, tail() {}, email() {}, other() {}, no: 5 };
        export class Named extends WorkerEntrypoint { fetch() {} call() {} }
        export const plain = { fetch() {} };";
    let metadata = json!({ "main_module": "m.mjs", "compatibility_date": "2026-01-01" });
    let answer = workerd::upload(&gateway, "handlers", &one("m.mjs", source), metadata).await;
    let result = &answer.json()["result"];
    assert_eq!(result["handlers"], json!(["fetch", "scheduled", "queue", "tail", "email"]), "{}", answer.text());
    let mut named: Vec<String> = result["named_handlers"].as_array().unwrap().iter().map(|it| it.to_string()).collect();
    named.sort();
    assert_eq!(named.len(), 2, "{named:?}");
    assert!(named[0].contains("\"call\"") && named[1].contains("\"plain\""), "{named:?}");
}

/// After passThroughOnException a failing handler's request goes where its own fetch would.
#[tokio::test]
async fn an_exception_may_be_passed_through() {
    let gateway = TestGateway::start().await;
    gateway.upload("ns", "out", "export default { async fetch(r) { return new Response(`origin ${r.method} ${new URL(r.url).pathname} ${await r.text()}`) } }").await;
    let source = "export default { async fetch(request, env, ctx) {
        ctx.passThroughOnException();
        const path = new URL(request.url).pathname;
        if (path === '/read') await request.text();
        if (path === '/later') await scheduler.wait(1);
        if (path === '/fine') return new Response('fine');
        if (path === '/odd') return 'odd';
        throw new Error('no') } }";
    gateway.upload("ns", "passes", source).await;
    gateway.get("passes", "/fine").await.is(200, "fine");
    // Where there is nobody to pass it to, it fails as that fetch does: never a hang, never the exception's own answer.
    for path in ["/now", "/later", "/odd", "/read"] {
        let status = gateway.get("passes", path).await.status.as_u16();
        assert!(status >= 400, "{path}: {status}");
    }
}
