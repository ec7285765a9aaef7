//! Real wrangler, from npm, against a node of this process: what it prints and how it exits is what a
//! user of Cloudflare knows, and what it uploaded answers.

use std::path::PathBuf;
use std::process::Stdio;

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

use crate::harness::{PATIENCE, TestGateway};
use crate::packages;
use crate::tail::Events;

/// A release of wrangler, and the Node it runs on.
struct Release {
    wrangler: &'static str,
    node: &'static str,
}

/// The oldest that is supported.
const V4_86: Release = Release { wrangler: "4.86.0", node: "20.20.2" };
const V4_164: Release = Release { wrangler: "4.164.0", node: "22.23.3" };

/// Makes each test one of each release.
macro_rules! with_each_release {
    ($($test:ident)*) => {
        with_each_release!(@release v4_86 V4_86 $($test)*);
        with_each_release!(@release v4_164 V4_164 $($test)*);
    };
    (@release $module:ident $release:ident $($test:ident)*) => {
        mod $module {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::$test(&super::$release).await;
            })*
        }
    };
}

with_each_release! {
    a_user_worker_is_deployed_and_answers
    namespaces_are_managed
    a_dispatch_worker_is_deployed_twice_and_deleted
    an_accounts_worker_has_secrets_versions_and_a_way_back
    a_worker_that_others_need_is_deleted_after_naming_them
    static_assets_are_deployed_and_only_changed_files_again
    a_worker_is_tailed
    a_tail_worker_is_deployed_and_told
}

struct Wrangler<'a> {
    node: PathBuf,
    wrangler: PathBuf,
    project: tempfile::TempDir,
    gateway: &'a TestGateway,
}

impl<'a> Wrangler<'a> {
    async fn new(release: &Release, gateway: &'a TestGateway, config: &str, source: &str) -> Option<Self> {
        let node = packages::node(release.node).await?;
        let wrangler = packages::npm(&format!("wrangler@{}", release.wrangler)).await?;
        let project = tempfile::tempdir().unwrap();
        std::fs::write(project.path().join("wrangler.toml"), config).unwrap();
        std::fs::create_dir(project.path().join("src")).unwrap();
        std::fs::write(project.path().join("src/index.ts"), source).unwrap();
        Some(Self { node, wrangler, project, gateway })
    }

    /// Runs one command, which must succeed; what it printed, both streams.
    async fn run(&self, arguments: &[&str]) -> String {
        self.run_with(arguments, "").await
    }

    /// As [`Wrangler::run`], with this on its standard input.
    async fn run_with(&self, arguments: &[&str], input: &str) -> String {
        let (success, text) = self.try_run(arguments, input).await;
        assert!(success, "wrangler {arguments:?}:\n{text}");
        text
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.node);
        command.arg(self.wrangler.join("node_modules/wrangler/bin/wrangler.js")).args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.current_dir(self.project.path()).kill_on_drop(true);
        command
            .env("CLOUDFLARE_API_BASE_URL", format!("http://{}/client/v4", self.gateway.admin_address()))
            .env("CLOUDFLARE_API_TOKEN", self.gateway.token())
            .env("CLOUDFLARE_ACCOUNT_ID", self.gateway.account())
            .env("WRANGLER_SEND_METRICS", "false")
            .env("XDG_CONFIG_HOME", self.project.path())
            .env("NO_COLOR", "1")
            .env("FORCE_COLOR", "0")
            .env("CI", "1");
        command
    }

    async fn try_run(&self, arguments: &[&str], input: &str) -> (bool, String) {
        let mut child = self.command(arguments).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).await.unwrap();
        let output = tokio::time::timeout(std::time::Duration::from_secs(120), child.wait_with_output());
        let output = output.await.expect("wrangler ends in time").unwrap();
        let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        (output.status.success(), text.into_owned())
    }
}

