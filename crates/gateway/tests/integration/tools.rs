//! The command line's tools, through the binary, on a real node.

use std::path::Path;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::harness::{PATIENCE, data};
use crate::origin::Origin;
use crate::process::{dev, get, line, switchyard};

pub struct Node {
    pub data: tempfile::TempDir,
    pub gateway: String,
    pub admin: String,
    child: Child,
}

pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub error: String,
}

impl Said {
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!((self.code, self.error.as_str()), (Some(0), ""), "{}", self.out);
        self.out
    }

    #[track_caller]
    pub fn json(self) -> Value {
        serde_json::from_str(&self.ok()).unwrap()
    }

    #[track_caller]
    pub fn fails(self, with: &str) {
        assert_eq!((self.code, self.out.as_str()), (Some(1), ""), "{}", self.error);
        assert!(self.error.starts_with("error: ") && self.error.contains(with), "{}", self.error);
    }
}

pub async fn say(mut command: Command) -> Said {
    let output = tokio::time::timeout(PATIENCE, command.output()).await.expect("it ends in time").unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code(), out: text(output.stdout), error: text(output.stderr) }
}

impl Node {
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    pub async fn with(more: &[&str]) -> Self {
        Self::on(data().await, more).await
    }

    pub async fn on(data: tempfile::TempDir, more: &[&str]) -> Self {
        let (child, mut lines) = dev(data.path(), &[&["--no-samples"], more].concat()).await;
        let ready = line(&mut lines).await;
        let (gateway, admin) = ready.strip_prefix("ready gateway=").unwrap().split_once(" admin=").unwrap();
        Self { gateway: gateway.to_owned(), admin: admin.to_owned(), data, child }
    }

    /// With the data folder alone to go by.
    pub async fn run(&self, arguments: &[&str]) -> Said {
        let data = self.data.path().to_str().unwrap();
        say(switchyard(&[arguments, &["--data", data]].concat())).await
    }

    pub async fn answers(&self, script: &str) -> String {
        get(&format!("{}/", self.gateway), &format!("{script}.localhost")).await.1
    }

    pub async fn stop(mut self) -> tempfile::TempDir {
        let id = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").arg(id).status().await.unwrap().success());
        tokio::time::timeout(PATIENCE, self.child.wait()).await.expect("it ends in time").unwrap();
        self.data
    }
}

