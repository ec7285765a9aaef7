//! The binary itself: flags, the ready line, exit codes, signals.

use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::harness::{PATIENCE, data};

pub fn switchyard(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_switchyard"));
    command.args(arguments).env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.kill_on_drop(true);
    command
}

pub async fn dev(data: &Path, more: &[&str]) -> (Child, Lines<BufReader<ChildStdout>>) {
    let data = data.to_str().unwrap();
    let free = ["dev", "--data", data, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
    let mut child = switchyard(&[&free, more].concat()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, lines)
}

pub async fn line(lines: &mut Lines<BufReader<ChildStdout>>) -> String {
    tokio::time::timeout(PATIENCE, lines.next_line()).await.expect("a line in time").unwrap().expect("a line")
}

async fn fails(mut command: Command) -> String {
    let output = tokio::time::timeout(PATIENCE, command.output()).await.expect("it ends in time").unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr).unwrap()
}

pub async fn get(url: &str, host: &str) -> (u16, String) {
    let client = hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new()).build_http();
    let body = http_body_util::Empty::<bytes::Bytes>::new();
    let request = http::Request::get(url).header("host", host).body(body).unwrap();
    let answer = crate::harness::collect(client.request(request).await.unwrap()).await;
    (answer.status.as_u16(), answer.text().to_owned())
}

#[tokio::test]
async fn dev_is_ready_when_it_says_so_and_ends_when_told() {
    let data = data().await;
    let (mut child, mut lines) = dev(data.path(), &[]).await;
    let ready = line(&mut lines).await;
    let rest = ready.strip_prefix("ready gateway=http://").unwrap_or_else(|| panic!("{ready}"));
    let (gateway, admin) = rest.split_once(" admin=http://").unwrap();
    let admin = admin.strip_suffix("/client/v4").unwrap();
    let (status, text) = get(&format!("http://{gateway}/"), "hello.localhost").await;
    assert_eq!((status, text.as_str()), (200, "Hello from Switchyard!\n"));
    assert_eq!(get(&format!("http://{admin}/readyz"), "x").await.0, 200);
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(data.path().join("token")).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);

    let told = Command::new("kill").arg(child.id().unwrap().to_string()).status().await.unwrap();
    assert!(told.success());
    let ended = tokio::time::timeout(PATIENCE, child.wait()).await.expect("it ends in time").unwrap();
    assert_eq!(ended.code(), Some(0));
}