async fn a_user_worker_is_deployed_and_answers(release: &Release) {
    let gateway = TestGateway::start().await;
    let config = "name = \"customer-1\"\nmain = \"src/index.ts\"\ncompatibility_date = \"2026-01-01\"\n[vars]\nGREETING = \"hi\"\n";
    let source = "export default { async fetch(request: Request, env: any): Promise<Response> { return new Response(env.GREETING + ' one') } }";
    let Some(wrangler) = Wrangler::new(release, &gateway, config, source).await else { return };

    let text = wrangler.run(&["deploy", "--dispatch-namespace", "ns"]).await;
    assert!(text.contains("Uploaded customer-1") && text.contains("Dispatch Namespace: ns"), "{text}");
    assert!(text.contains("Current Version ID: ") && !text.contains("Version ID: null"), "{text}");
    gateway.get("customer-1", "/").await.is(200, "hi one");

    std::fs::write(wrangler.project.path().join("src/index.ts"), source.replace("one", "two")).unwrap();
    wrangler.run(&["deploy", "--dispatch-namespace", "ns"]).await;
    gateway.get("customer-1", "/").await.is(200, "hi two");

    // Code that does not start is refused with the engine's message, and the old code goes on.
    std::fs::write(
        wrangler.project.path().join("src/index.ts"),
        "export default {}; throw new RangeError('not today')",
    )
    .unwrap();
    let (success, text) = wrangler.try_run(&["deploy", "--dispatch-namespace", "ns"], "").await;
    assert!(!success && text.contains("RangeError: not today") && text.contains("10021"), "{text}");
    gateway.get("customer-1", "/").await.is(200, "hi two");
}

async fn namespaces_are_managed(release: &Release) {
    let gateway = TestGateway::start().await;
    let Some(wrangler) = Wrangler::new(release, &gateway, "name = \"x\"\n", "").await else { return };
    let text = wrangler.run(&["dispatch-namespace", "create", "prod"]).await;
    assert!(text.contains("Created dispatch namespace \"prod\" with ID"), "{text}");
    wrangler.run(&["dispatch-namespace", "rename", "prod", "live"]).await;
    let text = wrangler.run(&["dispatch-namespace", "list"]).await;
    assert!(text.contains("'live'") && text.contains("'ns'") && !text.contains("'prod'"), "{text}");
    assert!(wrangler.run(&["dispatch-namespace", "get", "live"]).await.contains("namespace_id"));
    wrangler.run(&["dispatch-namespace", "delete", "live"]).await;
    let (success, text) = wrangler.try_run(&["dispatch-namespace", "get", "live"], "").await;
    assert!(!success && text.contains("100119"), "{text}");
    assert!(wrangler.run(&["whoami"]).await.contains(&gateway.account()));
}

async fn a_dispatch_worker_is_deployed_twice_and_deleted(release: &Release) {
    let gateway = TestGateway::dispatching().await;
    gateway
        .upload_with("ns", "tenant", "export default { fetch() { return new Response('tenant here') } }", json!({}))
        .await;
    let config = "name = \"dispatcher\"\nmain = \"src/index.ts\"\nworkers_dev = false\npreview_urls = false\n\
                  compatibility_date = \"2026-01-01\"\n[[dispatch_namespaces]]\nbinding = \"dispatcher\"\nnamespace = \"ns\"\n";
    let source = "export default { async fetch(request: Request, env: any) { const name = new URL(request.url).host.split('.')[0];
        try { return await env.dispatcher.get(name).fetch(request) }
        catch (e: any) { if (e.message.startsWith('Worker not found')) return new Response('none', { status: 404 }); return new Response(e.message, { status: 500 }) } } }";
    let Some(wrangler) = Wrangler::new(release, &gateway, config, source).await else { return };
    assert_eq!(gateway.get("tenant", "/").await.status, 503);
    wrangler.run(&["deploy"]).await;
    gateway.get("tenant", "/").await.is(200, "tenant here");
    gateway.get("nobody", "/").await.is(404, "none");
    // The second time 4.164 sends its binding as `inherit`, 4.86 as it is.
    std::fs::write(wrangler.project.path().join("src/index.ts"), source.replace("'none'", "'nobody'")).unwrap();
    let text = wrangler.run(&["deploy"]).await;
    let shown = if release.wrangler == V4_86.wrangler { "env.dispatcher (ns)" } else { "env.dispatcher (inherited)" };
    assert!(text.contains(shown), "{text}");
    gateway.get("nobody", "/").await.is(404, "nobody");
    gateway.get("tenant", "/").await.is(200, "tenant here");
    wrangler.run(&["delete", "--force"]).await;
    assert_eq!(gateway.get("tenant", "/").await.status, 503);
}

