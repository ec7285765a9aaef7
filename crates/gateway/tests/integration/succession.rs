//! Restarts that no client notices: on sockets that a service manager keeps, and by a process that starts the one that
//! comes after it; and what the service manager hears meanwhile.

use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpStream, UnixDatagram};
use tokio::process::{Child, Command};

use crate::harness::{PATIENCE, data, scaled};
use crate::process::{line, switchyard};
use crate::tls_client::{Ca, Offer, ask, get, get2};

const CLIENTS: usize = 8;

fn config(data: &Path, node: SocketAddr, admin: SocketAddr, more: &str) -> String {
    format!(
        "data = {data:?}\n[[listener]]\nbind = \"{node}\"\n[admin]\nbind = \"{admin}\"\n\
         [[resolver]]\nkind = \"subdomain\"\nsuffix = \"test\"\nnamespace = \"ns\"\n{more}\
         [bootstrap]\nnamespaces = [\"ns\"]\n[log]\naccess = \"off\"\n\
         [timeouts]\ndrain_idle = \"10s\"\n" // on a busy machine a client may take its time between two requests
    )
}

fn free() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

async fn tell(signal: &str, pid: u32) {
    let told = Command::new("kill").arg(format!("-{signal}")).arg(pid.to_string()).status().await.unwrap();
    assert!(told.success(), "kill -{signal} {pid}");
}

async fn deploy(data: &Path, text: &str) -> std::process::Output {
    let source = data.join("t.js");
    let script = format!(
        "export default {{ async fetch(r) {{ const text = await r.text();
            if (r.url.endsWith('/slow')) await scheduler.wait(150);
            return new Response(text + ' {text}'); }} }};"
    );
    std::fs::write(&source, script).unwrap();
    let arguments = ["deploy", "ns/t", source.to_str().unwrap(), "--data", data.to_str().unwrap()];
    tokio::time::timeout(PATIENCE, switchyard(&arguments).output()).await.expect("an answer in time").unwrap()
}

