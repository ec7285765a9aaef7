//! The servers under test, as child processes on core 0: `switchyard serve` with a folder of its own,
//! and the bare baseline.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::load::{self, Expect, Order, Seen};
use crate::process::{self, Side};
use crate::scripts::{self, Main};

/// Compiling the engine, the first time in a folder, takes seconds.
const START: Duration = Duration::from_secs(120);

/// How a node is configured, where it is not the default.
#[derive(Debug, Clone)]
pub struct Setup {
    pub isolation: &'static str,
    /// `true`: hosts below `direct.localhost` are tenants, all others go to the Worker `dispatcher`.
    pub dispatcher: bool,
    /// Lines of the listener.
    pub listener: String,
    /// Tables put into the configuration; resolvers among them come first.
    pub more: String,
    /// Where it runs.
    pub side: Side,
}

impl Default for Setup {
    fn default() -> Self {
        Self { isolation: "auto", dispatcher: false, listener: String::new(), more: String::new(), side: Side::Server }
    }
}

/// A running process that is measured.
pub struct Server {
    child: Child,
    /// Where requests go.
    pub gateway: SocketAddr,
    /// Where the API is; the baseline's own address where there is none.
    pub admin: SocketAddr,
    /// From the start of the process to its ready line.
    pub started_in: Duration,
    token: String,
    folder: TempDir,
    setup: Option<Setup>,
}

impl Server {
    /// The account that a new node has.
    pub const ACCOUNT: &str = "00000000000000000000000000000001";

