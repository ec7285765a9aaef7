//! HTMLRewriter through a whole node: every probe answers as on workerd, pages flow while they are rewritten, and a
//! page costs its tenant what it costs.

use bytes::Bytes;
use http::Method;
use http_body_util::BodyExt;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::harness::{PATIENCE, TestGateway, read_until};
use crate::workerd;

/// Rewrites what it is sent.
const MARKS: &str = "let n = 0;
    const rewriter = new HTMLRewriter().on('p', { element(e) { e.setAttribute('n', String(++n)); } })
      .on('b', { async element(e) { await scheduler.wait(1); e.after(`after ${e.tagName}`); } })
      .onDocument({ end(e) { e.append('<end>', { html: true }); } });
    export default { fetch: r => rewriter.transform(new Response(r.body, { status: 203,
      headers: { 'content-type': 'text/html', 'content-length': '3', 'x-kept': 'yes' } })) };";

#[tokio::test]
async fn probes_answer_as_on_workerd() {
    workerd::probes_of("html").await;
}

#[tokio::test]
async fn a_rewriter_made_by_module_code_serves_every_request() {
    let gateway = TestGateway::start().await;
    gateway.upload("ns", "marks", MARKS).await;
    for _ in 0..2 {
        let answer = gateway.post("marks", "/", "<p>1<p>2<b>x</b>").await;
        answer.is(203, "<p n=\"1\">1<p n=\"2\">2<b>x</b>after b<end>");
        assert_eq!((answer.header("x-kept"), answer.header("content-length")), ("yes", ""));
    }
    // No body is no page.
    gateway.post("marks", "/", "").await.is(203, "");
}

#[tokio::test]
async fn a_page_comes_out_while_it_goes_in() {
    let gateway = TestGateway::start().await;
    gateway.upload("ns", "marks", MARKS).await;
    let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
    let head = "POST / HTTP/1.1\r\nHost: marks.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<p>x<\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    read_until(&mut stream, "<p n=\"1\">x").await;
    stream.write_all(b"9\r\nb>y</b>z\n\r\n").await.unwrap();
    read_until(&mut stream, "<b>y</b>after bz").await;
    stream.write_all(b"0\r\n\r\n").await.unwrap();
    read_until(&mut stream, "<end>\r\n0\r\n\r\n").await;
}

#[tokio::test]
async fn a_dispatch_worker_rewrites_what_its_tenants_answer() {
    let gateway = TestGateway::dispatching().await;
    let source = "export default { async fetch(request, env) {
        const page = await env.dispatcher.get(new URL(request.url).host.split('.')[0]).fetch(request);
        return new HTMLRewriter().on('body', { element(e) { e.append('<i>served</i>', { html: true }); } }).transform(page);
    } };";
    let binding = json!([{ "name": "dispatcher", "type": "dispatch_namespace", "namespace": "ns" }]);
    gateway.upload_worker("dispatcher", source, binding).await;
    for name in ["one", "two"] {
        // One whole, one in pieces.
        let page = format!("'<body>', '{name} '.repeat(50_000), '</body>'");
        let body = match name {
            "one" => format!("[{page}].join('')"),
            _ => format!(
                "new ReadableStream({{ async start(c) {{ for (const part of [{page}]) {{ await scheduler.wait(1);
                   c.enqueue(new TextEncoder().encode(part)); }} c.close(); }} }})"
            ),
        };
        gateway.upload("ns", name, &format!("export default {{ fetch: () => new Response({body}) }};")).await;
    }
    let pages = futures_util::future::join_all((0..8).map(|n| gateway.get(["one", "two"][n % 2], "/"))).await;
    for (n, page) in pages.iter().enumerate() {
        let word = format!("{} ", ["one", "two"][n % 2]);
        page.is(200, &format!("<body>{}<i>served</i></body>", word.repeat(50_000)));
    }
}

#[tokio::test]
async fn a_handler_that_fails_cuts_the_page() {
    let gateway = TestGateway::start().await;
    let source = "export default { fetch: r => new HTMLRewriter().on('p', { element(e) {
        if (e.getAttribute('n') === '2') throw new Error('mine'); e.after('.'); } }).transform(new Response(
        new ReadableStream({ async pull(c) { await scheduler.wait(1); c.enqueue(new TextEncoder().encode(`<p n=${++n}>first`)); } }))) };
        let n = 0;";
    gateway.upload("ns", "x", source).await;
    let raw = gateway.raw("GET / HTTP/1.1\r\nHost: x.test\r\n\r\n").await;
    assert!(raw.contains("<p n=1>first") && !raw.contains("n=2") && !raw.ends_with("0\r\n\r\n"), "{raw}");
}