async fn an_accounts_worker_has_secrets_versions_and_a_way_back(release: &Release) {
    let gateway = TestGateway::dispatching().await;
    let config = "name = \"dispatcher\"\nmain = \"src/index.ts\"\nworkers_dev = false\npreview_urls = false\n\
                  compatibility_date = \"2026-01-01\"\n[vars]\nPLAIN = \"plain\"\n";
    let source = "export default { fetch(_: Request, env: any) { return Response.json({ code: 'first', ...env }) } }";
    let Some(wrangler) = Wrangler::new(release, &gateway, config, source).await else { return };
    let answer = async || gateway.get("x", "/").await.json();
    wrangler.run(&["deploy"]).await;
    assert_eq!(answer().await, json!({ "code": "first", "PLAIN": "plain" }));

    wrangler.run_with(&["secret", "put", "KEY"], "value").await;
    assert_eq!(answer().await, json!({ "code": "first", "PLAIN": "plain", "KEY": "value" }));
    std::fs::write(wrangler.project.path().join("bulk.json"), r#"{"A":"1","B":"2"}"#).unwrap();
    wrangler.run(&["secret", "bulk", "bulk.json"]).await;
    wrangler.run(&["secret", "delete", "A"]).await;
    let all = json!({ "code": "first", "PLAIN": "plain", "KEY": "value", "B": "2" });
    assert_eq!(answer().await, all);
    let listed: Value = serde_json::from_str(&wrangler.run(&["secret", "list", "--format", "json"]).await).unwrap();
    assert_eq!(listed, json!([{ "name": "KEY", "type": "secret_text" }, { "name": "B", "type": "secret_text" }]));

    // A deploy keeps secrets; a version goes live when it is deployed; a rollback is to what was before.
    let edited = source.replace("'first'", "'second'");
    std::fs::write(wrangler.project.path().join("src/index.ts"), &edited).unwrap();
    let text = wrangler.run(&["versions", "upload", "--message", "the second"]).await;
    assert_eq!(answer().await, all);
    let version = text.split("Worker Version ID: ").nth(1).unwrap_or_else(|| panic!("{text}"));
    let version = version.split_whitespace().next().unwrap();
    wrangler.run(&["versions", "deploy", &format!("{version}@100"), "--yes", "--message", "go"]).await;
    let second = json!({ "code": "second", "PLAIN": "plain", "KEY": "value", "B": "2" });
    assert_eq!(answer().await, second);
    let text = wrangler.run(&["versions", "list"]).await;
    assert!(text.contains(version) && text.contains("the second"), "{text}");
    assert!(wrangler.run(&["versions", "view", version]).await.contains("env.PLAIN"));
    let text = wrangler.run(&["deployments", "list"]).await;
    assert!(text.contains(version) && text.contains("go"), "{text}");
    assert!(wrangler.run(&["deployments", "status"]).await.contains(version));

    let listed: Value = serde_json::from_str(&wrangler.run(&["deployments", "list", "--json"]).await).unwrap();
    let before = listed.as_array().unwrap().iter().rev().nth(1).unwrap();
    let before = before["versions"][0]["version_id"].as_str().unwrap();
    wrangler.run(&["rollback", before, "--yes", "--message", "back"]).await;
    assert_eq!(answer().await, all, "{listed}");
    wrangler.run(&["delete", "--force"]).await;
    assert_eq!(gateway.get("x", "/").await.status, 503);
}

async fn a_worker_that_others_need_is_deleted_after_naming_them(release: &Release) {
    let gateway = TestGateway::start().await;
    let source = "export default { fetch() { return new Response('api') } }";
    gateway.upload_worker("api", source, json!([])).await;
    let bound = json!([{ "type": "service", "name": "API", "service": "api" }]);
    gateway.upload_worker("front", source, bound.clone()).await;
    gateway.upload_with("ns", "shop", source, json!({ "bindings": bound })).await;
    let Some(wrangler) = Wrangler::new(release, &gateway, "name = \"api\"\n", "").await else { return };
    // Without a terminal it takes its own questions as answered with yes.
    let text = wrangler.run(&["delete"]).await;
    assert!(text.contains("Worker front (production) uses this Worker as a Service Binding"), "{text}");
    assert!(text.contains("Worker ns/shop") && text.contains("Successfully deleted api"), "{text}");
    let text = wrangler.run(&["delete", "--name", "front"]).await;
    assert!(!text.contains("currently in use") && text.contains("Successfully deleted front"), "{text}");
    let (success, text) = wrangler.try_run(&["delete"], "").await;
    assert!(!success && text.contains("10007"), "{text}");
}

async fn static_assets_are_deployed_and_only_changed_files_again(release: &Release) {
    let gateway = TestGateway::start().await;
    let config = "name = \"shop\"\nmain = \"src/index.ts\"\ncompatibility_date = \"2026-01-01\"\n\
                  [assets]\ndirectory = \"public\"\nbinding = \"ASSETS\"\nnot_found_handling = \"404-page\"\n\
                  run_worker_first = [\"/api/*\"]\n";
    let source = "export default { async fetch(request: Request, env: any) {
        const page = await env.ASSETS.fetch(new URL('/about', request.url));
        return new Response('asset: ' + await page.text()) } }";
    let Some(wrangler) = Wrangler::new(release, &gateway, config, source).await else { return };
    let public = wrangler.project.path().join("public");
    std::fs::create_dir(&public).unwrap();
    let files = [
        ("index.html", "home"),
        ("about.html", "about us"),
        ("404.html", "nothing here"),
        ("style.css", "p{}"),
        ("blob.unknownending", "0123456789"),
        ("_headers", "/style.css\n  X-Styled: yes\n"),
        ("_redirects", "/old /about 301\n"),
    ];
    for (name, content) in files {
        std::fs::write(public.join(name), content).unwrap();
    }
    let text = wrangler.run(&["deploy", "--dispatch-namespace", "ns"]).await;
    assert!(text.contains("Uploaded 5 of 5 assets"), "{text}");

    let home = gateway.get("shop", "/").await;
    home.is(200, "home");
    assert_eq!(home.header("content-type"), "text/html; charset=utf-8");
    let etag = home.header("etag").to_owned();
    let known = gateway.send(Method::GET, "shop", "/", &[("if-none-match", &etag)], Bytes::new()).await;
    known.is(304, "");
    gateway.get("shop", "/about").await.is(200, "about us");
    let moved = gateway.get("shop", "/about.html").await;
    assert_eq!((moved.status.as_u16(), moved.header("location")), (307, "/about"));
    let old = gateway.get("shop", "/old").await;
    assert_eq!((old.status.as_u16(), old.header("location")), (301, "/about"));
    let style = gateway.get("shop", "/style.css").await;
    style.is(200, "p{}");
    assert_eq!((style.header("x-styled"), style.header("content-type")), ("yes", "text/css; charset=utf-8"));
    let part = gateway.send(Method::GET, "shop", "/blob.unknownending", &[("range", "bytes=1-3")], Bytes::new()).await;
    part.is(206, "123");
    assert!(!part.headers.contains_key("content-type"), "wrangler says application/null");
    gateway.get("shop", "/api/x").await.is(200, "asset: about us");
    let navigate = gateway.send(Method::GET, "shop", "/none", &[("sec-fetch-mode", "navigate")], Bytes::new()).await;
    navigate.is(404, "nothing here");

    // Again with one file changed: only that one goes over the wire.
    std::fs::write(public.join("index.html"), "new home").unwrap();
    let text = wrangler.run(&["deploy", "--dispatch-namespace", "ns"]).await;
    assert!(text.contains("Uploaded 1 of 1 asset"), "{text}");
    gateway.get("shop", "/").await.is(200, "new home");
    gateway.get("shop", "/about").await.is(200, "about us");

    // Assets alone: no code at all. Nothing is uploaded, the namespace has all files.
    let config = "name = \"site\"\ncompatibility_date = \"2026-01-01\"\n[assets]\ndirectory = \"public\"\n";
    std::fs::write(wrangler.project.path().join("wrangler.toml"), config).unwrap();
    let text = wrangler.run(&["deploy", "--dispatch-namespace", "ns"]).await;
    assert!(!text.contains("Uploaded 5"), "{text}");
    gateway.get("site", "/").await.is(200, "new home");
    gateway.get("site", "/none").await.is(404, "");
}

