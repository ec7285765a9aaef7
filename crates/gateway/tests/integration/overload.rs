//! What a node does when it runs out of something: memory, descriptors. As processes of their own,
//! since both are counted for the process.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::harness::{PATIENCE, data};
use crate::process::{get, line, switchyard};

const CEILING_MIB: u64 = 512;
/// Takes what it gets, megabyte by megabyte, keeps it for a while, and says how much it was.
const HUNGRY: &str = "export default { async fetch() {
    const kept = [];
    try { for (let i = 0; i < 100; i++) kept.push(new Uint8Array(1 << 20).fill(1)); } catch {}
    await new Promise((done) => setTimeout(done, 3000));
    return new Response(`${kept.length}`);
} };";

struct Node {
    child: Child,
    gateway: String,
    admin: String,
}

/// A node with a configuration of its own, and these scripts in it.
async fn node(data: &Path, mut command: Command, scripts: &[(String, &str)]) -> Node {
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let ready = line(&mut lines).await;
    let (gateway, admin) = ready.strip_prefix("ready gateway=").unwrap().split_once(" admin=").unwrap();
    let admin = admin.strip_suffix("/client/v4").unwrap().to_owned();
    for (name, source) in scripts {
        let file = data.join(format!("{name}.js"));
        std::fs::write(&file, source).unwrap();
        let token = std::fs::read_to_string(data.join("node/token")).unwrap();
        let file = file.to_str().unwrap();
        let mut deploy = switchyard(&["deploy", &format!("ns/{name}"), file, "--admin", &admin]);
        let done = deploy.args(["--token", token.trim()]).output();
        let done = done.await.unwrap();
        assert!(done.status.success(), "{done:?}");
    }
    Node { child, gateway: gateway.to_owned(), admin }
}

fn serve(data: &Path, more: &str) -> (std::path::PathBuf, String) {
    let file = data.join("node.toml");
    let text = format!(
        "data = {:?}\n[[listener]]\nbind = \"127.0.0.1:0\"\n[admin]\nbind = \"127.0.0.1:0\"\n\
         [[resolver]]\nkind = \"subdomain\"\nsuffix = \"test\"\nnamespace = \"ns\"\n\
         [bootstrap]\nnamespaces = [\"ns\"]\n[log]\naccess = \"off\"\n{more}",
        data.join("node")
    );
    std::fs::write(&file, text).unwrap();
    let path = file.to_str().unwrap().to_owned();
    (file, path)
}

fn resident_mib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
}

async fn metric(admin: &str, name: &str) -> f64 {
    let (_, text) = get(&format!("{admin}/metrics"), "x").await;
    let found = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_is_kept_below_the_ceiling_and_who_takes_it_is_refused_first() {
    kept_below_the_ceiling(None).await;
}

/// The kernel would end the node at its limit, which the node finds by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_control_groups_limit_is_the_ceiling() {
    match Group::new() {
        Ok(group) => kept_below_the_ceiling(Some(&group)).await,
        Err(error) => eprintln!("SKIPPED: tests with a control group: none can be made here: {error}"),
    }
}

/// A control group of the test's own, with that ceiling.
struct Group(PathBuf);

impl Group {
    fn new() -> std::io::Result<Self> {
        let root = Path::new("/sys/fs/cgroup");
        let (root, limit) = match root.join("memory/memory.limit_in_bytes").exists() {
            true => (root.join("memory"), "memory.limit_in_bytes"),
            false => (root.to_owned(), "memory.max"),
        };
        let group = Self(root.join(format!("switchyard-test-{}", std::process::id())));
        std::fs::create_dir(&group.0)?;
        std::fs::write(group.0.join(limit), format!("{}", CEILING_MIB << 20))?;
        Ok(group)
    }

