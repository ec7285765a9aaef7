//! The oracle: workerd itself, from npm, serving the same modules as a node of ours. What it answers is also kept
//! beside the probes, for machines that reach no registry.

use std::path::{Path, PathBuf};

use http::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::harness::{Answer, PATIENCE, TestGateway};
use crate::packages;

const WORKERD: &str = "1.20261117.1";

pub fn probes() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/probes")
}

/// The modules of a set of probes: the entry first.
pub fn modules(area: &str) -> Vec<(String, String)> {
    let mut names: Vec<String> = std::fs::read_dir(probes())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with(&format!("{area}-")) && kind(name).is_some())
        .collect();
    names.sort();
    let names = [format!("{area}.mjs"), "show.mjs".into()].into_iter().chain(names);
    let read = |name: &str| String::from_utf8_lossy(&std::fs::read(probes().join(name)).unwrap()).into_owned();
    names.map(|name| (name.clone(), read(&name))).collect()
}

/// What a part is by its name: its content type in an upload, and its field in workerd's configuration.
pub fn kind(name: &str) -> Option<(&'static str, &'static str)> {
    Some(match Path::new(name).extension()?.to_str()? {
        "mjs" => ("application/javascript+module", "esModule"),
        "cjs" => ("application/javascript", "commonJsModule"),
        "txt" => ("text/plain", "text"),
        "json" if name.contains('-') && !name.ends_with("-bindings.json") => ("application/json", "json"),
        _ => return None,
    })
}

/// What workerd answers to a GET; `None` where it cannot be installed.
pub async fn answers(modules: &[(String, String)], bindings: &[Value]) -> Option<Value> {
    answers_at("/", modules, bindings).await
}

/// As [`answers`], to a GET of that target.
pub async fn answers_at(target: &str, modules: &[(String, String)], bindings: &[Value]) -> Option<Value> {
    answers_of((DATE, &[]), target, modules, bindings).await
}

/// A date and flags.
type Compatibility<'a> = (&'a str, &'a [&'a str]);

/// The compatibility date of most probes.
const DATE: &str = "2026-01-01";

/// As [`answers_at`], of a Worker with that compatibility date and those flags.
async fn answers_of(
    of: Compatibility<'_>,
    target: &str,
    modules: &[(String, String)],
    bindings: &[Value],
) -> Option<Value> {
    let arch = if cfg!(target_arch = "aarch64") { "arm64" } else { "64" };
    let package = format!("@cloudflare/workerd-linux-{arch}");
    let installed = packages::npm_scoped(&package, WORKERD).await?;
    let folder = tempfile::tempdir().unwrap();
    for (name, source) in modules {
        std::fs::write(folder.path().join(name), source).unwrap();
    }
    std::fs::write(folder.path().join("config.capnp"), config(of, modules, bindings)).unwrap();
    let mut command = Command::new(installed.join("node_modules").join(package).join("bin/workerd"));
    command.args(["serve", "--experimental", "--control-fd=1", "config.capnp"]).current_dir(folder.path());
    let mut child = command.kill_on_drop(true).stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let port = loop {
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await.expect("workerd starts").unwrap();
        let event: Value = serde_json::from_str(&line.expect("workerd says where it listens")).unwrap_or_default();
        if let Some(port) = event["port"].as_u64() {
            break port;
        }
    };
    let (status, text) = crate::process::get(&format!("http://127.0.0.1:{port}{target}"), "probe.test").await;
    assert_eq!(status, 200, "{text}");
    child.kill().await.unwrap();
    Some(serde_json::from_str(&text).unwrap())
}

/// The module of the service behind workerd's Cache API, where an area has one.
const CACHE: &str = "cache-service.mjs";

fn config((date, flags): Compatibility<'_>, modules: &[(String, String)], bindings: &[Value]) -> String {
    let (service, outbound) = if modules.iter().any(|(name, _)| name == CACHE) {
        let worker = format!(
            "(name = \"cache\", worker = (compatibilityDate = \"2026-01-01\",\
              modules = [(name = {CACHE:?}, esModule = embed {CACHE:?})])),"
        );
        (worker, "cacheApiOutbound = \"cache\", ")
    } else {
        (String::new(), "")
    };
    let modules: Vec<String> = modules
        .iter()
        .map(|(name, _)| format!("(name = {name:?}, {} = embed {name:?})", kind(name).unwrap().1))
        .collect();
    let bindings: Vec<String> = bindings.iter().map(crypto_key).collect();
    format!(
        "using Workerd = import \"/workerd/workerd.capnp\";\n\
         const config :Workerd.Config = (\n\
           services = [(name = \"main\", worker = .worker), {service}\
             (name = \"internet\", network = (allow = [\"public\", \"private\"]))],\n\
           sockets = [(name = \"http\", address = \"127.0.0.1:0\", http = (), service = \"main\")]);\n\
         const worker :Workerd.Worker = (compatibilityDate = {date:?}, compatibilityFlags = {flags:?}, {outbound}\n\
           modules = [{}],\n  bindings = [{}]);\n",
        modules.join(", "),
        bindings.join(", ")
    )
}

