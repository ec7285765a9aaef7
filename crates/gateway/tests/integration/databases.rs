//! Database servers that the tests start for themselves: as an unprivileged user, in a temporary folder.
//! A machine without the server's package skips what needs it, and says so.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::process::{Child, Command};

use crate::harness::PATIENCE;

/// Debian's `nobody` and `nogroup`: neither server runs as root.
const NOBODY: u32 = 65_534;

pub struct Server {
    pub url: String,
    start: Box<dyn Fn() -> Command + Send + Sync>,
    address: SocketAddr,
    process: Option<Child>,
    _folder: tempfile::TempDir,
}

/// A line that is easy to find and to count.
fn skipped(what: &str, why: &str) {
    eprintln!("SKIPPED: tests with {what}: {why}");
}

fn is_root() -> bool {
    std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap()) == 0
}

/// A folder of the user that the server runs as.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    if is_root() {
        std::os::unix::fs::chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    }
    folder
}

fn unprivileged(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).env("HOME", folder).env("LC_ALL", "C").kill_on_drop(true);
    command.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null());
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

async fn succeeds(mut command: Command) {
    let output = command.stdout(std::process::Stdio::piped()).output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
}

fn free_port() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn found(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/libexec".into()]);
    let mut all = folders.flat_map(|folder| names.iter().map(move |name| folder.join(name)));
    all.find(|program| program.is_file())
}

/// `None`: it is not installed.
pub async fn postgres() -> Option<Server> {
    let bin = Command::new("pg_config").arg("--bindir").output().await.ok();
    let bin = bin.map(|output| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    let Some(bin) = bin.filter(|bin| bin.join("initdb").is_file() && bin.join("postgres").is_file()) else {
        skipped("PostgreSQL", "pg_config finds no server");
        return None;
    };
    let folder = folder();
    let data = folder.path().join("data");
    let mut initdb = unprivileged(&bin.join("initdb"), folder.path());
    initdb.args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-sync", "--pgdata"]).arg(&data);
    succeeds(initdb).await;
    let address = free_port();
    let (at, sockets) = (folder.path().to_owned(), folder.path().display().to_string());
    let start = move || {
        let mut server = unprivileged(&bin.join("postgres"), &at);
        server.arg("-D").arg(&data).args(["-k", &sockets, "-p", &address.port().to_string()]);
        server.args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "shared_buffers=16MB"]);
        server.stderr(std::process::Stdio::null());
        server
    };
    let url = format!("postgres://postgres@{address}/postgres");
    Some(Server::new(url, address, Box::new(start), folder).await)
}

/// `None`: it is not installed.
pub async fn mariadb() -> Option<Server> {
    let (server, install) = (found(&["mariadbd", "mysqld"]), found(&["mariadb-install-db", "mysql_install_db"]));
    // The last is what mariadb-install-db calls, and comes with Debian's mariadb-client.
    let (Some(server), Some(install), Some(_)) = (server, install, found(&["my_print_defaults"])) else {
        skipped("MariaDB", "there is no mariadbd with mariadb-install-db and my_print_defaults");
        return None;
    };
    let folder = folder();
    let data = folder.path().join("data");
    let mut command = unprivileged(&install, folder.path());
    command.args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"]);
    command.arg(format!("--datadir={}", data.display()));
    succeeds(command).await;
    let address = free_port();
    let at = folder.path().to_owned();
    let start = move || {
        let mut command = unprivileged(&server, &at);
        command.args(["--no-defaults", "--bind-address=127.0.0.1", "--skip-log-bin"]);
        command.arg(format!("--port={}", address.port())).arg(format!("--datadir={}", data.display()));
        command.arg(format!("--socket={}", at.join("socket").display()));
        command.stderr(std::process::Stdio::null());
        command
    };
    let url = format!("mysql://root@{address}/mysql");
    Some(Server::new(url, address, Box::new(start), folder).await)
}

impl Server {
    async fn new(
        url: String,
        address: SocketAddr,
        start: Box<dyn Fn() -> Command + Send + Sync>,
        folder: tempfile::TempDir,
    ) -> Self {
        let mut server = Self { url, start, address, process: None, _folder: folder };
        server.start().await;
        server
    }

    /// Returns when it accepts connections.
    pub async fn start(&mut self) {
        self.process = Some((self.start)().spawn().unwrap());
        let listening = async {
            while tokio::net::TcpStream::connect(self.address).await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, listening).await.expect("the server listens in time");
    }

    /// At once, as in a crash; its sessions with it.
    pub async fn stop(&mut self) {
        let processes = self.processes();
        signal("KILL", &processes);
        self.process.take().unwrap().wait().await.unwrap();
        let gone = async {
            while processes.iter().any(|id| Path::new(&format!("/proc/{id}/stat")).exists()) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let _ = tokio::time::timeout(Duration::from_secs(5), gone).await;
    }

    /// It accepts connections and answers nothing.
    pub fn freeze(&self) {
        // The server first: of what it makes while its children are looked for, one would go on.
        signal("STOP", &[self.process.as_ref().and_then(Child::id).unwrap()]);
        signal("STOP", &self.processes());
    }

    pub fn thaw(&self) {
        signal("CONT", &self.processes());
    }

    /// The server and its children: PostgreSQL has a process a session.
    fn processes(&self) -> Vec<u32> {
        let id = self.process.as_ref().and_then(Child::id).unwrap();
        let mut all = vec![id];
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let Some(child) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
            let parent = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_ascii_whitespace().nth(1)?.parse().ok());
            if parent == Some(id) {
                all.push(child);
            }
        }
        all
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.process.is_some() {
            signal("KILL", &self.processes());
        }
    }
}

fn signal(name: &str, processes: &[u32]) {
    let mut command = std::process::Command::new("kill");
    command.arg(format!("-{name}")).args(processes.iter().map(ToString::to_string));
    // One of them may have ended by itself.
    let _ = command.stderr(std::process::Stdio::null()).status();
}