    /// A command that runs in it.
    fn run(&self, program: &str, file: &str) -> Command {
        let mut command = Command::new("sh");
        let procs = self.0.join("cgroup.procs");
        command.args(["-c", "echo $$ > \"$0\" && exec \"$1\" serve --config \"$2\""]).arg(procs).args([program, file]);
        command.env_clear().stdin(std::process::Stdio::null()).stdout(std::process::Stdio::piped());
        command.stderr(std::process::Stdio::piped()).kill_on_drop(true);
        command
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // It has to be empty, which it is a moment after its process was ended.
        for _ in 0..100 {
            if std::fs::remove_dir(&self.0).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

async fn kept_below_the_ceiling(group: Option<&Group>) {
    let folder = data().await;
    // Compiled once for all tests; the node's own folder is a new one.
    std::fs::create_dir_all(folder.path().join("node")).unwrap();
    for name in ["node.key", "artefacts"] {
        std::fs::rename(folder.path().join(name), folder.path().join("node").join(name)).unwrap();
    }
    let ceiling = group.map_or_else(|| format!("{CEILING_MIB}MiB"), |_| "auto".to_owned());
    let (_, file) = serve(folder.path(), &format!("[overload]\nmemory = \"{ceiling}\"\n"));
    let mut scripts: Vec<(String, &str)> = (0..10).map(|n| (format!("hungry{n}"), HUNGRY)).collect();
    scripts.push(("quiet".into(), "export default { fetch: () => new Response('ok') };"));
    let command = match group {
        Some(group) => group.run(env!("CARGO_BIN_EXE_switchyard"), &file),
        None => switchyard(&["serve", "--config", &file]),
    };
    let mut node = node(folder.path(), command, &scripts).await;
    let pid = node.child.id().unwrap();
    let (stop, peak) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let watching = tokio::spawn({
        let (stop, peak) = (stop.clone(), peak.clone());
        async move {
            while !stop.load(Ordering::Relaxed) {
                peak.fetch_max(resident_mib(pid), Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    });
    // A thousand megabytes are wanted, and half of that is there; then they come again.
    let mut first = tokio::task::JoinSet::new();
    for n in 0..10 {
        let url = format!("{}/", node.gateway);
        first.spawn(async move { get(&url, &format!("hungry{n}.test")).await });
    }
    let mut refused = 0;
    let mut quiet = 0;
    let of_tenants = "switchyard_shed_total{reason=\"memory_tenant\"}";
    let shedding = async {
        // Refused as the heaviest, be the node for a moment so short that it refuses all.
        while refused == 0 || metric(&node.admin, of_tenants).await == 0.0 {
            for n in 0..10 {
                let (url, host) = (format!("{}/", node.gateway), format!("hungry{n}.test"));
                if let Ok((503, text)) = tokio::time::timeout(Duration::from_millis(50), get(&url, &host)).await {
                    refused += u32::from(text == "the server is overloaded\n");
                }
            }
            assert_eq!(get(&format!("{}/", node.gateway), "quiet.test").await, (200, "ok".to_owned()));
            quiet += 1;
            assert_eq!(get(&format!("{}/readyz", node.admin), "x").await.0, 200);
        }
    };
    tokio::time::timeout(PATIENCE, shedding).await.expect("a hungry tenant is refused in time");
    while first.join_next().await.is_some() {}
    assert!(quiet > 0);
    assert_eq!(metric(&node.admin, "switchyard_memory_ceiling_bytes").await, (CEILING_MIB << 20) as f64);
    // With the memory back, so is the service.
    let over = async {
        while metric(&node.admin, "switchyard_overload_stage").await > 0.0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, over).await.expect("the node is itself again in time");
    assert_eq!(get(&format!("{}/", node.gateway), "hungry0.test").await.0, 200);
    stop.store(true, Ordering::Relaxed);
    watching.await.unwrap();
    assert!(node.child.try_wait().unwrap().is_none(), "the node has ended");
    let peak = peak.load(Ordering::Relaxed);
    // In a group the kernel counts otherwise: pages of files that others have too are not its.
    let most = if group.is_some() { CEILING_MIB * 5 / 4 } else { CEILING_MIB };
    assert!(peak > CEILING_MIB / 2 && peak <= most, "{peak} MiB of {CEILING_MIB}");
}

#[tokio::test]
async fn administration_answers_while_clients_have_all_the_descriptors_they_get() {
    let folder = data().await;
    std::fs::create_dir_all(folder.path().join("node")).unwrap();
    for name in ["node.key", "artefacts"] {
        std::fs::rename(folder.path().join(name), folder.path().join("node").join(name)).unwrap();
    }
    let (_, file) = serve(folder.path(), "");
    let mut command = Command::new("sh");
    let program = env!("CARGO_BIN_EXE_switchyard");
    command.args(["-c", "ulimit -n 256; exec \"$0\" serve --config \"$1\"", program, &file]);
    command.env_clear().stdin(std::process::Stdio::null()).stdout(std::process::Stdio::piped());
    command.stderr(std::process::Stdio::piped()).kill_on_drop(true);
    let node = node(folder.path(), command, &[]).await;
    let address = node.gateway.strip_prefix("http://").unwrap();
    let mut open = Vec::new();
    for _ in 0..600 {
        // The kernel's own queue may be full too.
        if let Ok(Ok(stream)) = tokio::time::timeout(Duration::from_millis(20), TcpStream::connect(address)).await {
            open.push(stream);
        }
    }
    for stream in &mut open {
        let _ = stream.write_all(b"GET / HTTP/1.1\r\n").await;
    }
    for _ in 0..5 {
        assert_eq!(get(&format!("{}/readyz", node.admin), "x").await.0, 200);
        assert!(metric(&node.admin, "process_open_fds").await < 256.0);
    }
    assert!(metric(&node.admin, "switchyard_connections").await > 100.0);
    drop(open);
    let again = async {
        while get(&format!("{}/", node.gateway), "nobody.test").await.0 != 404 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, again).await.expect("clients are served again");
}
