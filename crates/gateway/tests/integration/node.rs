//! `nodejs_compat`: probes over the node modules, and packages of npm that need them, answer as on workerd, which runs
//! beside the node where npm is reachable; where it is not, stored answers of workerd take its place.

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::harness::{Answer, PATIENCE, TestGateway};
use crate::packages;

const WORKERD: &str = "workerd@1.20261117.1";
const DATE: &str = "2026-01-01";
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/node");

/// A Worker's modules, the main one first: name and source.
type Sources = Vec<(String, String)>;
type Results = BTreeMap<String, String>;

fn source(file: &str) -> (String, String) {
    (file.to_owned(), std::fs::read_to_string(Path::new(FOLDER).join(file)).unwrap())
}

fn probes() -> Sources {
    let mut sources = vec![source("run.js")];
    for file in std::fs::read_dir(Path::new(FOLDER).join("probes")).unwrap() {
        sources.push(source(&format!("probes/{}", file.unwrap().file_name().to_str().unwrap())));
    }
    sources
}

/// What a part is by its name: its content type in an upload, and its field in workerd's configuration.
fn kind(name: &str) -> (&'static str, &'static str) {
    match name.rsplit('.').next() {
        Some("cjs") => ("application/javascript", "commonJsModule"),
        Some("json") => ("application/json", "json"),
        Some("txt") => ("text/plain", "text"),
        _ => ("application/javascript+module", "esModule"),
    }
}

async fn put(gateway: &TestGateway, script: &str, sources: &[(String, String)], metadata: Value) -> Answer {
    let mut metadata = metadata;
    metadata["main_module"] = sources[0].0.clone().into();
    let mut body = format!("--b_\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\r\n{metadata}\r\n");
    for (name, source) in sources {
        let (content_type, _) = kind(name);
        body += &format!(
            "--b_\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{name}\"\r\n\
             Content-Type: {content_type}\r\n\r\n{source}\r\n"
        );
    }
    body += "--b_--\r\n";
    let path = format!("/client/v4/accounts/{}/workers/dispatch/namespaces/ns/scripts/{script}", gateway.account());
    gateway.api(Method::PUT, &path, "multipart/form-data; boundary=b_", Bytes::from(body)).await
}

/// The message of a refusal by 10021.
#[track_caller]
fn refused(answer: &Answer) -> String {
    let errors = &answer.json()["errors"];
    assert_eq!((answer.status.as_u16(), &errors[0]["code"]), (400, &json!(10021)), "{}", answer.text());
    errors[0]["message"].as_str().unwrap().to_owned()
}

fn compatible(flags: &[&str]) -> Value {
    json!({ "compatibility_date": DATE, "compatibility_flags": flags })
}

/// What the Worker answers here.
async fn ours(sources: &Sources) -> Results {
    let gateway = TestGateway::start().await;
    let mut metadata = compatible(&["nodejs_compat"]);
    metadata["bindings"] = json!([
        { "type": "plain_text", "name": "VAR", "text": "hello" },
        { "type": "json", "name": "JSON", "json": { "a": 1 } },
    ]);
    let answer = put(&gateway, "probes", sources, metadata).await;
    assert!(answer.status.is_success(), "{}", answer.text());
    let answer = gateway.get("probes", "/").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    serde_json::from_slice(&answer.bytes).unwrap()
}

