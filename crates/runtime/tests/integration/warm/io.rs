//! What belongs to one request is refused in another, as workerd does it.

use std::collections::HashMap;

use switchyard_runtime::{Body, Ending};

use super::Warm;
use crate::harness::{Chunks, get, post};

#[tokio::test]
async fn io_of_one_is_refused_in_another() {
    let warm = Warm::new();
    let worker = warm
        .worker(
            "const k = {};
             const tell = async (f) => { try { return String(await f()) } catch (e) { return e.name + ': ' + e.message } };
             const tries = {
                requestText: () => k.request.text(), requestBody: () => k.body.getReader().read(),
                response: () => k.fetched.text(), clone: () => k.fetched.clone(), tee: () => k.fetched.body.tee(),
                reader: () => k.reader.read(), cancel: () => k.reader.cancel(), made: () => k.made.text(),
                pass: () => fetch('https://o.test/echo', { method: 'POST', body: k.fetched.body }),
                request: () => fetch(k.out), rewrap: () => new Request(k.out),
                write: () => k.pipe.writable.getWriter().write(new Uint8Array(1)),
                url: () => k.request.url, headers: () => k.request.headers.get('x-test'), status: () => k.fetched.status,
                js: () => k.js.text(), blob: () => k.blob.text(), digest: async () => (await k.digest).byteLength,
                pending: () => k.pending, timer: () => k.timer, waitUntil: () => k.ctx.waitUntil(Promise.resolve()),
             };
             export default { async fetch(request, env, ctx) {
                const path = new URL(request.url).pathname;
                if (path === '/keep' || path === '/hold') {
                    Object.assign(k, { request, ctx, body: new Request(request.clone()).body, made: new Response('made'),
                        fetched: await fetch('https://o.test/echo'), reader: (await fetch('https://o.test/echo')).body.getReader(),
                        out: new Request('https://o.test/echo', { method: 'POST', body: 'x' }), pipe: new IdentityTransformStream(),
                        js: new Response(ReadableStream.from([new TextEncoder().encode('js')])), blob: new Blob(['blob']), pending: fetch('https://o.test/never'),
                        timer: scheduler.wait(1e6), digest: crypto.subtle.digest('SHA-256', new Uint8Array(1 << 17)) });
                    await k.digest;
                    if (path === '/hold') await fetch('https://o.test/held');
                    return new Response('kept');
                }
                if (path === '/return') return k.made;
                const told = {};
                for (const name in tries) {
                    if (path !== '/tries' && (name === 'pending' || name === 'timer')) continue;
                    told[name] = await tell(tries[name]);
                }
                return Response.json(told);
             } }",
        )
        .await;
    let foreign = |kind: &str| {
        format!(
            "Error: Cannot perform I/O on behalf of a different request. I/O objects (such as streams, request/response \
             bodies, and others) created in the context of one request handler cannot be accessed from a different \
             request's handler. This is a limitation of Cloudflare Workers which allows us to improve overall \
             performance. (I/O type: {kind})"
        )
    };
    let over = "Error: This promise was created by a request that has since ended, so it can never settle.";
    for (keep, tries) in [("/keep", "/tries"), ("/hold", "/alive")] {
        let kept = warm.call(&worker, post(keep, Body::stream(Chunks { count: 3, size: 10 })));
        if keep == "/hold" {
            warm.asked("/held").await;
        } else {
            assert_eq!(kept.text().await, "kept");
        }
        let told = warm.call(&worker, get(tries)).text().await;
        let told: HashMap<String, String> = serde_json::from_str(&told).unwrap();
        for (name, got) in &told {
            match name.as_str() {
                "write" => assert_eq!(*got, foreign("Writable"), "{name} {tries}"),
                "url" => assert_eq!(*got, format!("http://tenant.test{keep}")),
                "headers" => assert_eq!(got, "null"),
                "status" => assert_eq!(got, "200"),
                "js" => assert_eq!(got, "js"),
                "blob" => assert_eq!(got, "blob"),
                "digest" => assert_eq!(got, "32"),
                "waitUntil" => assert_eq!(got, "undefined"),
                "pending" | "timer" => assert!(got.starts_with(over), "{name}: {got}"),
                _ => assert_eq!(*got, foreign("ReadableStreamSource>"), "{name} {tries}"),
            }
        }
        let (answer, outcome) = warm.call(&worker, get("/return")).both().await;
        assert_eq!(answer.unwrap_err().to_string(), foreign("ReadableStreamSource>"));
        assert_eq!(outcome.ending, Ending::Exception);
    }
    warm.open("/held");
}
