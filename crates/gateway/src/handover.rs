//! From one process to the next without a request that notices: listening sockets that are passed in (by a service
//! manager, or by the process before), and how a node starts its own successor.
//!
//! ```text
//! this process                        its successor, with the same listeners
//! starts it                           reads configuration and certificates
//!                        <- waiting
//! holds the API, lets go of the data
//!                     yours ->
//!                                     takes the data, starts, accepts
//!                        <- ready
//! accepts no more, drains, ends
//! ```
//!
//! Clients are served all the time: by this process until the other is ready, by both for a moment. Where the successor
//! fails, this one takes the data back and goes on.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use listenfd::ListenFd;
use switchyard_storage::{DataLock, OpenError};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::process::{Child, Command};

/// The name of the connection to the process before, among the sockets that are passed.
const PREDECESSOR: &str = "switchyard-predecessor";
/// The first descriptor that is passed.
const FIRST: RawFd = 3;
const WAITING: &str = "waiting";
const YOURS: &str = "yours";
const READY: &str = "ready";

/// For a successor to read its configuration.
const READ: Duration = Duration::from_secs(60);
/// For a successor to start on the data; the first start of a new build compiles the engine.
const START: Duration = Duration::from_secs(120);
/// For the process before to finish what it writes. More than it gives uploads.
const LET_GO: Duration = Duration::from_secs(60);

