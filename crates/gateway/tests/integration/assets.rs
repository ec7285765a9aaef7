//! Static assets as a client sees them: uploaded through the API, served before and by Workers.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Method, Request, header};
use serde_json::{Value, json};

use crate::harness::{Answer, TestGateway};

/// A file of a site: path, media type, content.
type File<'a> = (&'a str, &'a str, &'a [u8]);

/// Any 32 digits that differ with the content will do.
fn hash(content: &[u8]) -> String {
    let step = |sum: u64, byte: &u8| (sum ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
    format!("{:016x}{:016x}", content.iter().fold(0xcbf2_9ce4_8422_2325, step), content.len())
}

fn etag(content: &[u8]) -> String {
    format!("\"{}\"", hash(content))
}

/// Uploads a site: `source` is the Worker's code; without, assets alone. Which hashes had to be sent.
async fn deploy(
    gateway: &TestGateway,
    script: &str,
    files: &[File<'_>],
    source: Option<&str>,
    config: Value,
) -> Vec<String> {
    let account = gateway.account();
    let path = format!("/client/v4/accounts/{account}/workers/dispatch/namespaces/ns/scripts/{script}");
    let entry =
        |(path, _, content): &File<'_>| ((*path).to_owned(), json!({ "hash": hash(content), "size": content.len() }));
    let manifest: serde_json::Map<_, _> = files.iter().map(entry).collect();
    let body = json!({ "manifest": manifest }).to_string();
    let begin = format!("{path}/assets-upload-session");
    let session = gateway.api(Method::POST, &begin, "application/json", body.into()).await;
    assert_eq!(session.status, 200, "{}", session.text());
    let session = session.json()["result"].clone();
    let mut token = session["jwt"].as_str().unwrap().to_owned();
    let mut sent = Vec::new();
    for bucket in session["buckets"].as_array().unwrap() {
        let mut body = String::new();
        for wanted in bucket.as_array().unwrap() {
            let wanted = wanted.as_str().unwrap();
            let (_, kind, content) = files.iter().find(|(_, _, content)| hash(content) == wanted).unwrap();
            body += &format!(
                "--b\r\nContent-Disposition: form-data; name=\"{wanted}\"; filename=\"{wanted}\"\r\n\
                 Content-Type: {kind}\r\n\r\n{}\r\n",
                STANDARD.encode(content)
            );
            sent.push(wanted.to_owned());
        }
        body += "--b--\r\n";
        let to = format!("/client/v4/accounts/{account}/workers/assets/upload?base64=true");
        let request = Request::post(format!("http://{}{to}", gateway.admin_address()))
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=b");
        let answer = gateway.request(request.body(body.into()).unwrap()).await;
        if answer.status == 201 {
            token = answer.json()["result"]["jwt"].as_str().unwrap().to_owned();
        } else {
            assert_eq!(answer.status, 202, "{}", answer.text());
        }
    }
    let mut metadata = json!({ "assets": { "jwt": token, "config": config }, "compatibility_date": "2026-01-01" });
    let mut module = String::new();
    if let Some(source) = source {
        metadata["main_module"] = "index.js".into();
        metadata["bindings"] = json!([{ "name": "ASSETS", "type": "assets" }]);
        module = format!(
            "--b\r\nContent-Disposition: form-data; name=\"index.js\"; filename=\"index.js\"\r\n\
             Content-Type: application/javascript+module\r\n\r\n{source}\r\n"
        );
    }
    let body =
        format!("--b\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\r\n{metadata}\r\n{module}--b--\r\n");
    let answer = gateway.api(Method::PUT, &path, "multipart/form-data; boundary=b", body.into()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    sent
}

async fn with(gateway: &TestGateway, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
    gateway.send(method, "shop", path, headers, Bytes::new()).await
}

const HTML: &str = "text/html; charset=utf-8";

#[tokio::test(flavor = "multi_thread")]
async fn a_site_without_a_worker() {
    let gateway = TestGateway::start().await;
    let files: [File<'_>; 5] = [
        ("/index.html", HTML, b"<h1>home</h1>"),
        ("/about.html", HTML, b"about"),
        ("/404.html", HTML, b"nothing here"),
        ("/data.bin", "application/null", b"0123456789"),
        ("/empty.txt", "text/plain", b""),
    ];
    let config = json!({
        "not_found_handling": "404-page",
        "_headers": "/about\n  X-Page: about\n/*\n  X-All: yes\n",
        "_redirects": "/old/* /about 301\n/ext https://example.com/x\n/inner /about 200\n",
    });
    deploy(&gateway, "shop", &files, None, config).await;

    let home = gateway.get("shop", "/").await;
    home.is(200, "<h1>home</h1>");
    assert_eq!(home.header("etag"), etag(b"<h1>home</h1>"));
    assert_eq!(home.header("content-type"), HTML);
    assert_eq!(home.header("cache-control"), "public, max-age=0, must-revalidate");
    assert_eq!((home.header("x-all"), home.header("x-page")), ("yes", ""));
    assert_eq!(home.header("content-length"), "13");
    let about = gateway.get("shop", "/about").await;
    about.is(200, "about");
    assert_eq!(about.header("x-page"), "about");
    for (path, status, location) in [
        ("/about.html?q=1", 307, "/about?q=1"),
        ("/index.html", 307, "/"),
        ("/old/x/y?z=1", 301, "/about?z=1"),
        ("/ext", 302, "https://example.com/x"),
    ] {
        let answer = gateway.get("shop", path).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (status, location), "{path}");
    }
    gateway.get("shop", "/inner").await.is(200, "about");
    gateway.get("shop", "/empty").await.is(404, "nothing here");
    gateway.get("shop", "/empty.txt").await.is(200, "");
    let missing = gateway.get("shop", "/no/such/page").await;
    missing.is(404, "nothing here");
    assert_eq!(missing.header("etag"), etag(b"nothing here"));

    let data = gateway.get("shop", "/data.bin").await;
    data.is(200, "0123456789");
    assert!(!data.headers.contains_key("content-type"));
    let part = with(&gateway, Method::GET, "/data.bin", &[("range", "bytes=2-4")]).await;
    part.is(206, "234");
    assert_eq!(part.header("content-range"), "bytes 2-4/10");
    assert_eq!(part.header("content-length"), "3");
    let beyond = with(&gateway, Method::GET, "/data.bin", &[("range", "bytes=10-")]).await;
    assert_eq!((beyond.status.as_u16(), beyond.header("content-range")), (416, "bytes */10"));
    let known = with(&gateway, Method::GET, "/data.bin", &[("if-none-match", &etag(b"0123456789"))]).await;
    known.is(304, "");
    let head = with(&gateway, Method::HEAD, "/data.bin", &[]).await;
    head.is(200, "");
    assert_eq!(head.header("content-length"), "10");
    let post = gateway.post("shop", "/", "x").await;
    assert_eq!((post.status.as_u16(), post.header("allow")), (405, "GET, HEAD"));
}

const WORKER: &str = "export default { async fetch(request, env) {
    const url = new URL(request.url);
    if (url.pathname === '/api/asset') {
        const answer = await env.ASSETS.fetch('http://any.host' + url.searchParams.get('of'), { redirect: 'manual' });
        return new Response(`${answer.status} ${answer.headers.get('location') ?? await answer.text()}`);
    }
    if (url.pathname === '/api/follow') {
        const answer = await env.ASSETS.fetch('http://any.host' + url.searchParams.get('of'));
        return new Response(`${answer.status} ${answer.url} ${answer.redirected} ${(await answer.text()).length}`);
    }
    if (url.pathname === '/api/pass') return env.ASSETS.fetch(new Request('http://any.host/large.bin', request));
    return new Response('worker ' + request.method + ' ' + url.pathname);
} }";

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_behind_its_assets() {
    let gateway = TestGateway::start().await;
    let large: Vec<u8> = (0..700_000u32).map(|n| (n % 251) as u8).collect();
    let files: [File<'_>; 4] = [
        ("/index.html", HTML, b"home"),
        ("/about.html", HTML, b"about"),
        ("/api/docs.html", HTML, b"docs"),
        ("/large.bin", "application/octet-stream", &large),
    ];
    let config = json!({ "run_worker_first": ["/api/*", "!/api/docs"] });
    deploy(&gateway, "shop", &files, Some(WORKER), config.clone()).await;

    gateway.get("shop", "/").await.is(200, "home");
    gateway.get("shop", "/api/docs").await.is(200, "docs");
    gateway.get("shop", "/api/other").await.is(200, "worker GET /api/other");
    gateway.get("shop", "/none").await.is(200, "worker GET /none");
    gateway.post("shop", "/none", "x").await.is(200, "worker POST /none");
    gateway.get("shop", "/api/asset?of=/about").await.is(200, "200 about");
    gateway.get("shop", "/api/asset?of=/about.html").await.is(200, "307 /about");
    gateway.get("shop", "/api/asset?of=/none").await.is(200, "404 ");
    gateway.get("shop", "/api/follow?of=/about.html").await.is(200, "200 http://any.host/about true 5");
    gateway.get("shop", "/api/follow?of=/large.bin").await.is(200, "200 http://any.host/large.bin false 700000");
    // Large: in chunks, to a client and through the Worker.
    assert!(gateway.get("shop", "/large.bin").await.bytes == large);
    assert!(gateway.get("shop", "/api/pass").await.bytes == large);
    let part = with(&gateway, Method::GET, "/api/pass", &[("range", "bytes=300000-600000")]).await;
    assert_eq!(part.status, 206);
    assert!(part.bytes == large[300_000..=600_000]);

    // Again, with one file changed: only that is sent, and the new one is live at once.
    let mut changed = files;
    changed[0].2 = b"new home";
    let sent = deploy(&gateway, "shop", &changed, Some(WORKER), config).await;
    assert_eq!(sent, [hash(b"new home")]);
    gateway.get("shop", "/").await.is(200, "new home");

    let config = json!({ "run_worker_first": true });
    assert!(deploy(&gateway, "shop", &changed, Some(WORKER), config).await.is_empty());
    gateway.get("shop", "/").await.is(200, "worker GET /");
    let config = json!({ "not_found_handling": "single-page-application" });
    deploy(&gateway, "shop", &changed, Some(WORKER), config).await;
    gateway.get("shop", "/none").await.is(200, "worker GET /none");
    with(&gateway, Method::GET, "/none", &[("sec-fetch-mode", "navigate")]).await.is(200, "new home");
    gateway.get("shop", "/api/asset?of=/none").await.is(200, "200 new home");

    // From the sealed file, and the manifest read anew.
    let data = gateway.stop().await;
    let gateway = TestGateway::on(data, |_| {}).await.unwrap();
    gateway.get("shop", "/api/asset?of=/about").await.is(200, "200 about");
}