/// What it answers on workerd; `None` where that cannot be had.
async fn workerd(sources: &Sources) -> Option<Results> {
    let folder = packages::npm(WORKERD).await?;
    let arch = if cfg!(target_arch = "aarch64") { "arm64" } else { "64" };
    let binary = folder.join(format!("node_modules/@cloudflare/workerd-linux-{arch}/bin/workerd"));
    let project = tempfile::tempdir().unwrap();
    let mut modules = String::new();
    for (at, (name, source)) in sources.iter().enumerate() {
        std::fs::write(project.path().join(format!("{at}.js")), source).unwrap();
        let (_, kind) = kind(name);
        modules += &format!("(name = \"{name}\", {kind} = embed \"{at}.js\"), ");
    }
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = format!(
        "using Workerd = import \"/workerd/workerd.capnp\";\n\
         const config :Workerd.Config = (services = [(name = \"main\", worker = (modules = [{modules}],\n\
         bindings = [(name = \"VAR\", text = \"hello\"), (name = \"JSON\", json = \"{{\\\"a\\\":1}}\")],\n\
         compatibilityDate = \"{DATE}\", compatibilityFlags = [\"nodejs_compat\"]))],\n\
         sockets = [(name = \"http\", address = \"127.0.0.1:{port}\", http = (), service = \"main\")]);\n"
    );
    std::fs::write(project.path().join("config.capnp"), config).unwrap();
    let mut child =
        Command::new(binary).arg("serve").arg(project.path().join("config.capnp")).kill_on_drop(true).spawn().unwrap();
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let text = loop {
        assert!(child.try_wait().unwrap().is_none(), "workerd has ended");
        assert!(tokio::time::Instant::now() < deadline, "workerd does not answer");
        if let Ok(stream) = tokio::net::TcpStream::connect(("127.0.0.1", port)).await {
            break fetch(stream).await;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    child.kill().await.unwrap();
    Some(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}")))
}

async fn fetch(stream: tokio::net::TcpStream) -> String {
    let io = hyper_util::rt::TokioIo::new(stream);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
    tokio::spawn(connection);
    let body = http_body_util::Empty::<Bytes>::new();
    let request = http::Request::get("/").header(http::header::HOST, "x").body(body).unwrap();
    let response = tokio::time::timeout(PATIENCE, sender.send_request(request)).await.unwrap().unwrap();
    let body = http_body_util::BodyExt::collect(response.into_body());
    let bytes = tokio::time::timeout(PATIENCE, body).await.unwrap().unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn stored(file: &str) -> Value {
    serde_json::from_str(&source(file).1).unwrap()
}

/// Compares, apart from what is known to differ and named in `docs/differences.md`.
fn compare(ours: &Results, theirs: &Results, known: &Value) {
    let pages = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/differences.md")).unwrap();
    let mut wrong = String::new();
    for name in theirs.keys().chain(ours.keys().filter(|name| !theirs.contains_key(*name))) {
        let (here, there) = (ours.get(name), theirs.get(name));
        if let Some(known) = known.get(name) {
            assert!(pages.contains(&format!("`{name}`")), "docs/differences.md does not name the probe {name:?}");
            if here.map(String::as_str) == known.as_str() && here != there {
                continue;
            }
        } else if here == there {
            continue;
        }
        wrong += &format!("{name}\n  workerd {there:?}\n  here    {here:?}\n");
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[tokio::test(flavor = "multi_thread")]
async fn node_modules_answer_as_on_workerd() {
    let sources = probes();
    let kept: Results = serde_json::from_value(stored("expected.json")).unwrap();
    assert!(kept.len() >= 400, "there are {} probes", kept.len());
    let theirs = match workerd(&sources).await {
        Some(theirs) => {
            let none = Value::Null;
            compare(&kept, &theirs, &none); // what is stored is what it answers
            theirs
        }
        None => kept,
    };
    compare(&ours(&sources).await, &theirs, &stored("differences.json"));
}

#[tokio::test(flavor = "multi_thread")]
async fn commonjs_parts_answer_as_on_workerd() {
    const FILES: &[&str] = &[
        "main.js",
        "lib/c.cjs",
        "lib/d.cjs",
        "lib/late2.cjs",
        "a.cjs",
        "b.cjs",
        "bare.cjs",
        "d.json",
        "e.cjs",
        "esm.js",
        "late.cjs",
        "number.cjs",
        "t.txt",
        "throws.cjs",
    ];
    let read = |file: &&str| ((*file).to_owned(), source(&format!("commonjs/{file}")).1);
    let sources: Sources = FILES.iter().map(read).collect();
    let kept: Results = serde_json::from_value(stored("commonjs/expected.json")).unwrap();
    let theirs = workerd(&sources).await.unwrap_or_else(|| kept.clone());
    compare(&kept, &theirs, &Value::Null);
    compare(&ours(&sources).await, &theirs, &Value::Null);
}

/// Bundled by wrangler, whose preset for node leans on the modules that are there.
#[tokio::test(flavor = "multi_thread")]
async fn packages_that_need_node_answer_as_on_workerd() {
    const PACKAGES: &[&str] = &[
        "hono@4.13.19",
        "readable-stream@4.8.0",
        "bl@6.1.6",
        "async@3.2.6",
        "p-limit@5.0.0",
        "msgpackr@2.1.4",
        "csv-parse@7.0.3",
        "micromatch@4.0.8",
        "mime-types@3.0.2",
        "http-errors@2.0.1",
        "safe-buffer@5.2.1",
        "bn.js@5.2.5",
        "qs@6.17.1",
        "string_decoder@1.3.0",
        "object-inspect@1.14.0",
    ];
    let Some(wrangler) = packages::npm("wrangler@4.86.0").await else { return };
    let Some(node) = packages::node("20.20.2").await else { return };
    let Some(installed) = packages::npm_all("node-compat", PACKAGES).await else { return };
    let project = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(installed.join("node_modules"), project.path().join("node_modules")).unwrap();
    std::fs::write(project.path().join("index.js"), source("packages.js").1).unwrap();
    let config = format!(
        "name = \"packages\"\nmain = \"index.js\"\ncompatibility_date = \"{DATE}\"\n\
         compatibility_flags = [\"nodejs_compat\"]\n"
    );
    std::fs::write(project.path().join("wrangler.toml"), config).unwrap();
    let output = Command::new(node)
        .arg(wrangler.join("node_modules/wrangler/bin/wrangler.js"))
        .args(["deploy", "--dry-run", "--outdir", "dist"])
        .current_dir(project.path())
        .env("WRANGLER_SEND_METRICS", "false")
        .env("XDG_CONFIG_HOME", project.path())
        .env("CI", "1")
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(std::time::Duration::from_secs(120), output).await.unwrap().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let bundle = std::fs::read_to_string(project.path().join("dist/index.js")).unwrap();
    let sources = vec![("index.js".to_owned(), bundle)];
    let Some(theirs) = workerd(&sources).await else { return };
    assert!(theirs.len() >= 15 && theirs.values().all(|text| !text.contains("Error: ")), "{theirs:?}");
    compare(&ours(&sources).await, &theirs, &Value::Null);
}

#[tokio::test]
async fn flags_decide_what_a_worker_reaches() {
    let gateway = TestGateway::start().await;
    let worker = |source: &str| vec![("index.js".to_owned(), source.to_owned())];
    let imports = |name: &str| {
        worker(&format!(
            "import * as m from {name:?}; export default {{ fetch: () => new Response([typeof m.default, \
             typeof Buffer, typeof process, typeof setTimeout(() => {{}}, 1)].join()) }}"
        ))
    };
    for (name, date, flags, wanted) in [
        ("node:util", "2024-01-01", &["nodejs_compat"][..], Some("object,undefined,undefined,number")),
        ("util", "2024-01-01", &["nodejs_compat"], None),
        ("util", "2024-09-23", &["nodejs_compat"], Some("object,function,object,number")),
        ("util", "2026-02-10", &["nodejs_compat"], Some("object,function,object,object")),
        ("util", "2026-08-04", &[], Some("object,function,object,object")),
        ("node:util", "2026-08-04", &["no_nodejs_compat", "no_nodejs_compat_v2"], None),
        ("node:util", "2026-01-01", &[], None),
        ("node:async_hooks", "2026-01-01", &["nodejs_als"], Some("object,undefined,undefined,number")),
        ("node:buffer", "2026-01-01", &["nodejs_als"], None),
        ("node:console", "2025-01-01", &["nodejs_compat"], None),
        ("node:fs", "2026-01-01", &["nodejs_compat"], None),
        ("node:internal/errors", "2026-01-01", &["nodejs_compat"], None),
        ("platform:node/util.js", "2026-01-01", &["nodejs_compat"], None),
    ] {
        let metadata = json!({ "compatibility_date": date, "compatibility_flags": flags });
        let answer = put(&gateway, "flags", &imports(name), metadata).await;
        match wanted {
            Some(wanted) => {
                assert!(answer.status.is_success(), "{name} {date} {flags:?}: {}", answer.text());
                gateway.get("flags", "/").await.is(200, wanted);
            }
            None => {
                let message = refused(&answer);
                assert!(message.contains(&format!("No such module \"{name}\"")), "{name} {date} {flags:?}: {message}");
            }
        }
    }
    for (flags, words) in [
        (&["nodejs_compt"][..], "No such compatibility flag: nodejs_compt"),
        (&["nodejs_compat", "no_nodejs_compat"], "nodejs_compat vs no_nodejs_compat"),
        (&["unsafe_module"], "experimental"),
        (&["nodejs_compat", "nodejs_compat"], "multiple times"),
    ] {
        let message = refused(&put(&gateway, "wrong", &imports("node:process"), compatible(flags)).await);
        assert!(message.contains(words), "{message}");
    }
}

/// Nuxt's hooks take a `console.createTask` that they find; on workerd there is none until `node:console` is imported.
#[tokio::test]
async fn the_global_console_has_nothing_that_only_throws() {
    let gateway = TestGateway::start().await;
    let source =
        "export default { fetch: () => new Response([typeof console.createTask, typeof console.context].join()) }";
    let sources = vec![("index.js".to_owned(), source.to_owned())];
    let answer = put(&gateway, "tasks", &sources, compatible(&["nodejs_compat"])).await;
    assert!(answer.status.is_success(), "{}", answer.text());
    gateway.get("tasks", "/").await.is(200, "undefined,function");
}

#[tokio::test]
async fn process_exit_ends_the_request_alone() {
    let gateway = TestGateway::start().await;
    let source = "let n = 0; export default { fetch(r) {
        if (r.url.endsWith('/exit')) { try { process.exit(3); } finally { n = 100; } }
        return new Response(String(++n));
    } }";
    let sources = vec![("index.js".to_owned(), source.to_owned())];
    let answer = put(&gateway, "exits", &sources, compatible(&["nodejs_compat"])).await;
    assert!(answer.status.is_success(), "{}", answer.text());
    gateway.get("exits", "/").await.is(200, "1");
    assert_eq!(gateway.get("exits", "/exit").await.status, 500);
    gateway.get("exits", "/").await.is(200, "1");
}

/// What `process.env` gave at module scope is in the pages that are sealed, which are encrypted then.
#[tokio::test]
async fn process_env_read_at_module_scope_is_kept_encrypted() {
    const SECRET: &str = "kept-to-ourselves-0451";
    let gateway = TestGateway::start().await;
    let source =
        "const all = { ...process.env }; export default { fetch: () => new Response(all.KEY + process.env.KEY) }";
    let sources = vec![("index.js".to_owned(), source.to_owned())];
    let mut metadata = compatible(&["nodejs_compat"]);
    metadata["bindings"] = json!([{ "type": "secret_text", "name": "KEY", "text": SECRET }]);
    let answer = put(&gateway, "secretive", &sources, metadata).await;
    assert!(answer.status.is_success(), "{}", answer.text());
    gateway.get("secretive", "/").await.is(200, &SECRET.repeat(2));
    let mut files = vec![gateway.data.path().to_owned()];
    let mut sealed = 0;
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        sealed += usize::from(path.extension().is_some_and(|extension| extension == "sealed"));
        let bytes = std::fs::read(&path).unwrap();
        assert!(!bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes()), "{}", path.display());
    }
    assert_eq!(sealed, 1);
}