/// How often, and how far apart, a lock that should be free is tried.
const LOCK_TRIES: u32 = 100;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// Why a node still serves itself.
#[derive(Debug, thiserror::Error)]
pub enum HandoverError {
    #[error("this process is the container's first: with it the container ends")]
    First,
    #[error("could not start {}", program.display())]
    Start { program: PathBuf, source: io::Error },
    #[error("the new process ended: {0}")]
    Ended(ExitStatus),
    #[error("the new process was not {what} in time")]
    Late { what: &'static str },
    #[error("the connection to the new process broke")]
    Lost(#[source] io::Error),
    #[error("uploads were under way for too long")]
    Busy,
    #[error("the data could not be taken back; the API stays closed until a restart")]
    Data(#[source] OpenError),
}

/// What to start: this program, as it was called. Asked at the start, before a new build is put in its place.
#[derive(Debug, Clone)]
pub struct Program {
    path: PathBuf,
    arguments: Vec<OsString>,
}

impl Program {
    /// # Errors
    /// The system does not know where the program lies.
    pub fn this() -> io::Result<Self> {
        let mut arguments = std::env::args_os();
        // As it was called: the system would name what a symbolic link leads to, and a new build may turn it.
        let called = arguments.next().map(PathBuf::from).filter(|path| path.components().count() > 1 && path.exists());
        let path = match called {
            Some(path) => std::path::absolute(path)?,
            None => std::env::current_exe()?,
        };
        Ok(Self { path, arguments: arguments.collect() })
    }
}

/// What came from the process that started this one.
#[derive(Default)]
pub struct Inherited {
    sockets: HashMap<SocketAddr, TcpListener>,
    predecessor: Option<StdUnixStream>,
}

impl Inherited {
    /// Reads `LISTEN_FDS`, `LISTEN_PID` and `LISTEN_FDNAMES`, and takes the first two away. Before any thread is
    /// started, as it changes the environment.
    ///
    /// # Errors
    /// What was passed is no listening socket.
    pub fn from_env() -> io::Result<Self> {
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut names = names.split(':');
        let mut passed = ListenFd::from_env();
        let mut inherited = Self::default();
        for at in 0..passed.len() {
            if names.next() == Some(PREDECESSOR) {
                let hint = "connection to the process before";
                inherited.predecessor = passed.take_custom(at, libc::AF_UNIX, libc::SOCK_STREAM, hint)?;
            } else if let Some(socket) = passed.take_tcp_listener(at)? {
                inherited.sockets.insert(socket.local_addr()?, socket);
            }
        }
        Ok(inherited)
    }

    /// The one that is bound to this address.
    pub fn take(&mut self, address: SocketAddr) -> Option<TcpListener> {
        self.sockets.remove(&address)
    }

    /// Closes those that no listener of these addresses will take.
    pub fn keep(&mut self, listeners: impl Iterator<Item = SocketAddr>) {
        let listeners: Vec<SocketAddr> = listeners.collect();
        self.sockets.retain(|address, _| {
            let kept = listeners.contains(address);
            if !kept {
                tracing::warn!(%address, "a socket was passed in that no listener is bound to: it is closed");
            }
            kept
        });
    }

    /// The data folder's lock; from the process before, where there is one that lets go of it.
    ///
    /// # Errors
    /// [`OpenError::Locked`] when another process holds it.
    pub async fn lock(&mut self, data: &Path) -> Result<(DataLock, Option<Predecessor>), OpenError> {
        let Some(mut predecessor) = self.predecessor.take().and_then(Predecessor::new) else {
            return Ok((DataLock::acquire(data)?, None));
        };
        predecessor.let_go().await;
        Ok((acquire(data).await?, Some(predecessor)))
    }
}

/// Takes a lock that is free, or all but: a process that is just being started holds what its parent held until it is
/// another program.
///
/// # Errors
/// [`OpenError::Locked`] when another process holds it all the same.
pub async fn acquire(data: &Path) -> Result<DataLock, OpenError> {
    for _ in 0..LOCK_TRIES {
        match DataLock::acquire(data) {
            Err(OpenError::Locked(_)) => tokio::time::sleep(LOCK_PAUSE).await,
            taken => return taken,
        }
    }
    DataLock::acquire(data)
}

/// The process before, as its successor sees it.
pub struct Predecessor(BufReader<UnixStream>);

impl Predecessor {
    fn new(stream: StdUnixStream) -> Option<Self> {
        stream.set_nonblocking(true).ok()?;
        Some(Self(BufReader::new(UnixStream::from_std(stream).ok()?)))
    }

    /// One that has gone has let go too; whether it has, the lock tells.
    async fn let_go(&mut self) {
        let mut line = String::new();
        if self.0.write_all(format!("{WAITING}\n").as_bytes()).await.is_ok() {
            let _ = tokio::time::timeout(LET_GO, self.0.read_line(&mut line)).await;
        }
        if line.trim() != YOURS {
            tracing::warn!("the process before did not hand over");
        }
    }

    /// Requests are answered here.
    pub async fn ready(mut self) {
        let _ = self.0.write_all(format!("{READY}\n").as_bytes()).await;
    }
}

/// The process that comes after this one.
pub struct Successor {
    child: Child,
    line: BufReader<UnixStream>,
}

impl Successor {
    /// # Errors
    /// [`HandoverError`]; nothing is left running.
    pub fn start(program: &Program, sockets: &[OwnedFd]) -> Result<Self, HandoverError> {
        if std::process::id() == 1 {
            return Err(HandoverError::First);
        }
        let failed = |source| HandoverError::Start { program: program.path.clone(), source };
        let (ours, theirs) = StdUnixStream::pair().map_err(failed)?;
        ours.set_nonblocking(true).map_err(failed)?;
        let line = BufReader::new(UnixStream::from_std(ours).map_err(failed)?);
        let mut names = vec!["switchyard"; sockets.len()];
        names.push(PREDECESSOR);
        let mut command = Command::new(&program.path);
        command.args(&program.arguments);
        command.env("LISTEN_FDS", names.len().to_string()).env("LISTEN_FDNAMES", names.join(":"));
        // These name a process, and its number is not known yet; without them they are for whoever reads them.
        command.env_remove("LISTEN_PID").env_remove("WATCHDOG_PID");
        let passed: Vec<RawFd> = sockets.iter().map(AsRawFd::as_raw_fd).chain([theirs.as_raw_fd()]).collect();
        let mut moved = vec![0; passed.len()];
        // SAFETY: between fork and exec `pass` makes system calls on numbers that it holds, and nothing else: it takes
        // no memory and no lock. The descriptors stay open here until after the fork.
        unsafe { command.pre_exec(move || pass(&passed, &mut moved)) };
        let child = command.kill_on_drop(true).spawn().map_err(failed)?;
        drop(theirs);
        Ok(Self { child, line })
    }

    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// It has read all that it can without the data.
    pub async fn waits(&mut self) -> Result<(), HandoverError> {
        self.hear(WAITING, READ).await
    }

    /// The data is free: it starts on it, and answers.
    pub async fn takes_over(&mut self) -> Result<(), HandoverError> {
        self.line.write_all(format!("{YOURS}\n").as_bytes()).await.map_err(HandoverError::Lost)?;
        self.hear(READY, START).await
    }

    async fn hear(&mut self, what: &'static str, within: Duration) -> Result<(), HandoverError> {
        let mut line = String::new();
        match tokio::time::timeout(within, self.line.read_line(&mut line)).await {
            Ok(Ok(_)) if line.trim() == what => Ok(()),
            Ok(Ok(_)) => Err(self.child.wait().await.map_or_else(HandoverError::Lost, HandoverError::Ended)),
            Ok(Err(error)) => Err(HandoverError::Lost(error)),
            Err(_) => Err(HandoverError::Late { what }),
        }
    }

    /// It is the service now, and outlives this process.
    pub fn live_on(self) {
        std::mem::forget(self.child);
    }

    /// Ends it, so that it holds nothing any more.
    pub async fn end(mut self) {
        if let Err(error) = self.child.kill().await {
            tracing::debug!(%error, "the new process is gone already");
        }
    }
}

/// Puts descriptors where a new program looks for them. By way of numbers above all of those, since some may lie
/// where others have to go.
fn pass(passed: &[RawFd], moved: &mut [RawFd]) -> io::Result<()> {
    let above = FIRST + RawFd::try_from(passed.len()).unwrap_or(RawFd::MAX / 2);
    for (from, to) in passed.iter().zip(moved.iter_mut()) {
        // SAFETY: a system call on a number.
        *to = unsafe { libc::fcntl(*from, libc::F_DUPFD_CLOEXEC, above) };
        if *to < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    for (from, to) in moved.iter().zip(FIRST..) {
        // SAFETY: a system call on two numbers; the copy stays open over an exec.
        if unsafe { libc::dup2(*from, to) } < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}
