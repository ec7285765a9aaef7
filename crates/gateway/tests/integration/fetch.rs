//! Fetch: its classes, forms and the network answer as on workerd.

use serde_json::{Value, json};
use switchyard_gateway::config::Resolver;
use tokio::io::AsyncReadExt;

use crate::fetch_origin;
use crate::harness::TestGateway;
use crate::workerd;

#[tokio::test]
async fn classes_answer_as_on_workerd() {
    workerd::probes_of("fetch").await;
}

#[tokio::test]
async fn forms_answer_as_on_workerd() {
    workerd::probes_of("forms").await;
}

#[tokio::test]
async fn the_network_answers_as_on_workerd() {
    let gateway = TestGateway::with(|config| config.egress.private = true).await;
    let origin = fetch_origin::start().await;
    workerd::compared("fetch", "network", &format!("/?origin=http://{origin}"), &[], &gateway).await;
}

/// What a Worker of that date sees.
async fn told(gateway: &TestGateway, date: &str, flags: &[&str]) -> Value {
    let source = "const bytes = (text) => new TextEncoder().encode(text);
        const attempt = async (run) => { try { return String(await run()) } catch (e) { return e.name } };
        const part = '--B\\r\\nContent-Disposition: form-data; name=\"a\"; filename=\"f\"\\r\\n\\r\\nx\\r\\n--B--';
        const form = { headers: { 'content-type': 'multipart/form-data; boundary=B' } };
        export default { async fetch() { return Response.json(await Promise.all([
          () => new Response('\\ufeffa').text().then((text) => text.length),
          () => new Response((function* () { yield bytes('a'); yield bytes('b') })()).text(),
          () => new Response([bytes('a'), bytes('b')]).text(),
          () => new Response(['a']).text(),
          () => new Response(new String('xy')).text(),
          () => new Response({ toString: () => 'own', *[Symbol.iterator]() {} }).text(),
          () => new Request('http://a/', { method: 'patch' }).method,
          () => new Request('http://a/', { cache: 'no-store' }).cache,
          () => new Request('http://a/', { cache: 'no-cache' }).cache,
          async () => (await new Response('x', { headers: { 'content-type': 'A/B; c=D' } }).blob()).type,
          async () => typeof (await new Response(part, form).formData()).get('a'),
        ].map(attempt))) } }";
    let metadata = serde_json::json!({ "compatibility_date": date, "compatibility_flags": flags });
    gateway.upload_with("ns", "dated", source, metadata).await;
    gateway.get("dated", "/").await.json()
}

/// As workerd, asked by hand.
#[tokio::test]
async fn dates_and_flags_are_obeyed() {
    let gateway = TestGateway::start().await;
    let generator = "[object Generator]";
    for (date, flags, wanted) in [
        (
            "2024-01-01",
            &[][..],
            ["2", generator, "97,98", "a", "xy", "own", "TypeError", "Error", "Error", "A/B; c=D", "object"],
        ),
        (
            "2025-01-01",
            &[],
            ["2", generator, "97,98", "a", "xy", "own", "PATCH", "no-store", "TypeError", "a/b;c=D", "object"],
        ),
        (
            "2026-01-20",
            &[],
            ["1", generator, "97,98", "a", "xy", "own", "PATCH", "no-store", "no-cache", "a/b;c=D", "object"],
        ),
        (
            "2026-03-01",
            &[],
            ["1", "ab", "ab", "TypeError", "xy", "own", "PATCH", "no-store", "no-cache", "a/b;c=D", "object"],
        ),
        (
            "2026-03-01",
            &[
                "do_not_strip_bom_in_read_all_text",
                "no_fetch_iterable_type_support",
                "formdata_parser_converts_files_to_strings",
            ],
            ["2", generator, "97,98", "a", "xy", "own", "PATCH", "no-store", "no-cache", "a/b;c=D", "string"],
        ),
    ] {
        assert_eq!(told(&gateway, date, flags).await, serde_json::json!(wanted), "{date} {flags:?}");
    }
}