/// A `secret_key` binding as workerd's config has it.
fn crypto_key(binding: &Value) -> String {
    let text = |key: &str| binding[key].as_str().unwrap_or_default();
    let pem = |label: &str| {
        let lines: Vec<&str> =
            text("key_base64").as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
        format!("{:?}", format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n")))
    };
    let key = match text("format") {
        "raw" => format!("base64 = {:?}", text("key_base64")),
        "pkcs8" => format!("pkcs8 = {}", pem("PRIVATE KEY")),
        "spki" => format!("spki = {}", pem("PUBLIC KEY")),
        _ => format!("jwk = {:?}", binding["key_jwk"].to_string()),
    };
    let usages: Vec<&str> = binding["usages"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    format!(
        "(name = {:?}, cryptoKey = ({key}, algorithm = (json = {:?}), usages = [{}]))",
        text("name"),
        binding["algorithm"].to_string(),
        usages.join(", ")
    )
}

/// Uploads parts of any kind; `metadata` names the entry.
pub async fn upload(gateway: &TestGateway, script: &str, parts: &[(String, String)], metadata: Value) -> Answer {
    let mut body = format!("--b_\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\r\n{metadata}\r\n");
    for (name, source) in parts {
        let other = if name.ends_with(".wasm") { "application/wasm" } else { "application/javascript" };
        let content_type = kind(name).map_or(other, |(content_type, _)| content_type);
        body += &format!(
            "--b_\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{name}\"\r\n\
             Content-Type: {content_type}\r\n\r\n{source}\r\n"
        );
    }
    body += "--b_--\r\n";
    let path = format!("/client/v4/accounts/{}/workers/dispatch/namespaces/ns/scripts/{script}", gateway.account());
    gateway.api(Method::PUT, &path, "multipart/form-data; boundary=b_", body.into()).await
}

/// Every probe of an area answers on a node of ours as on workerd.
pub async fn probes_of(area: &str) {
    compared(area, area, "/", &[], &TestGateway::start().await).await;
}

/// The same on that node, asked for `target`; what workerd said is kept as `named`.
pub async fn compared(area: &str, named: &str, target: &str, bindings: &[Value], gateway: &TestGateway) {
    let modules = modules(area);
    let metadata = json!({ "main_module": modules[0].0, "compatibility_date": "2026-01-01", "bindings": bindings });
    let uploaded = upload(gateway, "probes", &modules, metadata).await;
    assert_eq!(uploaded.status, 200, "{}", uploaded.text());
    let ours = gateway.get("probes", target).await;
    assert_eq!(ours.status, 200, "{}", ours.text());
    compare(named, &ours.json(), answers_at(target, &modules, bindings).await);
}

/// Every probe of an area answers as on workerd in a Worker of that date, with those flags; what workerd said is kept as
/// `named`, and what may differ is in the rows of `rows`.
pub async fn compared_of(of: Compatibility<'_>, area: &str, named: &str, rows: &str, gateway: &TestGateway) {
    let modules = modules(area);
    let (date, flags) = of;
    let metadata = json!({ "main_module": modules[0].0, "compatibility_date": date, "compatibility_flags": flags });
    let uploaded = upload(gateway, named, &modules, metadata).await;
    assert_eq!(uploaded.status, 200, "{}", uploaded.text());
    let ours = gateway.get(named, "/").await;
    assert_eq!(ours.status, 200, "{}", ours.text());
    compare_by(named, rows, &ours.json(), answers_of(of, "/", &modules, &[]).await);
}

/// Every probe answers alike, but for those that a row of `docs/differences.md` names in its last column, which must
/// differ. `stored`: what workerd said before; with `SWITCHYARD_STORE_PROBES=1` it is written anew.
#[track_caller]
pub fn compare(area: &str, ours: &Value, live: Option<Value>) {
    compare_by(area, area, ours, live);
}

#[track_caller]
fn compare_by(named: &str, rows: &str, ours: &Value, live: Option<Value>) {
    let file = probes().join(format!("{named}.json"));
    if let Some(live) = &live
        && std::env::var_os("SWITCHYARD_STORE_PROBES").is_some()
    {
        std::fs::write(&file, format!("{}\n", lines(live))).unwrap();
    }
    let stored: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    if let Some(live) = &live {
        assert!(*live == stored, "workerd answers otherwise than stored: run once with SWITCHYARD_STORE_PROBES=1");
    }
    let (ours, theirs) = (ours.as_object().unwrap(), stored.as_object().unwrap());
    let differ = differences(rows);
    for name in &differ {
        assert!(theirs.contains_key(name), "docs/differences.md names the probe {name:?}, which is none");
    }
    assert!(ours.keys().eq(theirs.keys()), "there are other probes than were stored");
    let mut wrong = Vec::new();
    for (name, theirs) in theirs {
        let same = ours[name] == *theirs;
        // Of another date workerd may have come to agree.
        let fine = if differ.contains(name) { !same || rows != named } else { same };
        if !fine {
            wrong.push(format!("{name}:\n  workerd {theirs}\n  ours    {}", ours[name]));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), ours.len(), wrong.join("\n"));
}

/// One probe a line.
fn lines(all: &Value) -> String {
    let lines: Vec<String> = all
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| format!("  {}: {value}", Value::from(name.as_str())))
        .collect();
    format!("{{\n{}\n}}", lines.join(",\n"))
}

/// Probes in backticks, in the last column of the area's rows.
fn differences(area: &str) -> Vec<String> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/differences.md");
    let text = std::fs::read_to_string(docs).unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix(&format!("| {area} |")));
    let last = rows.filter_map(|row| row.trim_end().trim_end_matches('|').rsplit('|').next());
    last.flat_map(|tests| tests.split('`').skip(1).step_by(2).map(str::to_owned)).collect()
}