/// Reads until there is a whole JSON value, which wrangler prints over several lines.
async fn printed(out: &mut tokio::process::ChildStdout, text: &mut Vec<u8>) -> Value {
    loop {
        let mut values = serde_json::Deserializer::from_slice(text).into_iter::<Value>();
        if let Some(Ok(value)) = values.next() {
            let read = values.byte_offset();
            text.drain(..read);
            return value;
        }
        let read = tokio::time::timeout(PATIENCE, out.read_buf(text)).await.expect("an event in time").unwrap();
        assert!(read > 0, "wrangler ended: {}", String::from_utf8_lossy(text));
    }
}

async fn a_worker_is_tailed(release: &Release) {
    let gateway = TestGateway::dispatching().await;
    let source = "export default { fetch(r) { console.log('seen', r.method); if (r.url.endsWith('/throw')) throw new TypeError('boom'); return new Response('ok', { status: 201 }) } }";
    gateway.upload_worker("dispatcher", source, json!([])).await;
    let Some(wrangler) = Wrangler::new(release, &gateway, "name = \"dispatcher\"\n", "").await else { return };
    let mut all = wrangler.command(&["tail", "dispatcher", "--format", "json"]).spawn().unwrap();
    let mut pretty =
        wrangler.command(&["tail", "--format", "pretty", "--status", "error", "--method", "PUT"]).spawn().unwrap();
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !gateway.admin("/metrics").await.text().contains("switchyard_tail_sessions 2\n") {
        assert!(tokio::time::Instant::now() < deadline, "wrangler does not listen");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    gateway.get("x", "/path").await.is(201, "ok");
    assert_eq!(gateway.send(Method::PUT, "x", "/throw", &[], Bytes::new()).await.status, 500);
    let (mut out, mut text) = (all.stdout.take().unwrap(), Vec::new());
    // Two requests end in whichever order.
    let mut events = [printed(&mut out, &mut text).await, printed(&mut out, &mut text).await];
    events.sort_by_key(|event| event["outcome"].to_string());
    let [threw, answered] = &events;
    assert_eq!((&answered["outcome"], &answered["scriptName"]), (&json!("ok"), &json!("dispatcher")));
    assert_eq!(answered["event"]["request"]["url"], "http://x.test/path");
    assert_eq!(
        (&answered["event"]["response"]["status"], &answered["logs"][0]["message"]),
        (&json!(201), &json!(["seen", "GET"]))
    );
    assert_eq!((&threw["outcome"], &threw["exceptions"][0]["name"]), (&json!("exception"), &json!("TypeError")));

    // Ended by the node, it ends by itself.
    let tails = format!("/client/v4/accounts/{}/workers/scripts/dispatcher/tails", gateway.account());
    for tail in gateway.admin(&tails).await.json()["result"].as_array().unwrap() {
        let id = tail["id"].as_str().unwrap();
        gateway.api(Method::DELETE, &format!("{tails}/{id}"), "", Bytes::new()).await;
    }
    let mut shown = String::new();
    let read = pretty.stdout.take().unwrap().read_to_string(&mut shown).await.map(|_| ());
    read.unwrap();
    assert!(shown.contains("PUT http://x.test/throw - Exception Thrown @ "), "{shown}");
    assert!(shown.contains("  (log) seen PUT") && !shown.contains("GET http"), "{shown}");
    for child in [&mut all, &mut pretty] {
        let ended = tokio::time::timeout(PATIENCE, child.wait()).await.expect("it ends in time").unwrap();
        // 4.86 deletes its session without asking whether it is still there.
        assert!(ended.success() || release.wrangler == V4_86.wrangler);
    }
}

async fn a_tail_worker_is_deployed_and_told(release: &Release) {
    let gateway = TestGateway::dispatching().await;
    let config = "name = \"logs\"\nmain = \"src/index.ts\"\ncompatibility_date = \"2026-01-01\"\nworkers_dev = false\n";
    let source = "export default { tail(events: any[]) { for (const e of events) console.log(e.scriptName, e.logs[0]?.message) } }";
    let Some(wrangler) = Wrangler::new(release, &gateway, config, source).await else { return };
    let write = |name: &str, content: &str| std::fs::write(wrangler.project.path().join(name), content).unwrap();
    let producer = config.replace("logs", "dispatcher") + "[[tail_consumers]]\nservice = \"logs\"\n";
    write("wrangler.toml", &producer);
    write(
        "src/index.ts",
        "export default { fetch(r) { console.log('one', { r: r.method }); return new Response('one') } }",
    );
    // Before it is there.
    let (success, text) = wrangler.try_run(&["deploy"], "").await;
    assert!(!success && text.contains("10203") && text.contains("does not exist on this account"), "{text}");
    write("wrangler.toml", config);
    write("src/index.ts", source);
    wrangler.run(&["deploy"]).await;
    let mut told = Events::open(&gateway, "/scripts/logs/tail").await;
    write("wrangler.toml", &producer);
    // The second time by a version, a deployment and its settings.
    for text in ["one", "two"] {
        let source = format!(
            "export default {{ fetch(r) {{ console.log('{text}', {{ r: r.method }}); return new Response('{text}') }} }}"
        );
        write("src/index.ts", &source);
        wrangler.run(&["deploy"]).await;
        gateway.get("x", "/").await.is(200, text);
        let event = told.next().await;
        assert_eq!(event["event"]["consumedEvents"], json!([{ "scriptName": "dispatcher" }]));
        assert_eq!(event["logs"][0]["message"], json!(["dispatcher", [text, { "r": "GET" }]]));
    }
    wrangler.run(&["deploy", "--dispatch-namespace", "ns"]).await;
    let path =
        format!("/client/v4/accounts/{}/workers/dispatch/namespaces/ns/scripts/dispatcher/settings", gateway.account());
    let consumers = gateway.admin(&path).await.json()["result"]["tail_consumers"].clone();
    assert_eq!(consumers[0]["service"], "logs");
}