#[tokio::test]
async fn a_client_that_leaves_ends_the_page() {
    let gateway = TestGateway::with(|config| config.limits.requests_per_script = 1).await;
    let source = "export default { fetch(r) {
        if (r.url.endsWith('/ok')) return new Response('ok');
        const endless = new ReadableStream({ pull: c => c.enqueue(new TextEncoder().encode('<p>x</p>'.repeat(1000))) });
        const never = r.url.endsWith('/never');
        let n = 0;
        return new HTMLRewriter().on('p', { element(e) {
            if (never && ++n > 1000) { setTimeout(() => {}, 60000); return new Promise(() => {}); } } }).transform(new Response(endless));
    } };";
    gateway.upload("ns", "x", source).await;
    for path in ["/", "/never"] {
        let mut response = gateway.open(Method::GET, "x", path, &[], Bytes::new()).await;
        response.body_mut().frame().await.unwrap().unwrap();
        assert_eq!(gateway.get("x", "/ok").await.status, 429);
        drop(response);
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while gateway.get("x", "/ok").await.status != 200 {
            assert!(tokio::time::Instant::now() < deadline, "{path}: the place did not come back");
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }
}

#[tokio::test]
async fn a_page_is_charged_to_its_tenant() {
    let gateway = TestGateway::start().await;
    // Nothing of the script's own runs but the reading: what takes long is the parser.
    let source = "const page = new TextEncoder().encode('<a><b></b>'.repeat(200) + '</a>'.repeat(200));
        export default { async fetch(r) {
            if (r.url.endsWith('/quick')) return new Response('quick');
            const rewriter = new HTMLRewriter();
            for (let i = 0; i < 1000; i++) rewriter.on(`b[x${i}=y]`, { element() {} });
            const endless = new ReadableStream({ pull: c => c.enqueue(page.slice()) });
            for await (const part of rewriter.transform(new Response(endless)).body);
        } };";
    gateway.upload_with("ns", "burner", source, json!({ "limits": { "cpu_ms": 200 } })).await;
    let (burnt, quick) = tokio::join!(gateway.get("burner", "/"), gateway.get("burner", "/quick"));
    assert_eq!(burnt.status, 503, "{}", burnt.text());
    quick.is(200, "quick");
}

#[tokio::test]
async fn handlers_run_in_the_context_of_transform() {
    let gateway = TestGateway::start().await;
    let source = "import { AsyncLocalStorage } from 'node:async_hooks';
        const store = new AsyncLocalStorage();
        const rewriter = store.run('on', () => new HTMLRewriter().on('p', {
          element(e) { e.append(store.getStore() ?? 'none'); e.onEndTag(async (end) => { await null; end.before(store.getStore() ?? 'none'); }); } }));
        export default { async fetch() {
          let page;
          const input = new ReadableStream({ start(c) { page = c; } });
          const out = store.run('transform', () => rewriter.transform(new Response(input)));
          store.run('input', () => { page.enqueue(new TextEncoder().encode('<p>x</p>')); page.close(); });
          return store.run('read', async () => new Response(`${await out.text()} ${store.getStore()}`));
        } };";
    gateway.upload_with("ns", "x", source, json!({ "compatibility_flags": ["nodejs_compat"] })).await;
    gateway.get("x", "/").await.is(200, "<p>xtransformtransform</p> read");
}

#[tokio::test]
async fn flags_change_what_they_name() {
    let gateway = TestGateway::start().await;
    // As workerd answers with and without them.
    let source = "const gzip = Uint8Array.from('1f8b0800000000000003cb48cdc9c9070086a6103605000000'.match(/../g), (pair) => parseInt(pair, 16));
        const inflate = (bytes) => new Response(new Response(bytes).body.pipeThrough(new DecompressionStream('gzip'))).text().catch((error) => error.message);
        export default { async fetch() {
          const page = new HTMLRewriter().on('esi\\\\:include', { element(e) { e.replace('E'); } })
            .transform(new Response('<p><esi:include src=x/>y</p>'));
          return Response.json([await page.text(), await inflate(new Uint8Array([...gzip, 0])), await inflate(gzip.subarray(0, 14)), await inflate(new Uint8Array())]);
        } };";
    let trailing = "Trailing bytes after end of compressed data";
    let cut = "Called close() on a decompression stream with incomplete data";
    gateway.upload("ns", "without", source).await;
    assert_eq!(gateway.get("without", "/").await.json(), json!(["<p>E", trailing, cut, cut]));
    let flags = json!({ "compatibility_flags": ["html_rewriter_treats_esi_include_as_void_tag", "no_strict_compression_checks"] });
    gateway.upload_with("ns", "with", source, flags).await;
    assert_eq!(gateway.get("with", "/").await.json(), json!(["<p>Ey</p>", "hello", "hel", ""]));
}
