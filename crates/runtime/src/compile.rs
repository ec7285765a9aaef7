//! Compiling components: only at upload (or for want of an artefact of this engine), only after the structural
//! check, only in a process of its own with limits, only in turn. What comes of it is a file that bears our MAC
//! under a name that says whose it is and for which engine.
//!
//! In reading order: `check` and `shape` (what is let through), `queue` (whose turn it is), `child` and `confine`
//! (the process), `artefact` (the file).

pub mod artefact;
pub mod check;
mod child;
mod confine;
pub mod queue;
pub mod shape;

use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitCode, ExitStatus, Stdio};
use std::sync::{Arc, OnceLock};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use switchyard_catalog::{AccountId, InvalidScript, NamespaceName, ScriptName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::component::Model;

use self::confine::Cell;
use self::queue::{Queue, Standing};

/// What compilations may take, and who does them.
#[derive(Debug, Clone)]
pub struct CompileConfig {
    /// The program that compiles, a `switchyard` of the same build; `None`: this process's own.
    pub program: Option<PathBuf>,
    /// CPU of one; whole seconds.
    pub cpu: Duration,
    /// Address space of one, in bytes.
    pub memory: u64,
    /// Of one, from its start to its end.
    pub wall: Duration,
    /// At once; 0: as many as there are cores.
    pub at_once: usize,
    /// That wait; further ones are refused.
    pub queue: usize,
    /// How long a request waits for an artefact that is made anew, before it is told to come back.
    pub rebuild_wait: Duration,
}

impl Default for CompileConfig {
    fn default() -> Self {
        Self {
            program: None,
            cpu: Duration::from_secs(60),
            memory: 1 << 30,
            wall: Duration::from_secs(90),
            at_once: 0,
            queue: 16,
            rebuild_wait: Duration::from_secs(10),
        }
    }
}

/// Whose component is compiled: a new script has no id yet that others could ask by.
#[derive(Debug, Clone)]
pub struct Who {
    pub account: AccountId,
    /// `None`: one of the account's own Workers.
    pub namespace: Option<NamespaceName>,
    pub script: ScriptName,
}

impl Who {
    /// As the queue knows it.
    fn key(&self) -> String {
        let namespace = self.namespace.as_ref().map_or("", NamespaceName::as_str);
        format!("{}/{namespace}/{}", self.account, self.script)
    }
}

/// What is told of a compilation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CompileNews {
    /// The how manieth in the queue, from 1.
    Waits(usize),
    Begins,
    /// After so long.
    Compiled(Duration),
    /// With the text that its uploader gets.
    Refused(String),
}

type Listener = Box<dyn Fn(&Who, &CompileNews) + Send + Sync>;

/// Bytes of one artefact.
const MAX_ARTEFACT: u64 = 512 << 20;
/// What a compiler says whose memory is at its end: of the standard library, of the compiler's own, of the system.
const OUT_OF_MEMORY: [&str; 3] = ["memory allocation of", "out of memory", "Cannot allocate memory"];
/// Of a compiler's message, what is shown.
const MAX_MESSAGE: u64 = 4 << 10;

/// Runs compilers.
pub struct Compiler {
    config: CompileConfig,
    queue: Arc<Queue>,
    /// What this build's artefacts depend on, by model; each worked out when the first is wanted.
    fingerprints: [OnceLock<Result<String, String>>; 2],
    listener: OnceLock<Listener>,
}

