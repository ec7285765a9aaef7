//! The console as tails get it, and `tail` handlers.

use serde_json::{Value, json};
use switchyard_runtime::{Console, Ending, Invocation, Outcome, RunErrorKind};

use crate::harness::{Bench, get};

/// What a run of this body prints.
async fn printed(console: Console, body: &str) -> Outcome {
    let bench = Bench::new();
    let source = format!("export default {{ async fetch(r, env, ctx) {{ {body}; return new Response('ok') }} }}");
    let worker = bench.worker(&source).await;
    let response = worker.handle(get("/"), Invocation { console, ..bench.invocation() }).await.unwrap();
    assert_eq!(crate::harness::text(response).await, "ok");
    bench.outcome().await
}

fn values(outcome: &Outcome) -> Vec<Value> {
    outcome.logs.iter().map(|line| serde_json::from_str(&line.values).unwrap()).collect()
}

const VALUES: Console = Console { text: false, values: true };
const NOBODY: Console = Console { text: false, values: false };

/// As workerd's tail handlers get them: seen by running it (workerd-facts B).
#[tokio::test]
async fn arguments_are_values_as_on_workerd() {
    let rows = [
        ("'a', 1, { b: 2 }", r#"["a",1,{"b":2}]"#),
        ("'%s is %d', 'x', 5", r#"["%s is %d","x",5]"#),
        ("", "[]"),
        ("undefined, null, true", "[null,null,true]"),
        ("1.5, NaN, Infinity, -0", "[1.5,null,null,0]"),
        ("10n, Symbol('s')", r#"["10",{}]"#),
        ("() => {}, function foo() {}", r#"["() => {}","function foo() {}"]"#),
        ("new TypeError('boom'), Object.assign(new Error('e'), { x: 1 })", r#"["TypeError: boom","Error: e"]"#),
        ("new Date(0), /a/g, new Map([[1, 2]])", r#"["1970-01-01T00:00:00.000Z","/a/g","[object Map]"]"#),
        ("[1, , 3, undefined]", "[[1,null,3,null]]"),
        ("{ a: { b: { c: { d: 1 } } } }", r#"[{"a":{"b":{"c":{"d":1}}}}]"#),
        ("new (class Foo { a = 1; toString() { return 'foo' } })()", r#"["foo"]"#),
        ("{ toJSON() { return 'tj' } }, { toJSON() { throw new Error('x') } }", r#"["tj",{}]"#),
        ("new Uint8Array([1, 2]), Promise.resolve(1)", r#"["1,2","[object Promise]"]"#),
        (
            "new URL('http://a/b'), new Headers({ a: 'b' }), r",
            r#"["http://a/b","[object Headers]","[object Request]"]"#,
        ),
        ("(() => { const o = {}; o.o = o; return o })(), { a: 1n }", "[{},{}]"),
        ("{ a: undefined, f() {}, s: Symbol('x') }", "[{}]"),
        ("new String('s'), Object.assign(Object.create(null), { z: 1 })", r#"["s",{"z":1}]"#),
        ("{ get a() { return 7 } }, { get a() { throw new Error('no') } }", r#"[{"a":7},{}]"#),
    ];
    let body: String = rows.iter().map(|(arguments, _)| format!("console.log({arguments});")).collect();
    let outcome = printed(VALUES, &body).await;
    assert_eq!(outcome.logs.len(), rows.len());
    for ((arguments, expected), line) in rows.iter().zip(&outcome.logs) {
        assert_eq!((line.values.as_str(), line.text.as_str()), (*expected, ""), "console.log({arguments})");
    }
    // Neither control characters nor lone surrogates reach a reader.
    let outcome = printed(VALUES, r"console.log('\ud800x', 'a\u007f\u009b\u0000\n')").await;
    assert!(!outcome.logs[0].values.chars().any(char::is_control), "{:?}", outcome.logs[0]);
    assert_eq!(values(&outcome), [json!(["\u{fffd}x", "a\u{7f}\u{9b}\0\n"])]);
}

#[tokio::test]
async fn methods_that_make_a_text_are_for_terminals_alone() {
    let body = "console.group('g'); console.warn('in', 1); console.groupEnd(); console.assert(false, 'no');
        console.count('c'); console.dir({ a: 1 })";
    let outcome = printed(Console { text: true, values: true }, body).await;
    let lines: Vec<_> = outcome.logs.iter().map(|line| (line.text.as_str(), line.values.as_str())).collect();
    assert_eq!(
        lines,
        [("g", ""), ("  in 1", r#"["in",1]"#), ("Assertion failed: no", ""), ("c: 1", ""), ("{ a: 1 }", "")]
    );
    let outcome = printed(VALUES, body).await;
    assert_eq!(values(&outcome), [json!(["in", 1])]);
}

/// Not even a getter runs for nobody, and nothing is kept.
#[tokio::test]
async fn where_nobody_listens_nothing_is_formatted() {
    let body = "let looked = 0; const spy = { get a() { looked++; return 1 }, toString() { looked++; return '' } };
        console.log('%s', spy, spy); console.table(spy); console.dir(spy);
        ctx.waitUntil(Promise.reject(spy)); if (looked) throw new Error('looked at')";
    let outcome = printed(NOBODY, body).await;
    assert_eq!((outcome.ending, outcome.logs.len(), outcome.logs_dropped), (Ending::Ok, 0, 0));
    assert!(outcome.thrown_beside.is_empty());
    let outcome = printed(VALUES, "console.log({ get a() { return 1 } })").await;
    assert_eq!(values(&outcome), [json!([{ "a": 1 }])]);
}

#[tokio::test]
async fn lines_have_a_most() {
    // Two quotes, two brackets and 16 bytes a line.
    let fits = printed(VALUES, &format!("console.log('x'.repeat({}))", (128 << 10) - 20)).await;
    assert_eq!((fits.logs.len(), fits.logs_dropped), (1, 0));
    let over = printed(VALUES, &format!("console.log('x'.repeat({})); console.log('y')", (128 << 10) - 19)).await;
    assert_eq!((over.logs.len(), over.logs_dropped), (1, 1));
    let many = printed(VALUES, "for (let n = 0; n < 10000; n++) console.log()").await;
    assert_eq!((many.logs.len(), many.logs_dropped), ((128 << 10) / 18, 10_000 - (128 << 10) / 18));
}

#[tokio::test]
async fn what_is_thrown_beside_the_handler_is_told() {
    let body = "ctx.waitUntil((async () => { throw new RangeError('late') })());
        setTimeout(() => { throw new Error('timer') }, 1); Promise.reject(new Error('floating'));
        await new Promise((r) => setTimeout(r, 20))";
    let outcome = printed(VALUES, body).await;
    assert_eq!((outcome.ending, outcome.exception.is_none()), (Ending::Ok, true));
    let told: Vec<_> = outcome.thrown_beside.iter().map(|e| (e.name.as_str(), e.message.as_str())).collect();
    assert_eq!(told, [("RangeError", "late"), ("Error", "timer")]);
    assert!(outcome.thrown_beside[0].stack.contains("index.js"), "{outcome:?}");
    let flood = printed(VALUES, "for (let n = 0; n < 100; n++) ctx.waitUntil(Promise.reject(new Error('x')))").await;
    assert_eq!(flood.thrown_beside.len(), 16);
}

/// One item as the gateway writes it.
fn item() -> Value {
    json!({
        "wallTime": 3, "cpuTime": 2, "truncated": false, "executionModel": "stateless", "outcome": "exception",
        "scriptTags": ["gold"], "dispatchNamespace": "ns", "scriptVersion": { "id": "v" }, "scriptName": "user",
        "exceptions": [{ "name": "Error", "message": "boom", "stack": "    at f", "timestamp": 5 }],
        "logs": [{ "message": ["a", 1, { "b": 2 }], "level": "warn", "timestamp": 4 }],
        "eventTimestamp": 1,
        "event": {
            "request": {
                "url": "http://x/secret", "method": "GET", "headers": { "cookie": "a=1", "x": "y" },
                "redacted": { "url": "http://x/REDACTED", "headers": { "cookie": "REDACTED" } }
            },
            "response": { "status": 500 }
        }
    })
}

#[tokio::test]
async fn a_tail_handler_gets_trace_items() {
    let bench = Bench::new();
    let source = "export default { async tail(events, env, ctx) {
        const [event] = events;
        await new Promise((r) => setTimeout(r, 1));
        console.log(arguments.length, Array.isArray(events), events.length, typeof ctx.waitUntil);
        console.log(event);
        console.log(event.event.request.getUnredacted());
        console.log(Object.keys(event));
        const names = [event, event.event, event.event.request, event.event.response, event.logs[0], event.exceptions[0]];
        console.log(names.map((value) => `${value.constructor.name} ${Object.prototype.toString.call(value)}`));
        'use strict';
        let written = 'no'; try { (() => { 'use strict'; event.outcome = 'ok' })() } catch (e) { written = e.name }
        console.log(written, event.outcome, events[1].event.consumedEvents[0].scriptName, events[1].event.constructor.name);
    } };";
    let (worker, started) = bench.start(crate::harness::spec(source)).await.unwrap();
    assert_eq!(started.handlers, ["tail"]);
    let mut tail = item();
    tail["event"] = json!({ "consumedEvents": [{ "scriptName": "below" }] });
    worker.tail(json!([item(), tail]).to_string(), bench.invocation()).await.unwrap();
    let outcome = bench.outcome().await;
    assert_eq!(outcome.ending, Ending::Ok, "{outcome:?}");
    // Objects of classes print as their names; JSON is what is sent on, as the documented handlers do.
    let logs = values(&outcome);
    assert_eq!(logs[0], json!([3, true, 2, "function"]));
    assert_eq!((&logs[1], &logs[2]), (&json!(["[object TraceItem]"]), &json!(["[object Request]"])));
    assert_eq!(
        logs[3][0],
        json!([
            "wallTime",
            "cpuTime",
            "truncated",
            "executionModel",
            "outcome",
            "durableObjectId",
            "preview",
            "tailAttributes",
            "scriptTags",
            "dispatchNamespace",
            "scriptVersion",
            "entrypoint",
            "scriptName",
            "diagnosticsChannelEvents",
            "exceptions",
            "logs",
            "eventTimestamp",
            "event"
        ])
    );
    let named = ["TraceItem", "FetchEventInfo", "Request", "Response", "TraceLog", "TraceException"];
    assert_eq!(logs[4][0], json!(named.map(|name| format!("{name} [object {name}]"))));
    assert_eq!(logs[5], json!(["TypeError", "exception", "below", "TailEventInfo"]));

    let source = "export default { tail(events) {
        console.log(JSON.stringify(events), JSON.stringify(events[0].event.request.getUnredacted()));
    } };";
    let worker = bench.worker(source).await;
    worker.tail(json!([item()]).to_string(), bench.invocation()).await.unwrap();
    let logs = values(&bench.outcome().await);
    let mut sent: Value = serde_json::from_str(logs[0][0].as_str().unwrap()).unwrap();
    let request = json!({ "url": "http://x/REDACTED", "method": "GET", "headers": { "cookie": "REDACTED", "x": "y" } });
    assert_eq!(sent[0]["event"]["request"], request);
    assert_eq!(sent[0]["diagnosticsChannelEvents"], json!([]));
    let unredacted: Value = serde_json::from_str(logs[0][1].as_str().unwrap()).unwrap();
    assert_eq!(unredacted["headers"], json!({ "cookie": "a=1", "x": "y" }));
    // All else is as it was written.
    let mut expected = item();
    for value in [&mut sent[0], &mut expected] {
        value.as_object_mut().unwrap().remove("event");
        value.as_object_mut().unwrap().remove("diagnosticsChannelEvents");
    }
    assert_eq!(sent[0], expected);
}

#[tokio::test]
async fn a_tail_handler_has_env_limits_and_failures_of_its_own() {
    let bench = Bench::new();
    let items = || json!([item()]).to_string();
    let threw = bench.worker("export default { tail() { throw new RangeError('boom') } }").await;
    let error = threw.tail(items(), bench.invocation()).await.unwrap_err();
    assert_eq!((error.kind, error.message.as_str()), (RunErrorKind::Exception, "boom"));
    assert_eq!(bench.outcome().await.ending, Ending::Exception);

    let none = bench.worker("export default { fetch() { return new Response('ok') } }").await;
    let error = none.tail(items(), bench.invocation()).await.unwrap_err();
    assert_eq!(error.message, "Handler does not export a tail() function.");
    bench.outcome().await;

    let spins = bench.worker("export default { tail() { for (;;); } }").await;
    let mut invocation = bench.invocation();
    invocation.limits.cpu_ms = Some(20);
    let error = spins.tail(items(), invocation).await.unwrap_err();
    assert_eq!(error.kind, RunErrorKind::ExceededCpu);
    assert_eq!(bench.outcome().await.ending, Ending::ExceededCpu);

    let class = "import { WorkerEntrypoint } from 'cloudflare:workers';
        export default class extends WorkerEntrypoint {
            tail(events) { this.ctx.waitUntil(new Promise((r) => setTimeout(r, 30)).then(() => console.log(events[0].scriptName))) }
        }";
    let (worker, started) = bench.start(crate::harness::spec(class)).await.unwrap();
    assert_eq!(started.handlers, ["tail"]);
    worker.tail(items(), bench.invocation()).await.unwrap();
    let outcome = bench.outcome().await;
    assert_eq!((outcome.ending, values(&outcome)), (Ending::Ok, vec![json!(["user"])]));
}