/// … where another process may be taking over just now.
async fn deploys(data: &Path, text: &str) {
    for _ in 0..50 {
        let output = deploy(data, text).await;
        if output.status.success() {
            return;
        }
        assert!(String::from_utf8_lossy(&output.stderr).contains("503"), "{output:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("no upload was taken");
}

/// Clients that expect every connection to be taken and every request to be answered.
struct Load {
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
    clients: Vec<tokio::task::JoinHandle<Vec<String>>>,
}

impl Load {
    /// With one more that speaks TLS, and HTTP/2 in it, on a connection for each request.
    fn with_tls(node: SocketAddr, secure: SocketAddr, ca: Ca) -> Self {
        let mut load = Self::start(node);
        load.clients.push(tokio::spawn(secure_client(secure, ca, load.stop.clone(), load.sent.clone())));
        load
    }

    fn start(node: SocketAddr) -> Self {
        let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let clients =
            (0..CLIENTS).map(|number| tokio::spawn(client(number, node, stop.clone(), sent.clone()))).collect();
        Self { stop, sent, clients }
    }

    async fn more(&self, count: u64) {
        let until = self.sent.load(Ordering::Relaxed) + count;
        let counted = async {
            while self.sent.load(Ordering::Relaxed) < until {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, counted).await.expect("answers in time");
    }

    async fn none_failed(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        let mut failed = Vec::new();
        for client in self.clients {
            failed.extend(client.await.unwrap());
        }
        let sent = self.sent.load(Ordering::Relaxed);
        assert_eq!(failed, Vec::<String>::new(), "of {sent}");
        sent
    }
}

/// Every other one for each request a connection of its own; the others as long as the server lets them.
async fn client(number: usize, node: SocketAddr, stop: Arc<AtomicBool>, sent: Arc<AtomicU64>) -> Vec<String> {
    let mut failed = Vec::new();
    let once = number.is_multiple_of(2);
    let path = if number.is_multiple_of(3) { "/slow" } else { "/" };
    let close = if once { "Connection: close\r\n" } else { "" };
    let request = format!("POST {path} HTTP/1.1\r\nHost: t.test\r\n{close}Content-Length: 5\r\n\r\nhello");
    while !stop.load(Ordering::Relaxed) {
        let mut stream = match TcpStream::connect(node).await {
            Ok(stream) => stream,
            Err(error) => {
                failed.push(format!("no connection: {error}"));
                continue;
            }
        };
        loop {
            let answered = async {
                stream.write_all(request.as_bytes()).await?;
                let mut text = Vec::new();
                while !text.ends_with(b"back") {
                    if stream.read_buf(&mut text).await? == 0 {
                        return Err(std::io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Ok::<_, std::io::Error>(String::from_utf8_lossy(&text).into_owned())
            };
            match tokio::time::timeout(PATIENCE, answered).await {
                Ok(Ok(text)) if text.starts_with("HTTP/1.1 200 ") => {
                    sent.fetch_add(1, Ordering::Relaxed);
                    if once || text.to_lowercase().contains("connection: close") || stop.load(Ordering::Relaxed) {
                        break;
                    }
                }
                other => {
                    failed.push(format!("{other:?}"));
                    break;
                }
            }
        }
    }
    failed
}

async fn secure_client(node: SocketAddr, ca: Ca, stop: Arc<AtomicBool>, sent: Arc<AtomicU64>) -> Vec<String> {
    let mut failed = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let offer =
            if sent.load(Ordering::Relaxed).is_multiple_of(2) { Offer::h2("t.test") } else { Offer::of("t.test") };
        let stream = match ca.try_connect(node, offer).await {
            Ok(stream) => stream,
            Err(error) => {
                failed.push(format!("no TLS: {error}"));
                continue;
            }
        };
        let h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        let answer = ask(stream, if h2 { get2("https://t.test/slow") } else { get("t.test", "/slow") }).await;
        match answer.status.as_u16() {
            200 => drop(sent.fetch_add(1, Ordering::Relaxed)),
            other => failed.push(format!("{other} {}", answer.text())),
        }
    }
    failed
}

/// With descriptors from 3 on, as a service manager passes them to the process that it starts.
fn activated(file: &Path, sockets: &[&std::net::TcpListener]) -> Child {
    let program = env!("CARGO_BIN_EXE_switchyard");
    let mut command = Command::new("sh");
    command.args(["-c", "LISTEN_PID=$$ exec \"$0\" \"$@\"", program, "serve", "--config", file.to_str().unwrap()]);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("LISTEN_FDS", sockets.len().to_string()).env("LISTEN_FDNAMES", vec!["x"; sockets.len()].join(":"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    let passed: Vec<i32> = sockets.iter().map(|socket| socket.as_raw_fd()).collect();
    // SAFETY: system calls on numbers, nothing else; above 100 none of them is in another's way.
    unsafe {
        command.pre_exec(move || {
            for (number, from) in passed.iter().enumerate() {
                libc::dup2(*from, 100 + number as i32);
            }
            for number in 0..passed.len() as i32 {
                libc::dup2(100 + number, 3 + number);
                libc::close(100 + number);
            }
            Ok(())
        });
    }
    command.spawn().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restarts_on_sockets_that_are_kept() {
    let data = data().await;
    let file = data.path().join("node.toml");
    let node = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let admin = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let stray = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let text = config(data.path(), node.local_addr().unwrap(), admin.local_addr().unwrap(), "");
    std::fs::write(&file, text).unwrap();
    let start = async || {
        let mut child = activated(&file, &[&admin, &node, &stray]);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(line(&mut lines).await.starts_with("ready "));
        child
    };
    let mut child = start().await;
    deploys(data.path(), "back").await;
    let load = Load::start(node.local_addr().unwrap());
    let rounds = scaled(6).max(2);
    for round in 0..rounds {
        load.more(50).await;
        tell("TERM", child.id().unwrap()).await;
        let ended = tokio::time::timeout(PATIENCE, child.wait()).await.expect("it ends in time").unwrap();
        assert_eq!(ended.code(), Some(0), "round {round}");
        child = start().await;
    }
    load.more(50).await;
    println!("{} requests over {rounds} restarts", load.none_failed().await);
}

/// What the service manager heard, message by message.
struct Manager {
    socket: UnixDatagram,
    path: std::path::PathBuf,
}

impl Manager {
    fn new(folder: &Path) -> Self {
        let path = folder.join("notify");
        Self { socket: UnixDatagram::bind(&path).unwrap(), path }
    }

    /// The next message with this in it, other than a sign of life.
    async fn hears(&self, wanted: &str) -> String {
        let heard = async {
            loop {
                let mut bytes = vec![0; 4096];
                let read = self.socket.recv(&mut bytes).await.unwrap();
                let text = String::from_utf8(bytes[..read].to_vec()).unwrap();
                if text.contains(wanted) {
                    return text;
                }
                assert_eq!(text, "WATCHDOG=1\n", "instead of {wanted}");
            }
        };
        tokio::time::timeout(PATIENCE, heard).await.unwrap_or_else(|_| panic!("{wanted} in time"))
    }
}

/// A process that is no child of this one.
struct Orphan(u32);

impl Drop for Orphan {
    fn drop(&mut self) {
        let _ = std::process::Command::new("kill").args(["-KILL", &self.0.to_string()]).stderr(Stdio::null()).status();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_process_after_the_other() {
    let data = data().await;
    let file = data.path().join("node.toml");
    let (node, secure, admin) = (free(), free(), free());
    let ca = Ca::new();
    let files = ca.issue(data.path(), "t", &["t.test"]);
    let config = |more: &str| {
        let tls = format!("tls = {{ certificates = [{{ cert = {:?}, key = {:?} }}] }}", files.cert, files.key);
        config(data.path(), node, admin, more) + &format!("[[listener]]\nbind = \"{secure}\"\n{tls}\n")
    };
    std::fs::write(&file, config("")).unwrap();
    let manager = Manager::new(data.path());
    // As an upgrade does it: the program is a link, which is turned to the next build.
    let link = data.path().join("switchyard");
    turn(&link, "old");
    let mut command = Command::new(&link);
    command.args(["serve", "--config", file.to_str().unwrap()]).env_clear().env("NOTIFY_SOCKET", &manager.path);
    let mut first =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(first.stdout.take().unwrap()).lines();
    let mut errors = BufReader::new(first.stderr.take().unwrap()).lines();
    assert!(line(&mut lines).await.starts_with("ready "));
    manager.hears("READY=1").await;
    deploys(data.path(), "back").await;
    let load = Load::with_tls(node, secure, ca);
    load.more(50).await;

    // A successor that cannot read its configuration, or fails on the data, changes nothing.
    for (wrong, why) in [
        ("nonsense = 1\n", "the new process ended: exit status: 1"),
        ("account = \"nobody\"\n", "the new process ended: exit status: 1"),
    ] {
        std::fs::write(&file, config(wrong)).unwrap();
        tell("USR2", first.id().unwrap()).await;
        loop {
            let said = tokio::time::timeout(PATIENCE, errors.next_line()).await.expect("a line in time").unwrap();
            let said = said.expect("a line");
            if said.contains("could not hand over") {
                assert!(said.contains(why), "{said}");
                break;
            }
        }
        load.more(20).await;
        deploys(data.path(), "back").await;
    }
    std::fs::write(&file, config("")).unwrap();

    turn(&link, "new");
    let mut orphan: Option<Orphan> = None;
    let rounds = scaled(5).max(2);
    for round in 0..rounds {
        load.more(50).await;
        let pid = orphan.as_ref().map_or_else(|| first.id().unwrap(), |orphan| orphan.0);
        tell("USR2", pid).await;
        // Ready is what it says of itself, the number is what the one before says.
        let told = [manager.hears("=").await, manager.hears("=").await].concat();
        assert!(told.contains("READY=1\n"), "{told}");
        let next = told.lines().find_map(|line| line.strip_prefix("MAINPID=")).unwrap_or_else(|| panic!("{told}"));
        assert!(line(&mut lines).await.starts_with("ready "));
        assert!(std::fs::read_link(format!("/proc/{next}/exe")).unwrap().ends_with("new"));
        if round == 0 {
            let ended = tokio::time::timeout(PATIENCE, first.wait()).await.expect("it ends in time").unwrap();
            assert_eq!(ended.code(), Some(0));
        }
        if let Some(old) = orphan.replace(Orphan(next.parse().unwrap())) {
            gone(old.0).await;
            std::mem::forget(old);
        }
        // The data has gone over: what is uploaded is taken by the new process, and served.
        deploys(data.path(), if round % 2 == 0 { "is back" } else { "back" }).await;
    }
    load.more(50).await;
    println!("{} requests over {rounds} handovers", load.none_failed().await);
    // It is a node as any other: it ends when it is told.
    let last = orphan.unwrap();
    tell("TERM", last.0).await;
    manager.hears("STOPPING=1").await;
    gone(last.0).await;
    std::mem::forget(last);
    assert!(TcpStream::connect(node).await.is_err());
}

/// Makes a link lead to another file with the same program.
fn turn(link: &Path, name: &str) {
    let (build, draft) = (link.with_file_name(name), link.with_extension("draft"));
    let program = env!("CARGO_BIN_EXE_switchyard");
    if std::fs::hard_link(program, &build).is_err() {
        std::fs::copy(program, &build).unwrap();
    }
    std::os::unix::fs::symlink(&build, &draft).unwrap();
    std::fs::rename(&draft, link).unwrap();
}

/// Waits until a process that may be nobody's child has ended.
async fn gone(pid: u32) {
    let ended = async {
        loop {
            let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            // A zombie has ended too, where nobody collects it.
            if status.is_empty() || status.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z')) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, ended).await.expect("it ends in time");
}

#[tokio::test]
async fn the_service_manager_is_told() {
    let data = data().await;
    let file = data.path().join("node.toml");
    std::fs::write(&file, config(data.path(), free(), free(), "")).unwrap();
    let manager = Manager::new(data.path());
    let mut command = switchyard(&["serve", "--config", file.to_str().unwrap()]);
    let mut child = command.env("NOTIFY_SOCKET", &manager.path).env("WATCHDOG_USEC", "100000").spawn().unwrap();
    manager.hears("READY=1").await;
    manager.hears("WATCHDOG=1").await;
    manager.hears("WATCHDOG=1").await;
    tell("HUP", child.id().unwrap()).await;
    let reloading = manager.hears("RELOADING=1").await;
    assert!(reloading.contains("MONOTONIC_USEC="), "{reloading}");
    manager.hears("READY=1").await;
    tell("TERM", child.id().unwrap()).await;
    manager.hears("STOPPING=1").await;
    let ended = tokio::time::timeout(PATIENCE, child.wait()).await.expect("it ends in time").unwrap();
    assert_eq!(ended.code(), Some(0));
}
