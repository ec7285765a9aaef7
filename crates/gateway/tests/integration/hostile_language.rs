//! Hostile programs against the language, errors and the platform's coercions: each gets the right error or its answer,
//! the node lives, and the neighbour's errors are none.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;

use crate::harness::TestGateway;

/// What must come of a program: its answer begins so, or it is stopped (a limit: 503, or it fails: 500).
enum Wanted {
    Says(&'static str),
    Stopped,
    /// Whatever it did to itself: only the others count.
    Anything,
}
use Wanted::{Anything, Says, Stopped};

/// Name, what must come of it, the body of an async `fetch(request, env, ctx)`. `said(f)` tells what f throws.
const PROGRAMS: &[(&str, Wanted, &str)] = &[
    // Errors and their stacks.
    (
        "stack-name-getter-throws",
        Says("<error>"),
        "const e = new Error('m'); Object.defineProperty(e, 'name', { get() { throw 1 } }); return e.stack.split('\\n')[0]",
    ),
    (
        "stack-name-getter-recurses",
        Says("string"),
        "const e = new Error('m'); Object.defineProperty(e, 'name', { get() { return e.stack } }); return typeof e.stack",
    ),
    (
        "stack-name-recursion",
        Says("string"),
        "class E extends Error { get name() { return new E('x').stack } } return typeof new E('y').stack",
    ),
    ("stack-giant-message", Says("true"), "const e = new Error('m'.repeat(1e7)); return String(e.stack.length > 1e7)"),
    (
        "stack-giant-name",
        Says("true"),
        "const f = { ['f'.repeat(1e6)]() { return new Error('x').stack } }; return String(f['f'.repeat(1e6)]().length > 1e6)",
    ),
    (
        "stack-limit-infinite",
        Says("string"),
        "Error.stackTraceLimit = Infinity; const f = (n) => n ? f(n - 1) : new Error('deep').stack; return typeof f(1000)",
    ),
    (
        "stack-limit-strange",
        Says("undefined"),
        "Error.stackTraceLimit = { valueOf() { throw 1 } }; return typeof new Error('x').stack",
    ),
    (
        "stack-limit-getter",
        Says("undefined"),
        "Object.defineProperty(Error, 'stackTraceLimit', { get() { throw 1 } }); return typeof new Error('x').stack",
    ),
    (
        "prepare-throws",
        Says("fine"),
        "Error.prepareStackTrace = () => { throw new Error('inside') }; try { null.x } catch (e) { e.stack; return 'fine' }",
    ),
    (
        "prepare-recurses",
        Says("fine"),
        "Error.prepareStackTrace = () => new Error('again').stack; new Error('x').stack; return 'fine'",
    ),
    (
        "prepare-recursion-deep",
        Says("RangeError"),
        "Error.prepareStackTrace = (e, s) => s; const f = () => f(); try { f() } catch (e) { return e.name }",
    ),
    (
        "prepare-changes-sites",
        Says("fine"),
        "Array.prototype[Symbol.iterator] = null; Object.defineProperty(Array.prototype, '0', { set() { throw 1 } }); Error.prepareStackTrace = (e, s) => s.length; new Error('x').stack; return 'fine'",
    ),
    (
        "prepare-site-stolen",
        Says("TypeError"),
        "Error.prepareStackTrace = (e, s) => s; const [site] = new Error('x').stack; return said(() => site.getFileName.call({}))",
    ),
    (
        "prepare-site-functions",
        Says("undefined,undefined"),
        "Error.prepareStackTrace = (e, s) => s; const sites = new Error('x').stack; return [typeof sites[0].getFunction(), typeof sites[0].getThis()].join()",
    ),
    (
        "prepare-of-the-platform",
        Says("false"),
        "let seen = ''; Error.prepareStackTrace = (e, s) => (seen += s.map(String).join(), s); await new Promise((r) => setTimeout(r, 1)); try { new Headers({ 'a b': 1 }) } catch (e) { e.stack } return String(/platform:|node:/.test(seen))",
    ),
    (
        "capture-proxy",
        Says("fine"),
        "Error.captureStackTrace(new Proxy({}, { defineProperty() { return true } })); return 'fine'",
    ),
    (
        "capture-proxy-throws",
        Says("RangeError"),
        "return said(() => Error.captureStackTrace(new Proxy({}, { defineProperty() { throw new RangeError('x') } })))",
    ),
    (
        "capture-revoked",
        Says("TypeError"),
        "const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); return said(() => Error.captureStackTrace(proxy))",
    ),
    (
        "capture-hidden-by-a-proxy",
        Says("fine"),
        "Error.captureStackTrace({}, new Proxy(function () {}, {})); return 'fine'",
    ),
    (
        "throw-in-every-getter",
        Stopped,
        "throw new Proxy(new Error('x'), { get() { throw 1 }, getPrototypeOf() { throw 2 }, has() { throw 3 } })",
    ),
    ("throw-null-prototype", Stopped, "throw Object.create(null)"),
    (
        "method-name-giant-object",
        Says("true"),
        "const o = {}; for (let i = 0; i < 50000; i++) o['k' + i] = i; const f = function () { return new Error('x').stack }; o.last = f; return String(o.last().length > 0)",
    ),
    (
        "receiver-is-a-proxy",
        Says("string"),
        "const p = new Proxy({ m() { return new Error('x').stack } }, { get(t, k) { if (k === 'm') return t.m; throw 1 } }); return typeof p.m()",
    ),
    (
        "receiver-proto-cycle-of-proxies",
        Says("string"),
        "const o = { m() { return new Error('x').stack } }; let p = o; for (let i = 0; i < 1000; i++) p = Object.create(p); return typeof p.m()",
    ),
    // Words of errors: what they print is bounded and runs nothing.
    ("words-giant-key", Says("TypeError"), "return said(() => undefined['k'.repeat(1e6)])"),
    (
        "words-giant-function",
        Says("TypeError"),
        "const f = new Array(2000).fill('a.b').join('.'); return said(() => { ({}).x.y.z })",
    ),
    (
        "words-getters",
        Says("TypeError"),
        "const o = new Proxy({}, { get(t, k) { if (k === Symbol.toPrimitive) throw 1; return undefined } }); return said(() => { o.method() })",
    ),
    ("words-not-iterable", Says("TypeError"), "const o = Object.create(null); return said(() => { const [x] = o })"),
    ("words-class-name", Says("TypeError"), "class A { static get name() { throw 1 } } return said(() => A())"),
    ("words-nested-brackets", Says("TypeError"), "const a = []; return said(() => a[a[a[a[a[a[0]]]]]]())"),
    ("words-comment", Says("TypeError"), "const o = {}; return said(() => o /* ( */ . /* [ */ x /* ) */ ())"),
    ("words-unicode", Says("TypeError: o.日本"), "const o = {}; return said(() => o.日本())"),
    (
        "words-circle-giant",
        Says("TypeError: Converting circular"),
        "const a = []; for (let i = 0; i < 1e5; i++) a.push(i); a.push({ a }); return said(() => JSON.stringify(a))",
    ),
    (
        "words-circle-deep",
        Says("TypeError: Converting circular"),
        "let o = {}; const first = o; for (let i = 0; i < 500; i++) o = o.x = {}; o.x = first; return said(() => JSON.stringify(first))",
    ),
    (
        "words-circle-getters",
        Says("TypeError: Converting circular"),
        "const o = { get self() { return o } }; return said(() => JSON.stringify(o))",
    ),
    (
        "words-regexp-giant",
        Says("SyntaxError: Invalid regular expression"),
        "return said(() => new RegExp('('.repeat(1000)))",
    ),
    (
        "words-json-giant",
        Says("SyntaxError: Unexpected token"),
        "return said(() => JSON.parse('[' + '1,'.repeat(1e6) + 'x]'))",
    ),
    (
        "words-json-wide",
        Says("SyntaxError: Unexpected token '😀'"),
        "return said(() => JSON.parse('[' + '\"😀\",'.repeat(1000) + '😀]'))",
    ),
    // Recursion everywhere.
    (
        "recursion-error-cause",
        Says("RangeError"),
        "const f = () => new Error('x', { get cause() { return f() } }); return said(f)",
    ),
    (
        "recursion-to-string",
        Says("RangeError"),
        "const o = { toString() { return `${o}` } }; return said(() => String(o))",
    ),
    (
        "recursion-spread",
        Says("RangeError"),
        "const o = { get a() { return { ...o } } }; return said(() => ({ ...o }))",
    ),
    (
        "recursion-proxy-proto",
        Says("RangeError"),
        "const p = new Proxy({}, { getPrototypeOf() { return Object.getPrototypeOf(p) } }); return said(() => p instanceof Object)",
    ),
    ("recursion-class-fields", Says("RangeError"), "class A { x = new A() } return said(() => new A())"),
    (
        "recursion-structured-clone",
        Says("10000"),
        "let o = {}; for (let i = 0; i < 1e4; i++) o = { o }; let n = 0; for (let c = structuredClone(o); c.o; c = c.o) n++; return String(n)",
    ),
    (
        "recursion-inspect",
        Says("string"),
        "let o = {}; for (let i = 0; i < 1e5; i++) o = { o }; return typeof (await import('node:util')).inspect(o, { depth: 50 })",
    ),
    (
        "recursion-equal",
        Says("RangeError"),
        "const a = {}, b = {}; let x = a, y = b; for (let i = 0; i < 1e5; i++) { x = x.n = {}; y = y.n = {} } const { isDeepStrictEqual } = await import('node:util'); return said(() => isDeepStrictEqual(a, b))",
    ),
    (
        "recursion-events",
        Says("RangeError"),
        "const { EventEmitter } = await import('node:events'); const e = new EventEmitter(); e.on('x', () => e.emit('x')); return said(() => e.emit('x'))",
    ),
    (
        "recursion-dispatch",
        Says("fine"),
        "const t = new EventTarget(); let n = 0; t.addEventListener('x', () => { if (n++ < 100) t.dispatchEvent(new Event('x')) }); t.dispatchEvent(new Event('x')); return 'fine'",
    ),
    (
        "recursion-als",
        Says("done"),
        "const { AsyncLocalStorage } = await import('node:async_hooks'); const s = new AsyncLocalStorage(); const f = (n) => n ? s.run(n, () => f(n - 1)) : 'done'; return f(60)",
    ),
    // Bombs and storms.
    ("regexp-bomb", Stopped, "/^(a+)+$/.test('a'.repeat(40) + 'b'); return 'no'"),
    ("regexp-bomb-named", Stopped, "/(?<x>a|a|a)*$(?<y>b)/.test('a'.repeat(200)); return 'no'"),
    (
        "replace-bomb",
        Anything,
        "let s = 'a'.repeat(1e6); try { for (;;) s = s.replace(/a/g, '$&$&$&$&$&$&$&$&') } catch (e) { return e.name === 'RangeError' || e.name === 'InternalError' ? 'RangeError,InternalError' : e.name }",
    ),
    (
        "promise-storm",
        Stopped,
        "const f = () => Promise.all([f2(), f2()]); const f2 = async () => { await null; return f() }; await f(); return 'no'",
    ),
    (
        "async-generator-storm",
        Stopped,
        "async function* g() { for (;;) yield 1 } for await (const x of g()); return 'no'",
    ),
    (
        "await-chain",
        Says("RangeError,done"),
        "let p = Promise.resolve(); for (let i = 0; i < 1e5; i++) p = p.then(() => {}); await p; return 'RangeError,done'",
    ),
    (
        "awaiter-chain",
        Says("string"),
        "let p = (async () => { await null; return new Error('x').stack })(); for (let i = 0; i < 2000; i++) { const q = p; p = (async () => await q)() } return typeof await p",
    ),
    (
        "finalizer-storm",
        Says("fine"),
        "const r = new FinalizationRegistry(() => { throw 1 }); for (let i = 0; i < 1e5; i++) r.register({}, i); await null; return 'fine'",
    ),
    ("json-bomb", Says("RangeError"), "return said(() => JSON.parse('['.repeat(1e6)))"),
    ("json-proto", Says("undefined"), "JSON.parse('{\"__proto__\": {\"polluted\": 1}}'); return typeof ({}).polluted"),
    // Coercions of the platform's options.
    (
        "options-proxy",
        Says("RangeError"),
        "return said(() => new Response('', new Proxy({}, { get(t, k) { throw new RangeError(String(k)) } })))",
    ),
    (
        "options-getters",
        Says("RangeError"),
        "return said(() => new Request('http://x/', { get method() { throw new RangeError('m') } }))",
    ),
    (
        "headers-iterator",
        Says("RangeError"),
        "return said(() => new Headers({ *[Symbol.iterator]() { throw new RangeError('i') } }))",
    ),
    ("headers-endless", Stopped, "new Headers({ *[Symbol.iterator]() { for (;;) yield ['a', 'b'] } }); return 'no'"),
    ("url-to-string", Says("RangeError"), "return said(() => new URL({ toString() { throw new RangeError('u') } }))"),
    (
        "set-timeout-coercion",
        Says("RangeError"),
        "return said(() => setTimeout(() => {}, { valueOf() { throw new RangeError('t') } }))",
    ),
    ("wait-until-thenable", Says("fine"), "ctx.waitUntil({ then() { throw 1 } }); return 'fine'"),
    (
        "respond-with-subclass",
        Says("fine"),
        "class R extends Response { get status() { throw 1 } get headers() { throw 2 } } return new R('fine')",
    ),
    // Prototypes and species.
    (
        "pollute-object",
        Anything,
        "Object.prototype.get = Object.prototype.set = Object.prototype.value = Object.prototype.method = 5; return new Response('fine')",
    ),
    (
        "pollute-array",
        Anything,
        "Array.prototype.push = Array.prototype.map = Array.prototype.forEach = () => { throw 1 }; Array.prototype[Symbol.iterator] = null; return new Response('fine', { headers: { a: 'b' } })",
    ),
    (
        "pollute-promise",
        Anything,
        "Promise.prototype.then = () => { throw 1 }; Promise.resolve = null; return new Response('fine')",
    ),
    (
        "pollute-function",
        Anything,
        "Function.prototype.call = Function.prototype.apply = Function.prototype.bind = () => { throw 1 }; return new Response('fine')",
    ),
    (
        "pollute-symbol-species",
        Anything,
        "Object.defineProperty(Uint8Array, Symbol.species, { get() { throw 1 } }); Object.defineProperty(ArrayBuffer, Symbol.species, { get() { throw 1 } }); return new Response(new Uint8Array([102, 105, 110, 101]))",
    ),
    (
        "pollute-regexp",
        Anything,
        "RegExp.prototype.exec = () => { throw 1 }; RegExp.prototype[Symbol.replace] = null; return new Response('fine', { headers: { 'content-type': 'text/plain;charset=utf-8' } })",
    ),
    (
        "pollute-string",
        Anything,
        "for (const k of ['split', 'trim', 'toLowerCase', 'slice', 'indexOf', 'replace']) String.prototype[k] = () => { throw 1 }; return new Response('fine', { headers: { 'X-A': 'b' } })",
    ),
    // Buffers that change under the platform's hands.
    (
        "buffer-detached-by-getter",
        Says("fine"),
        "const b = new Uint8Array(8); try { new Response(b, { get status() { b.buffer.transfer(); return 200 } }) } catch {} return 'fine'",
    ),
    (
        "buffer-resized",
        Says("fine"),
        "const b = new ArrayBuffer(8, { maxByteLength: 1 << 20 }); const v = new Uint8Array(b); const r = new Response(v); b.resize(0); await r.text(); return 'fine'",
    ),
    (
        "buffer-shared",
        Says("fine"),
        "try { const s = new SharedArrayBuffer(1 << 20, { maxByteLength: 1 << 24 }); s.grow(1 << 24); new TextDecoder().decode(new Uint8Array(s)) } catch {} return 'fine'",
    ),
    (
        "buffer-shared-growth",
        Says("fine"),
        "const all = []; try { for (;;) { const s = new SharedArrayBuffer(1, { maxByteLength: 1 << 26 }); s.grow(1 << 26); all.push(s) } } catch { all.length = 0 } return 'fine'",
    ),
    (
        "node-buffer-sizes",
        Says("true"),
        "const out = [-1, 1e12, NaN, {}].map((n) => said(() => Buffer.alloc(n))); return String(out.every((x) => typeof x === 'string'))",
    ),
    (
        "node-buffer-fill",
        Says("fine"),
        "Buffer.alloc(1 << 20, 'ab'); try { Buffer.from('x'.repeat(1 << 20)).toString('hex').repeat(1000) } catch {} return 'fine'",
    ),
    (
        "node-inspect-hostile",
        Says("string"),
        "const { inspect } = await import('node:util'); const p = new Proxy({}, { get() { throw 1 }, ownKeys() { throw 2 }, getPrototypeOf() { throw 3 } }); return typeof inspect({ p, m: new Map([[p, p]]) })",
    ),
    (
        "node-inspect-wide",
        Anything,
        "const { inspect } = await import('node:util'); return typeof inspect(new Array(1e6).fill({ a: 1 }))",
    ),
    (
        "node-next-tick-storm",
        Stopped,
        "const f = () => { process.nextTick(f); }; f(); await new Promise((r) => setTimeout(r, 5000)); return 'no'",
    ),
    // The global scope and the module system.
    (
        "global-proto",
        Says("fine"),
        "try { Object.setPrototypeOf(globalThis, new Proxy({}, { get() { throw 1 }, has() { throw 2 } })) } catch {} return new Response('fine')",
    ),
    ("global-frozen", Says("fine"), "try { Object.freeze(globalThis) } catch {} return new Response('fine')"),
    ("import-giant-name", Says("Error"), "return import('./' + 'x'.repeat(1e6)).catch((e) => e.name)"),
    (
        "import-storm",
        Says("1000"),
        "const all = await Promise.allSettled(Array.from({ length: 1000 }, (_, i) => import('./none' + i))); return String(all.filter((x) => x.status === 'rejected').length)",
    ),
    (
        "import-attributes-proxy",
        Says("RangeError"),
        "return import('./x', new Proxy({}, { get() { throw new RangeError('with') } })).catch((e) => e.name)",
    ),
    (
        "with-env-recursion",
        Says("RangeError"),
        "const { withEnv } = await import('cloudflare:workers'); const f = () => withEnv({}, f); return said(f)",
    ),
    ("pass-through-loops", Stopped, "ctx.passThroughOnException(); throw new Error('again')"),
    (
        "last-match-kept",
        Says("true"),
        "/(b+)/.exec('a'.repeat(1e6) + 'bbb'); return String(RegExp.$1 === 'bbb' && RegExp.leftContext.length === 1e6)",
    ),
    (
        "atomics-storm",
        Says("fine"),
        "const a = new Int32Array(new SharedArrayBuffer(64)); for (let i = 0; i < 1e5; i++) Atomics.add(a, i % 16, 1); return 'fine'",
    ),
    (
        "dispose-storm",
        Says("true"),
        "const s = new DisposableStack(); for (let i = 0; i < 2000; i++) s.defer(() => { throw i }); try { s.dispose() } catch (e) { let n = 0; while (e instanceof SuppressedError) { n++; e = e.suppressed } return String(n === 1999) }",
    ),
];

fn source(body: &str) -> String {
    format!(
        "const said = (f) => {{ try {{ return String(f()) }} catch (e) {{ return `${{e?.name}}: ${{e?.message}}` }} }};
         export default {{ async fetch(request, env, ctx) {{
           const answer = await (async () => {{ {body} }})();
           return answer instanceof Response ? answer : new Response(answer);
         }} }};"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_gets_what_it_deserves_and_the_neighbour_nothing() {
    assert!(PROGRAMS.len() >= 60, "{}", PROGRAMS.len());
    let gateway = TestGateway::with(|config| {
        config.limits.cpu = Duration::from_millis(1_000);
        config.limits.wall = Duration::from_secs(20);
    })
    .await;
    let canary = "let n = 0; export default { async fetch(r) { n++; await scheduler.wait(1); return Response.json([n, typeof leaked, ({}).polluted ?? 0]) } }";
    gateway.upload("ns", "canary", canary).await;
    let gateway = Arc::new(gateway);
    let (stop, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let sings = tokio::spawn({
        let (gateway, stop, asked) = (Arc::clone(&gateway), Arc::clone(&stop), Arc::clone(&asked));
        async move {
            while !stop.load(Ordering::Relaxed) {
                gateway.get("canary", "/").await.is(200, "[1,\"undefined\",0]");
                asked.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    let mut wrong = String::new();
    for (name, wanted, body) in PROGRAMS {
        let metadata = json!({ "compatibility_date": "2026-01-01", "compatibility_flags": ["nodejs_compat"] });
        let kept = gateway.try_upload("ns", name, &source(body), metadata).await;
        assert!(kept.status.is_success(), "{name}: {}", kept.text());
        // Twice: what the first left behind is in no other's way.
        for _ in 0..2 {
            let answer = gateway.get(name, "/").await;
            let status = answer.status.as_u16();
            let fine = match wanted {
                Says(text) => status == 200 && answer.text().starts_with(text),
                Stopped => status >= 500,
                Anything => true,
            };
            if !fine {
                wrong += &format!("{name}: {status} {}\n", answer.text().chars().take(300).collect::<String>());
            }
        }
    }
    assert!(!sings.is_finished(), "the neighbour failed");
    stop.store(true, Ordering::Relaxed);
    sings.await.unwrap();
    assert!(asked.load(Ordering::Relaxed) > 50, "{}", asked.load(Ordering::Relaxed));
    assert!(wrong.is_empty(), "{wrong}");
    gateway.admin("/readyz").await.is(200, "ok\n");
}