#[tokio::test(flavor = "multi_thread")]
async fn through_a_dispatch_worker_and_after_a_restart() {
    let gateway = TestGateway::dispatching().await;
    deploy(&gateway, "shop", &[("/index.html", HTML, b"home")], None, json!({})).await;
    let dispatcher = "export default { async fetch(request, env) {
        const answer = await env.d.get('shop').fetch(request);
        return new Response(answer.status + ' ' + await answer.text());
    } }";
    let bindings = json!([{ "type": "dispatch_namespace", "name": "d", "namespace": "ns" }]);
    gateway.upload_worker("dispatcher", dispatcher, bindings).await;
    gateway.get("any", "/").await.is(200, "200 home");
    gateway.get("any", "/none").await.is(200, "404 ");
    let data = gateway.stop().await;
    let gateway = TestGateway::on(data, |_| {}).await.unwrap();
    gateway.get("shop", "/").await.is(200, "home");
    gateway.get("shop", "/none").await.is(404, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_node_bounds_what_is_uploaded() {
    let gateway = TestGateway::with(|config| (config.limits.assets, config.limits.asset_bytes) = (2, 10)).await;
    let path = format!("/client/v4/accounts/{}/workers/scripts/shop/assets-upload-session", gateway.account());
    let hash = hash(b"x");
    for (manifest, rule) in [
        (json!({ "/a": { "hash": hash, "size": 11 } }), "at most 10 are allowed"),
        (
            json!({ "/a": { "hash": hash, "size": 1 }, "/b": { "hash": hash, "size": 1 }, "/c": { "hash": hash, "size": 1 } }),
            "at most 2 are allowed",
        ),
    ] {
        let body = json!({ "manifest": manifest }).to_string();
        let answer = gateway.api(Method::POST, &path, "application/json", body.into()).await;
        assert!(answer.status == 400 && answer.text().contains(rule), "{}", answer.text());
    }
}