impl Compiler {
    pub fn new(config: CompileConfig) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let at_once = if config.at_once == 0 { cores } else { config.at_once };
        Self {
            queue: Queue::new(at_once, config.queue),
            config,
            fingerprints: Default::default(),
            listener: OnceLock::new(),
        }
    }

    /// How long a request waits for a compilation.
    pub fn rebuild_wait(&self) -> Duration {
        self.config.rebuild_wait
    }

    /// How far a script's compilation is.
    pub fn standing(&self, who: &Who) -> Option<Standing> {
        self.queue.standing(&who.key())
    }

    /// Who is told how compilations go, from now on. Set once; it must not wait.
    pub fn tell(&self, listener: Listener) {
        let _ = self.listener.set(listener);
    }

    fn news(&self, who: &Who, news: &CompileNews) {
        if let Some(listener) = self.listener.get() {
            listener(who, news);
        }
    }

    /// Compilations that run, and that wait.
    pub fn counts(&self) -> (usize, usize) {
        self.queue.counts()
    }

    /// See [`child::fingerprint`]. The first call makes an engine: some milliseconds.
    ///
    /// # Errors
    /// When wasmtime does not know this machine.
    pub fn fingerprint(&self, model: Model) -> Result<&str, InvalidScript> {
        let made = self.fingerprints[model as usize].get_or_init(|| {
            child::engine(model).map(|engine| child::fingerprint(&engine)).map_err(|error| format!("{error:#}"))
        });
        made.as_deref().map_err(|message| InvalidScript::Unavailable(message.clone()))
    }

    /// As [`Compiler::fingerprint`], those that were worked out before.
    pub fn known_fingerprints(&self) -> impl Iterator<Item = &str> {
        self.fingerprints.iter().filter_map(|made| made.get()?.as_deref().ok())
    }

    /// Whether this is the fingerprint of one of our engines; what cannot be known is taken for it.
    pub fn is_for(&self, fingerprint: &str) -> bool {
        Model::ALL.iter().any(|model| self.fingerprint(*model).map_or(true, |ours| ours == fingerprint))
    }

    /// Compiles a checked component into a file, when `who`, a script, has its turn. Dropped, it ends: nobody waits
    /// for it any more. Returns how long the compiler ran.
    ///
    /// # Errors
    /// `Refused` with the limit it passed, or with what the compiler said; `Busy` where the queue is full;
    /// `Unavailable` where it is our fault.
    pub async fn compile(
        &self,
        who: &Who,
        source: Bytes,
        model: Model,
        output: File,
    ) -> Result<Duration, InvalidScript> {
        let key = who.key();
        let mut turn = std::pin::pin!(self.queue.turn(&key));
        let turn = match std::future::poll_fn(|cx| Poll::Ready(turn.as_mut().poll(cx))).await {
            Poll::Ready(turn) => turn,
            Poll::Pending => {
                if let Some(Standing::Waits(place)) = self.queue.standing(&key) {
                    self.news(who, &CompileNews::Waits(place));
                }
                turn.await
            }
        };
        let turn = turn.map_err(|full| InvalidScript::Busy(full.to_string()))?;
        self.news(who, &CompileNews::Begins);
        let began = std::time::Instant::now();
        let done = self.run(source, model, output).await.map(|()| began.elapsed());
        drop(turn);
        match &done {
            Ok(took) => self.news(who, &CompileNews::Compiled(*took)),
            Err(InvalidScript::Refused(message)) => self.news(who, &CompileNews::Refused(message.clone())),
            Err(InvalidScript::Busy(_) | InvalidScript::Unavailable(_)) => {}
        }
        done
    }

    async fn run(&self, source: Bytes, model: Model, output: File) -> Result<(), InvalidScript> {
        let unavailable = |what: &str, error: std::io::Error| InvalidScript::Unavailable(format!("{what}: {error}"));
        // By this name it is the very file that this process runs, also where another has taken its place since.
        let own = || PathBuf::from("/proc/self/exe");
        let program = self.config.program.clone().unwrap_or_else(own);
        let mut command = tokio::process::Command::new(program);
        command
            .arg("compile")
            .args(["--for", self.fingerprint(model)?])
            .args(["--cpu", &self.config.cpu.as_secs().max(1).to_string()])
            .args(["--memory", &self.config.memory.to_string()])
            .args(["--wall", &self.config.wall.as_secs().max(1).to_string()])
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(output)
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn().map_err(|error| unavailable("the compiler cannot be started", error))?;
        // The command holds the output open.
        drop(command);
        let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
        let give = async {
            if let Some(mut stdin) = stdin {
                // One that has ended says why elsewhere.
                let _ = stdin.write_all(&source).await;
            }
        };
        let listen = async {
            let mut text = Vec::new();
            if let Some(mut stderr) = stderr {
                let _ = (&mut stderr).take(MAX_MESSAGE).read_to_end(&mut text).await;
                let _ = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
            }
            String::from_utf8_lossy(&text).trim().to_owned()
        };
        let ended = tokio::time::timeout(self.config.wall, async { tokio::join!(give, listen, child.wait()) }).await;
        match ended {
            Ok(((), message, Ok(status))) => self.verdict(status, &message),
            Ok((_, _, Err(error))) => Err(unavailable("the compiler cannot be waited for", error)),
            Err(_) => {
                // Waited for, so that no dead process is left.
                let _ = child.kill().await;
                Err(InvalidScript::Refused(format!(
                    "compiling the component took more than {} s",
                    self.config.wall.as_secs_f64()
                )))
            }
        }
    }

    fn verdict(&self, status: ExitStatus, message: &str) -> Result<(), InvalidScript> {
        let refused = |text: String| Err(InvalidScript::Refused(text));
        let shown: String = message.chars().filter(|c| !c.is_control() || *c == '\n').take(2_000).collect();
        match (status.code().map(u8::try_from), status.signal()) {
            (Some(Ok(0)), _) => Ok(()),
            (Some(Ok(child::REFUSED)), _) => refused(format!("the component does not compile: {shown}")),
            (Some(Ok(child::UNABLE)), _) => Err(InvalidScript::Unavailable(shown)),
            // Not by us: memory ran out on the node.
            (_, Some(libc::SIGKILL)) => Err(InvalidScript::Unavailable("the system ended the compiler".into())),
            (_, Some(libc::SIGXCPU)) => {
                refused(format!("compiling the component took more than {} s of CPU", self.config.cpu.as_secs().max(1)))
            }
            (_, Some(libc::SIGALRM)) => {
                refused(format!("compiling the component took more than {} s", self.config.wall.as_secs_f64()))
            }
            (_, Some(libc::SIGXFSZ)) => {
                refused(format!("the compiled component has more than {} MiB", MAX_ARTEFACT >> 20))
            }
            _ if OUT_OF_MEMORY.iter().any(|words| message.contains(words)) => {
                refused(format!("compiling the component took more than {} MiB of memory", self.config.memory >> 20))
            }
            _ => {
                tracing::error!(%status, message = shown, "the compiler ended in a way that is not known");
                refused(format!("the compiler cannot do with this component ({status})"))
            }
        }
    }
}

/// The process that compiles: what `switchyard compile` is. Takes the source on its input and writes to its output,
/// which must be a file. It has `cpu` (whole seconds), `memory` (bytes of address space) and `wall`.
pub fn compile_process(wanted: &str, cpu: Duration, memory: u64, wall: Duration) -> ExitCode {
    child::run(wanted, &Cell { cpu, memory, wall, output: MAX_ARTEFACT })
}