#[tokio::test]
async fn dev_tells_people_what_to_copy() {
    let data = data().await;
    let (_child, mut lines) =
        dev(data.path(), &["--account", "acme", "--namespace", "prod", "--suffix", "apps.test"]).await;
    let mut text = String::new();
    while !text.contains("npx wrangler deploy") {
        text += &(line(&mut lines).await + "\n");
    }
    let token = std::fs::read_to_string(data.path().join("token")).unwrap();
    for part in [
        "acme",
        token.trim(),
        "-H 'Host: hello.apps.test'",
        "--dispatch-namespace prod",
        "CLOUDFLARE_API_BASE_URL=http://127.0.0.1:",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[tokio::test]
async fn tenants_lines_go_to_stderr_in_dev() {
    let data = data().await;
    std::fs::write(data.path().join("token"), "a-token-of-this-test\n").unwrap();
    let (mut child, mut lines) = dev(data.path(), &["--no-samples"]).await;
    let ready = line(&mut lines).await;
    let admin = ready.split(" admin=").nth(1).unwrap();
    let gateway = ready.strip_prefix("ready gateway=").unwrap().split(' ').next().unwrap();
    let script = data.path().join("x.mjs");
    let source = "export default { fetch() { console.log('said', 1); throw new Error('and thrown'); } };";
    std::fs::write(&script, source).unwrap();
    let upload = Command::new("curl")
        .args(["-sS", "-X", "PUT", "-H", "Authorization: Bearer a-token-of-this-test", "-H", "Expect:"])
        .args(["-F", "metadata={\"main_module\":\"x.mjs\",\"compatibility_date\":\"2026-01-01\"}"])
        .args(["-F", &format!("x.mjs=@{};type=application/javascript+module", script.display())])
        .arg(format!("{admin}/accounts/00000000000000000000000000000001/workers/dispatch/namespaces/dev/scripts/talk"))
        .output()
        .await
        .unwrap();
    assert!(String::from_utf8_lossy(&upload.stdout).contains("\"success\":true"), "{upload:?}");
    assert_eq!(get(&format!("{gateway}/"), "talk.localhost").await.0, 500);
    let told = Command::new("kill").arg(child.id().unwrap().to_string()).status().await.unwrap();
    assert!(told.success());
    let mut text = String::new();
    let mut stderr = child.stderr.take().unwrap();
    tokio::time::timeout(PATIENCE, stderr.read_to_string(&mut text)).await.expect("it ends in time").unwrap();
    assert!(text.contains("[talk] said 1\n"), "{text}");
    assert!(text.contains("[talk] uncaught Error: and thrown"), "{text}");
    assert!(text.contains("500 exception talk.localhost/ GET"), "{text}");
}

#[tokio::test]
async fn what_prevents_a_start_is_one_clear_line() {
    let folder = data().await;
    let (_child, mut lines) = dev(folder.path(), &[]).await;
    let ready = line(&mut lines).await;
    let path = folder.path().to_str().unwrap();
    let error = fails(switchyard(&["dev", "--data", path, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"])).await;
    assert_eq!(error, format!("error: the data folder {path} is in use by another process\n"));

    let other = data().await;
    let taken = ready.strip_prefix("ready gateway=http://").unwrap().split(' ').next().unwrap();
    let path = other.path().to_str().unwrap();
    let error = fails(switchyard(&["dev", "--data", path, "--listen", taken, "--admin", "127.0.0.1:0"])).await;
    assert!(error.starts_with(&format!("error: could not listen on {taken}: ")), "{error}");

    let file = other.path().join("c.toml");
    std::fs::write(&file, "data = \"x\"\n[admin]\nbnd = \"127.0.0.1:0\"\n").unwrap();
    let error = fails(switchyard(&["serve", "--config", file.to_str().unwrap()])).await;
    let wanted = format!("error: {}:3: unknown key \"bnd\" in [admin], did you mean \"bind\"?\n", file.display());
    assert_eq!(error, wanted);
}

#[tokio::test]
async fn serve_is_the_same_program_from_a_file() {
    let data = data().await;
    let file = data.path().join("node.toml");
    let text = format!(
        "data = {:?}\n[[listener]]\nbind = \"127.0.0.1:0\"\n[admin]\nbind = \"127.0.0.1:0\"\n\
         [[resolver]]\nkind = \"subdomain\"\nsuffix = \"localhost\"\nnamespace = \"prod\"\n\
         [bootstrap]\naccount = \"acme\"\nnamespaces = [\"prod\"]\nsamples = true\n[log]\naccess = \"stderr\"\n",
        data.path()
    );
    std::fs::write(&file, text).unwrap();
    let mut child = switchyard(&["serve", "--config", file.to_str().unwrap()]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let ready = line(&mut lines).await;
    let gateway = ready.strip_prefix("ready gateway=").unwrap().split(' ').next().unwrap();
    assert_eq!(get(&format!("{gateway}/a\"b?secret=1"), "hello.localhost").await.0, 200);
    let told = Command::new("kill").arg(child.id().unwrap().to_string()).status().await.unwrap();
    assert!(told.success());
    let mut text = String::new();
    let mut stderr = child.stderr.take().unwrap();
    tokio::time::timeout(PATIENCE, stderr.read_to_string(&mut text)).await.expect("it ends in time").unwrap();
    let line: serde_json::Value =
        serde_json::from_str(text.lines().next().unwrap()).unwrap_or_else(|_| panic!("{text}"));
    assert_eq!((&line["status"], &line["kind"], &line["script"]), (&200.into(), &"ok".into(), &"hello".into()));
    assert_eq!((&line["host"], &line["path"]), (&"hello.localhost".into(), &"/a\"b".into()));
    assert!(!text.contains("secret=1"));
}