pub fn file(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_origin_is_deployed_and_rolled_back() {
    let node = Node::with(&["--allow-upstream", "127.0.0.1,10.0.0.0/8"]).await;
    let (one, two) = (Origin::start("one").await, Origin::start("two").await);
    let first = node.run(&["deploy", "dev/o", "--upstream", &one.url(), "--tag", "gold"]).await.ok();
    assert!(first.starts_with("deployed dev/o (version ") && first.ends_with("proxied to 1 origins)\n"), "{first}");
    assert_eq!(node.answers("o").await, "one");
    let heavy = format!("{};weight=3", two.url());
    let more = ["--health-path", "/up", "--upstream-host", "origin"];
    let url = one.url();
    let both = [&["deploy", "dev/o", "--upstream", &url, "--upstream", &heavy], &more[..]].concat();
    node.run(&both).await.ok();
    let shown = node.run(&["script", "get", "dev/o", "--json"]).await.json();
    let origins = serde_json::json!([{ "url": one.url(), "weight": 1 }, { "url": two.url(), "weight": 3 }]);
    assert_eq!((&shown["upstream"]["origins"], &shown["upstream"]["host"]), (&origins, &"origin".into()));
    assert_eq!((&shown["upstream"]["health"]["path"], &shown["tags"][0]), (&"/up".into(), &"gold".into()));
    assert_eq!(node.answers("o").await, "two");
    node.run(&["rollback", "dev/o"]).await.ok();
    for _ in 0..4 {
        assert_eq!(node.answers("o").await, "one");
    }
    node.run(&["deploy", "dev/o", "--upstream", "http://10.0.0.1/x"]).await.fails("[code: 10021]");
    node.run(&["deploy", "dev/o", "--upstream", "http://192.168.0.1"]).await.fails("[upstream] allow");
    for (wrong, said) in [
        (&["--upstream", "http://10.0.0.1;weight=x"][..], "is not URL or URL;weight=N"),
        (&["--upstream", "http://10.0.0.1", "x.js"], "cannot be used with"),
        (&["--upstream", "http://10.0.0.1", "--var", "A=b"], "cannot be used with"),
        (&["x.js", "--health-path", "/up"], "cannot be used with"),
        (&["--health-path", "/up"], "--upstream"),
        (&[], "required"),
    ] {
        let wrong = node.run(&[&["deploy", "dev/o"], wrong].concat()).await;
        assert!(wrong.code != Some(0) && wrong.error.contains(said), "{}", wrong.error);
    }
    node.stop().await;
}

#[tokio::test]
async fn a_component_is_deployed_by_the_program_that_compiles_it() {
    let node = Node::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hello.wasm");
    std::fs::write(&path, crate::component_upload::hello()).unwrap();
    let deployed = node.run(&["deploy", "dev/c", path.to_str().unwrap(), "--json"]).await.json();
    assert_eq!(deployed["handlers"], serde_json::json!(["fetch"]));
    assert_eq!(node.answers("c").await, "hello from a component\n");
    std::fs::write(&path, b"\0asm\x01\0\0\0").unwrap();
    node.run(&["deploy", "dev/c", path.to_str().unwrap()]).await.fails("a core WebAssembly module, not a component");
    node.stop().await;
}

#[tokio::test]
async fn a_script_is_deployed_rolled_back_and_deleted() {
    let node = Node::start().await;
    let folder = tempfile::tempdir().unwrap();
    let lib = file(folder.path(), "lib/part.js", "export const part = 'part';");
    let main = file(
        folder.path(),
        "index.js",
        "import { part } from './lib/part.js'; export default { fetch(r, env) { return new Response([part, env.A, env.KEY, env.FROM].join()) } }",
    );
    let deployed =
        node.run(&["deploy", "dev/one", &main, &lib, "--var", "A=1=2", "--secret", "KEY=k", "--tag", "gold"]).await;
    assert!(deployed.ok().starts_with("deployed dev/one (version "));
    assert_eq!(node.answers("one").await, "part,1=2,k,");
    // The secret stays, the variable is what is said now; a value from the environment.
    let data = node.data.path().to_str().unwrap();
    let mut command =
        switchyard(&["deploy", "dev/one", &lib, "--main", &main, "--secret", "FROM", "--json", "--data", data]);
    command.env("FROM", "outside");
    let second: Value = say(command).await.json();
    assert_eq!(node.answers("one").await, "part,,k,outside");

    let list = node.run(&["script", "list", "dev", "--json"]).await.json();
    assert_eq!((&list[0]["id"], &list[0]["tags"][0]), (&"one".into(), &"gold".into()));
    assert!(node.run(&["script", "list", "dev"]).await.ok().starts_with("NAME  MODIFIED"));
    assert!(node.run(&["script", "list", "dev", "--tags", "gold:no"]).await.ok().lines().count() == 1);
    let shown = node.run(&["script", "get", "dev/one", "--json"]).await.json();
    assert_eq!(shown["etag"], second["etag"]);

    assert!(node.run(&["rollback", "dev/one"]).await.ok().starts_with("dev/one is at version "));
    assert_eq!(node.answers("one").await, "part,1=2,k,");
    let newest = second["deployment_id"].as_str().unwrap();
    node.run(&["rollback", "dev/one", newest]).await.ok();
    assert_eq!(node.answers("one").await, "part,,k,outside");
    node.run(&["rollback", "dev/one", "7d3b0c6e-5a0f-4f0e-9a57-4f3f5a9d1c11"]).await.fails("[code: 100146]");

    let broken = file(folder.path(), "broken.js", "export default {");
    node.run(&["deploy", "dev/two", &broken]).await.fails("SyntaxError");
    node.run(&["script", "get", "dev/two"]).await.fails("does not exist in this dispatch namespace");
    node.run(&["deploy", "nowhere/two", &main, &lib]).await.fails("[code: 100119]");
    node.run(&["deploy", "dev/two", "/no/such/file.js"]).await.fails("could not read /no/such/file.js");
    node.run(&["rollback", "dev/two"]).await.fails("does not exist");

    // The account's own.
    let own = file(folder.path(), "own.js", "export default { fetch() { return new Response('own') } }");
    node.run(&["deploy", "own", &own]).await.ok();
    assert!(node.run(&["script", "list"]).await.ok().contains("own"));
    assert_eq!(node.run(&["script", "get", "own", "--json"]).await.json()["id"], "own");
    node.run(&["script", "delete", "own", "--force"]).await.ok();
    assert_eq!(node.run(&["script", "delete", "dev/one"]).await.ok(), "deleted dev/one\n");
    node.run(&["script", "delete", "dev/one"]).await.fails("[code: 10092]");
}

#[tokio::test]
async fn accounts_tokens_and_namespaces() {
    let node = Node::start().await;
    let made = node.run(&["account", "create", "Customer", "--id", "customer", "--json"]).await.json();
    assert_eq!(made["id"], "customer");
    assert!(node.run(&["account", "list"]).await.ok().contains("customer"));
    node.run(&["account", "rename", "Renamed", "--account", "customer"]).await.ok();
    assert!(node.run(&["account", "list"]).await.ok().contains("Renamed"));

    node.run(&["namespace", "create", "prod"]).await.ok();
    assert!(node.run(&["namespace", "list"]).await.ok().contains("prod"));
    let changed =
        ["namespace", "settings", "prod", "--cpu-ms", "50", "--memory", "64MiB", "--isolation", "warm", "--json"];
    let changed = node.run(&changed).await.json();
    assert_eq!(changed["limits"]["memory"], 64 << 20);
    let text = node.run(&["namespace", "settings", "prod", "--cpu-ms", "none", "--trusted", "true"]).await.ok();
    let shown: Vec<_> = text.lines().map(|line| line.split_once("  ").unwrap()).collect();
    let shown: Vec<_> = shown.iter().map(|(key, value)| (*key, value.trim())).collect();
    for line in [
        ("cpu_ms", "the node's"),
        ("memory", "67108864"),
        ("isolation", "warm"),
        ("trusted", "true"),
        ("inbound", "none"),
    ] {
        assert!(shown.contains(&line), "{line:?}: {text}");
    }
    let set = ["--wall-ms", "9", "--log-bytes", "1KiB", "--request-bytes", "2KiB", "--response-bytes", "3KiB"];
    let more = ["--concurrent-requests", "4", "--requests-per-second", "5", "--connections", "6", "--json"];
    let args: Vec<&str> = ["namespace", "settings", "prod"].into_iter().chain(set).chain(more).collect();
    let changed = node.run(&args).await.json();
    let limits = serde_json::json!({
        "cpu_ms": null, "subrequests": null, "memory": 67_108_864, "wall_ms": 9, "log_bytes": 1024, "request_bytes": 2048,
        "response_bytes": 3072, "concurrent_requests": 4, "requests_per_second": 5, "connections": 6,
    });
    assert_eq!(changed["limits"], limits);
    let only = ["namespace", "settings", "prod", "--egress-only", "*.example.com:443, 192.0.2.0/24"];
    let text = node.run(&only).await.ok();
    assert!(text.contains("*.example.com:443,192.0.2.0/24"), "{text}");
    for (only, shown) in [("nothing", serde_json::json!([])), ("none", serde_json::Value::Null)] {
        let set = ["namespace", "settings", "prod", "--egress-only", only, "--egress-also", "none", "--json"];
        assert_eq!(node.run(&set).await.json()["egress"], serde_json::json!({ "also": [], "only": shown }));
    }
    let granted = ["namespace", "settings", "prod", "--egress-also", "10.0.0.0/8"];
    node.run(&granted).await.fails("outside of what this node grants");
    let missing = ["namespace", "settings", "prod", "--outbound", "nobody"];
    node.run(&missing).await.fails("the outbound Worker nobody does not exist");
    node.run(&["namespace", "settings", "prod", "--isolation", "none of these"]).await.fails("isolation");
    node.run(&["namespace", "settings", "prod", "--cpu-ms", "x"]).await.fails("neither a number nor none");

    let create =
        ["token", "create", "ci", "--scope", "namespace:prod", "--access", "write", "--expires", "30d", "--json"];
    let made = node.run(&create).await.json();
    let (id, value) = (made["id"].as_str().unwrap(), made["value"].as_str().unwrap());
    let listed = node.run(&["token", "list"]).await.ok();
    assert!(listed.contains("namespace prod") && !listed.contains(value), "{listed}");
    // As a client elsewhere: address and token from the environment, ours or Cloudflare's.
    let remote = |variables: [(&'static str, String); 2], arguments: &[&str]| {
        let mut command = switchyard(arguments);
        command.envs(variables);
        say(command)
    };
    let ours = [("SWITCHYARD_ADMIN", self::host(&node.admin)), ("SWITCHYARD_TOKEN", value.to_owned())];
    assert!(remote(ours.clone(), &["script", "list", "prod"]).await.ok().starts_with("NAME"));
    let theirs = [("CLOUDFLARE_API_BASE_URL", node.admin.clone()), ("CLOUDFLARE_API_TOKEN", value.to_owned())];
    assert!(remote(theirs, &["script", "list", "prod"]).await.ok().starts_with("NAME"));
    remote(ours.clone(), &["script", "list", "dev"]).await.fails("[code: 100119]");
    remote(ours.clone(), &["token", "list"]).await.fails("for one namespace");

    let rolled = node.run(&["token", "roll", id, "--json"]).await.json();
    remote(ours, &["script", "list", "prod"]).await.fails("was revoked");
    let again =
        [("SWITCHYARD_ADMIN", node.admin.clone()), ("SWITCHYARD_TOKEN", rolled["value"].as_str().unwrap().to_owned())];
    remote(again.clone(), &["script", "list", "prod"]).await.ok();
    node.run(&["token", "revoke", id]).await.ok();
    remote(again, &["script", "list", "prod"]).await.fails("[code: 10000]");

    // The folder's own token: rolled, and the file goes along.
    let all = node.run(&["token", "list", "--json"]).await.json();
    let own = all.as_array().unwrap().iter().find(|token| token["name"] == "bootstrap").unwrap();
    let before = std::fs::read_to_string(node.data.path().join("token")).unwrap();
    node.run(&["token", "roll", own["id"].as_str().unwrap()]).await.ok();
    assert_ne!(std::fs::read_to_string(node.data.path().join("token")).unwrap(), before);
    assert_eq!(node.run(&["namespace", "delete", "prod"]).await.ok(), "deleted prod\n");

    for wrong in [["token", "create", "x", "--scope", "world"], ["token", "create", "x", "--expires", "soon"]] {
        node.run(&wrong).await.fails(wrong[4]);
    }

    // Gone with the node.
    let data = node.stop().await;
    let folder = data.path().to_str().unwrap();
    say(switchyard(&["script", "list", "--data", folder])).await.fails("no node is running on");
}

fn host(admin: &str) -> String {
    admin.trim_start_matches("http://").trim_end_matches("/client/v4").to_owned()
}

#[tokio::test]
async fn what_cannot_be_reached_is_named() {
    let to = |arguments: &[&str], address: &str| {
        let mut command = switchyard(arguments);
        command.env("SWITCHYARD_ADMIN", address).env("SWITCHYARD_TOKEN", "a-token-of-nobody");
        say(command)
    };
    // A port that was free a moment ago.
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    to(&["account", "list"], &closed).await.fails(&format!("could not reach http://{closed}/client/v4"));
    to(&["account", "list"], "ftp://x").await.fails("is not a URL");
    let mut command = switchyard(&["account", "list"]);
    command.env("SWITCHYARD_ADMIN", &closed);
    say(command).await.fails("there is no token");
}

#[tokio::test]
async fn init_makes_what_serve_starts_from() {
    let data = data().await;
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("switchyard.toml");
    let arguments = [
        "init",
        "--config",
        config.to_str().unwrap(),
        "--data",
        data.path().to_str().unwrap(),
        "--namespace",
        "prod",
        "--listen",
        "127.0.0.1:0",
        "--admin",
        "127.0.0.1:0",
    ];
    let text = say(switchyard(&arguments)).await.ok();
    assert!(text.contains("switchyard serve --config"), "{text}");
    say(switchyard(&arguments)).await.fails("could not make");
    let mut child = switchyard(&["serve", "--config", config.to_str().unwrap()]).spawn().unwrap();
    let mut lines = tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(child.stdout.take().unwrap()));
    assert!(line(&mut lines).await.starts_with("ready "));
    let mine = file(folder.path(), "w.js", "export default { fetch() { return new Response('x') } }");
    let data = data.path().to_str().unwrap();
    say(switchyard(&["deploy", "prod/w", &mine, "--data", data])).await.ok();
    child.kill().await.unwrap();
    // Killed: the file that says where it was is still there.
    say(switchyard(&["script", "list", "--data", data])).await.fails("is the node running?");
}

#[tokio::test]
async fn a_script_is_tailed_without_moving_the_terminal() {
    let node = Node::start().await;
    let folder = tempfile::tempdir().unwrap();
    let source = "export default { fetch(r) { console.log('one\\u001b[2J\\ntwo\\u009b'); throw new Error('boom') } }";
    let main = file(folder.path(), "index.js", source);
    node.run(&["deploy", "dev/noisy", &main]).await.ok();
    node.run(&["tail", "dev/nobody"]).await.fails("[code: 10092]");
    node.run(&["tail", "dev/noisy", "--status", "teapot"]).await.fails("status must be");
    let data = node.data.path().to_str().unwrap();
    let tail = |more: &[&str]| {
        let mut child = switchyard(&[&["tail", "--data", data], more].concat()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap()).lines();
        (child, out)
    };
    let (_script, mut people) = tail(&["dev/noisy", "--status", "error", "--method", "GET"]);
    let (_namespace, mut programs) = tail(&["dev/", "--json"]);
    let metrics = node.admin.replace("/client/v4", "/metrics");
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !get(&metrics, "x").await.1.contains("switchyard_tail_sessions 2\n") {
        assert!(tokio::time::Instant::now() < deadline, "nobody listens");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(get(&format!("{}/path", node.gateway), "noisy.localhost").await.0, 500);
    let first = line(&mut people).await;
    assert!(
        first.contains(" [dev/noisy] GET http://noisy.localhost") && first.contains("/path - exception cpu "),
        "{first}"
    );
    assert_eq!(line(&mut people).await, "  (log) one\\u001b[2J");
    assert_eq!(line(&mut people).await, "      two\\u009b");
    assert_eq!(line(&mut people).await, "  Error: boom");
    assert!(line(&mut people).await.trim_start().starts_with("at Object.fetch (index.js"));
    let event: Value = serde_json::from_str(&line(&mut programs).await).unwrap();
    assert_eq!(event["logs"][0]["message"][0], "one\u{1b}[2J\ntwo\u{9b}");
}