    /// A node in a new folder.
    ///
    /// # Errors
    /// When the binary is missing or does not become ready.
    pub fn start(setup: Setup) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        Self::start_in(folder, setup)
    }

    fn start_in(folder: TempDir, setup: Setup) -> anyhow::Result<Self> {
        let binary = beside("switchyard")?;
        let data = folder.path().join("data");
        let resolvers = if setup.dispatcher {
            "[[resolver]]\nkind = \"subdomain\"\nsuffix = \"direct.localhost\"\nnamespace = \"dev\"\n\
             [[resolver]]\nkind = \"worker\"\nscript = \"dispatcher\"\n"
        } else {
            "[[resolver]]\nkind = \"subdomain\"\nsuffix = \"localhost\"\nnamespace = \"dev\"\n"
        };
        let config = format!(
            "data = {:?}\n[[listener]]\nbind = \"127.0.0.1:0\"\n{}[admin]\nbind = \"127.0.0.1:0\"\n{}{resolvers}\
             [upstream]\nallow = [\"127.0.0.1\"]\n[runtime]\nisolation = {:?}\n[log]\naccess = \"stdout\"\nformat = \"json\"\n",
            data, setup.listener, setup.more, setup.isolation,
        );
        let file = folder.path().join("switchyard.toml");
        fs::write(&file, config)?;
        let mut command = Command::new(binary);
        command.arg("serve").arg("--config").arg(&file);
        let out = folder.path().join("out");
        let (child, ready, started_in) = spawn(command, folder.path(), setup.side, || line(&out, ""))?;
        let address = |name: &str| -> anyhow::Result<SocketAddr> {
            let word =
                ready.split(' ').find_map(|word| word.strip_prefix(name)).context("the ready line lacks an address")?;
            let word =
                word.trim_start_matches("http://").trim_start_matches("https://").split('/').next().unwrap_or_default();
            Ok(word.parse()?)
        };
        let (gateway, admin) = (address("gateway=")?, address("admin=")?);
        let token = fs::read_to_string(data.join("token")).context("could not read the token")?.trim().to_owned();
        Ok(Self { child, gateway, admin, started_in, token, folder, setup: Some(setup) })
    }

    /// The bare baseline.
    ///
    /// # Errors
    /// When it does not become ready.
    pub fn bare() -> anyhow::Result<Self> {
        Self::bare_with(&["bare"])
    }

    /// The same, which speaks HTTP/2 without TLS.
    ///
    /// # Errors
    /// As [`Server::bare`].
    pub fn bare_http2() -> anyhow::Result<Self> {
        Self::bare_with(&["bare", "--http2"])
    }

    /// The baseline that passes requests on to that origin.
    ///
    /// # Errors
    /// As [`Server::bare`].
    pub fn bare_proxy(origin: SocketAddr) -> anyhow::Result<Self> {
        Self::bare_with(&["bare-proxy", &origin.to_string()])
    }

    fn bare_with(arguments: &[&str]) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args(arguments);
        let out = folder.path().join("out");
        let (child, ready, started_in) = spawn(command, folder.path(), Side::Server, || line(&out, ""))?;
        let address: SocketAddr = ready.trim_start_matches("ready ").parse()?;
        Ok(Self { child, gateway: address, admin: address, started_in, token: String::new(), folder, setup: None })
    }

    /// A server of others, as its command starts it, on the server's core.
    ///
    /// # Errors
    /// When it does not become ready.
    pub fn peer(command: Command, folder: TempDir, ready: Ready<'_>) -> anyhow::Result<Self> {
        let (child, gateway, started_in) =
            spawn(command, folder.path(), Side::Server, || ready.address(folder.path()))?;
        Ok(Self { child, gateway, admin: gateway, started_in, token: String::new(), folder, setup: None })
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it as an operator would, and starts it again on the same data.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub fn restart(mut self) -> anyhow::Result<Self> {
        let setup = self.setup.clone().context("only a node can be restarted")?;
        self.terminate()?;
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir()?);
        drop(self);
        Self::start_in(folder, setup)
    }

    fn terminate(&mut self) -> anyhow::Result<()> {
        // SAFETY: it is our child and has not been waited for, so that the number is still its own.
        unsafe { libc::kill(self.child.id() as libc::pid_t, libc::SIGTERM) };
        let deadline = Instant::now() + Duration::from_secs(30);
        while self.child.try_wait()?.is_none() {
            ensure!(Instant::now() < deadline, "the server does not end at SIGTERM");
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Requests that upload these scripts, name and code, to the dispatch namespace.
    pub fn uploads(&self, scripts: impl IntoIterator<Item = (String, String)>) -> Vec<Vec<u8>> {
        scripts.into_iter().map(|(name, code)| self.upload(&name, &code)).collect()
    }

    /// As [`Server::uploads`], of one.
    pub fn upload(&self, name: &str, code: &str) -> Vec<u8> {
        let path = format!("/accounts/{}/workers/dispatch/namespaces/dev/scripts/{name}", Self::ACCOUNT);
        scripts::upload(&path, &self.token, &json!({}), Main::Script(code))
    }

    /// As [`Server::upload`], of a component.
    pub fn upload_component(&self, name: &str, bytes: &[u8]) -> Vec<u8> {
        let path = format!("/accounts/{}/workers/dispatch/namespaces/dev/scripts/{name}", Self::ACCOUNT);
        scripts::upload(&path, &self.token, &json!({}), Main::Component(bytes))
    }

    /// A request that reads from the API, below `/client/v4`.
    pub fn get(&self, path: &str) -> Vec<u8> {
        let token = &self.token;
        format!("GET /client/v4{path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\n\r\n")
            .into_bytes()
    }

    /// Uploads them, four at once.
    ///
    /// # Errors
    /// When one is refused.
    pub fn publish(&self, scripts: impl IntoIterator<Item = (String, String)>) -> anyhow::Result<()> {
        let uploads = self.uploads(scripts);
        let seen = load::run(self.admin, &uploads, Order::Each, 4, Expect { status: 200 });
        all_well(&seen.with_context(|| format!("while {} scripts were published", uploads.len()))?)
    }

    /// Uploads one with fields of its own in its metadata.
    ///
    /// # Errors
    /// When it is refused.
    pub fn publish_with(&self, name: &str, metadata: &Value, code: Main<'_>) -> anyhow::Result<()> {
        let path = format!("/accounts/{}/workers/dispatch/namespaces/dev/scripts/{name}", Self::ACCOUNT);
        let (status, body) = load::once(self.admin, &scripts::upload(&path, &self.token, metadata, code))?;
        ensure!(status == 200, "{name} was refused: {status} {}", String::from_utf8_lossy(&body));
        Ok(())
    }

    /// Makes a script of the dispatch namespace proxy to an origin.
    ///
    /// # Errors
    /// When it is refused.
    pub fn publish_upstream(&self, name: &str, origin: SocketAddr) -> anyhow::Result<()> {
        let path = format!("/accounts/{}/workers/dispatch/namespaces/dev/scripts/{name}", Self::ACCOUNT);
        let body = json!({ "metadata": { "upstream": { "origins": [{ "url": format!("http://{origin}") }] } } });
        let (token, body) = (&self.token, body.to_string());
        let request = format!(
            "PUT /client/v4{path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let (status, body) = load::once(self.admin, request.as_bytes())?;
        ensure!(status == 200, "{name} was refused: {status} {}", String::from_utf8_lossy(&body));
        Ok(())
    }

    /// Sets what holds for all scripts of the namespace.
    ///
    /// # Errors
    /// When it is refused.
    pub fn namespace_settings(&self, settings: &Value) -> anyhow::Result<()> {
        let (token, body) = (&self.token, settings.to_string());
        let request = format!(
            "PUT /client/v4/switchyard/accounts/{}/namespaces/dev/settings HTTP/1.1\r\nhost: 127.0.0.1\r\n\
             authorization: Bearer {token}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            Self::ACCOUNT,
            body.len(),
        );
        let (status, body) = load::once(self.admin, request.as_bytes())?;
        ensure!(status == 200, "the settings were refused: {status} {}", String::from_utf8_lossy(&body));
        Ok(())
    }

    /// Uploads a Worker of the account that may dispatch to the namespace.
    ///
    /// # Errors
    /// When it is refused.
    pub fn publish_dispatcher(&self) -> anyhow::Result<()> {
        let binding = json!({ "type": "dispatch_namespace", "name": "dispatcher", "namespace": "dev" });
        let metadata = json!({ "bindings": [binding] });
        let path = format!("/accounts/{}/workers/scripts/dispatcher", Self::ACCOUNT);
        let request = scripts::upload(&path, &self.token, &metadata, Main::Script(scripts::DISPATCHER));
        let (status, body) = load::once(self.admin, &request)?;
        ensure!(status == 200, "the dispatcher was refused: {status} {}", String::from_utf8_lossy(&body));
        Ok(())
    }

    /// What the access log has now.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn log(&self) -> anyhow::Result<String> {
        fs::read_to_string(self.folder.path().join("out")).context("could not read the access log")
    }

    /// Bytes of disk that its data folder takes, and of which the compiled engine is none of a tenant's.
    pub fn disk(&self) -> u64 {
        process::disk(&self.folder.path().join("data"))
    }

    /// Empties the access log: a long run must not fill the disk.
    pub fn forget_log(&self) {
        if let Ok(log) = File::options().write(true).open(self.folder.path().join("out")) {
            let _ = log.set_len(0);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// # Errors
/// When an answer was not as expected.
pub fn all_well(seen: &Seen) -> anyhow::Result<()> {
    match &seen.first_error {
        None => Ok(()),
        Some(first) => bail!("{} of {} requests failed; the first: {first}", seen.errors, seen.requests),
    }
}

/// How a server of others says that it serves, and where.
pub enum Ready<'a> {
    /// The first line with `text` in what it writes, on its output (`out`) or beside it (`log`), has the address.
    Says { file: &'a str, text: &'a str, address: fn(&str) -> Option<SocketAddr> },
    /// It can be connected to there, which it was told.
    Listens(SocketAddr),
}

impl Ready<'_> {
    fn address(&self, folder: &Path) -> anyhow::Result<Option<SocketAddr>> {
        match self {
            Self::Listens(at) => Ok(TcpStream::connect_timeout(at, Duration::from_millis(200)).is_ok().then_some(*at)),
            Self::Says { file, text, address } => line(&folder.join(file), text)?
                .map(|line| address(&line).with_context(|| format!("it does not say where it serves: {line}")))
                .transpose(),
        }
    }
}

/// An address of the loopback that nobody listens at now, for servers that cannot choose one.
///
/// # Errors
/// When there is none.
pub fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// The first whole line of a file with that text in it.
fn line(file: &Path, text: &str) -> anyhow::Result<Option<String>> {
    let all = fs::read_to_string(file)?;
    let mut lines = all.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
    Ok(lines.find(|line| line.contains(text)).map(str::to_owned))
}

/// Starts a process on its side's core and waits until it is ready. Its output goes to files of the folder. It ends
/// with the thread that starts it, whatever becomes of this process.
fn spawn<T>(
    mut command: Command,
    folder: &Path,
    side: Side,
    mut ready: impl FnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<(Child, T, Duration)> {
    let (out, log) = (folder.join("out"), folder.join("log"));
    let file = |path: &Path| File::options().create(true).truncate(true).write(true).open(path);
    file(&out)?;
    // Appending, so that `forget_log` leaves no hole.
    let stdout = File::options().append(true).open(&out)?;
    command.stdin(Stdio::null()).stdout(stdout).stderr(file(&log)?);
    // SAFETY: between fork and exec, this is one call of the kernel that involves no memory.
    unsafe {
        command.pre_exec(|| {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            Ok(())
        });
    }
    let began = Instant::now();
    process::pin(side); // inherited
    let child = command.spawn();
    process::pin(Side::Load);
    let mut child = child.with_context(|| format!("could not start {}", command.get_program().to_string_lossy()))?;
    let failed = loop {
        match ready() {
            Ok(Some(ready)) => return Ok((child, ready, began.elapsed())),
            Ok(None) => {}
            Err(error) => break error,
        }
        if let Some(status) = child.try_wait()? {
            bail!("the server ended ({status}): {}", fs::read_to_string(&log)?.trim());
        }
        if began.elapsed() > START {
            break anyhow::anyhow!("the server did not become ready");
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    let _ = child.kill();
    let _ = child.wait();
    Err(failed)
}

/// A program that cargo put beside this one.
///
/// # Errors
/// When it is not there.
pub fn beside(name: &str) -> anyhow::Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(name);
    ensure!(path.is_file(), "there is no {}: build it with `cargo build --release`", path.display());
    Ok(path)
}