/// As on workerd, asked by hand: what bindings had before 2024-03-26.
#[tokio::test]
async fn a_fetcher_of_an_older_worker_gets_puts_and_deletes() {
    let gateway = TestGateway::with(|config| config.resolver = vec![Resolver::worker("caller")]).await;
    let called = "export default { async fetch(r) {
        const { pathname } = new URL(r.url);
        if (pathname === '/missing') return new Response('', { status: 404 });
        if (pathname === '/broken') return new Response('', { status: 500 });
        return Response.json([r.method, r.url, await r.text(), r.headers.get('content-type')]) } }";
    gateway.upload_worker("called", called, json!([])).await;
    let source = "export default { async fetch(r, { TO }) {
        const told = [];
        for (const run of [
          () => TO.get('http://x/p'), () => TO.get('http://x/p', 'json'), async () => (await TO.get('http://x/p', 'arrayBuffer')).byteLength,
          async () => String(await TO.get('http://x/p', 'stream')), () => TO.get('http://x/p', 'nope'), () => TO.get('http://x/missing'),
          () => TO.get('http://x/broken'), () => TO.get(), () => TO.put('http://x/p', 'value'), () => TO.put('http://x/broken', 'value'),
          () => TO.delete('http://x/p'), () => TO.delete('http://x/missing'),
        ]) try { told.push(await run() ?? null) } catch (e) { told.push(`${e.name}: ${e.message}`) }
        return Response.json([typeof TO.get, told]) } }";
    let bindings = json!([{ "type": "service", "name": "TO", "service": "called" }]);
    for (date, there) in [("2024-03-25", true), ("2024-03-26", false)] {
        gateway.upload_worker_of(date, "caller", source, bindings.clone()).await;
        let told = gateway.get("any", "/").await.json();
        if !there {
            assert_eq!(told[0], "undefined");
            continue;
        }
        let got = r#"["GET","http://x/p","",null]"#;
        let wanted = json!([
            got,
            ["GET", "http://x/p", "", null],
            got.len(),
            "[object Object]", // without tags, at that date
            "TypeError: Unknown response type. Possible types are \"text\", \"arrayBuffer\", \"json\", and \"stream\".",
            null,
            "Error: HTTP GET request failed: 500 Internal Server Error",
            "TypeError: Failed to execute 'get' on 'Fetcher': parameter 1 is not of type 'string'.",
            null,
            "Error: HTTP PUT request failed: 500 Internal Server Error",
            null,
            "Error: HTTP DELETE request failed: 404 Not Found",
        ]);
        assert_eq!(told, json!(["function", wanted]));
    }
}

#[tokio::test]
async fn a_body_that_is_encoded_already_or_that_nobody_reads_stays_as_it_is() {
    let gateway = TestGateway::with(|config| config.egress.private = true).await;
    let origin = fetch_origin::start().await;
    let gzip = "1f8b08000000000002032b484cce4e4d010010b4f62106000000";
    let source = format!(
        "const bytes = Uint8Array.fromHex('{gzip}');
        const say = 'http://{origin}/say?' + encodeURIComponent(JSON.stringify({{ hex: '{gzip}', headers: [['content-encoding', 'gzip']] }}));
        const headers = {{ 'content-encoding': 'gzip' }};
        export default {{ async fetch(r) {{
          switch (new URL(r.url).pathname) {{
            case '/manual': return new Response(bytes, {{ headers, encodeBody: 'manual' }});
            case '/automatic': return new Response('packed', {{ headers }});
            case '/remade': return new Response(bytes, new Response(null, {{ headers, encodeBody: 'manual' }}));
            case '/passed': return fetch(say);
            case '/rebuilt': {{
              const response = await fetch(say);
              return new Response(response.body, response);
            }}
            case '/read': {{
              const response = await fetch(say);
              return new Response((await response.text()).replace('x', 'y'), response);
            }}
            case '/doubled': return (await fetch(say)).clone();
            default: return fetch(say, {{ encodeResponseBody: 'manual' }});
          }}
        }} }}"
    );
    gateway.upload("ns", "codes", &source).await;
    for path in ["/manual", "/remade", "/raw", "/passed", "/rebuilt"] {
        let answer = gateway.get("codes", path).await;
        let hex: String = answer.bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!((answer.header("content-encoding"), hex.as_str()), ("gzip", gzip), "{path}");
    }
    for path in ["/automatic", "/read", "/doubled"] {
        let answer = gateway.get("codes", path).await;
        assert_eq!(answer.header("content-encoding"), "gzip", "{path}");
        let mut text = String::new();
        let mut decoder = async_compression::tokio::bufread::GzipDecoder::new(&answer.bytes[..]);
        decoder.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "packed", "{path}");
    }
}
