//! The load generator: keep-alive HTTP/1.1 connections in a closed loop on one thread. Requests are
//! bytes made beforehand and responses are read by framing alone, so that a generator on one core
//! can fill a server on another. The modules below are the generator that people load their own installations with;
//! both read answers by the same framing.

pub mod check;
pub mod command;
mod connect;
mod framing;
mod hdr;
mod hosts;
mod http1;
mod http2;
mod live;
mod plan;
mod random;
mod result;
mod run;
mod tally;
mod target;
mod tickets;
mod timer;
mod tls;
mod worker;

use std::cell::{Cell, OnceCell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use framing::Answer;

/// A response beyond this is not what a bench asks for.
const MAX_RESPONSE: usize = 16 << 20;
/// A window that has not ended this long after it should have is given up.
const OVERTIME: Duration = Duration::from_secs(60);

thread_local! {
    /// Of all windows that this thread makes, so that what was spawned beside one goes on with the next.
    static RUNTIME: OnceCell<tokio::runtime::Runtime> = const { OnceCell::new() };
}

/// This thread's runtime, which moves only while a window runs on it: what is to answer beside the load without a
/// thread of its own is spawned here.
///
/// # Errors
/// When the system gives none.
pub fn with_runtime<R>(act: impl FnOnce(&tokio::runtime::Runtime) -> R) -> anyhow::Result<R> {
    RUNTIME.with(|kept| {
        if kept.get().is_none() {
            let _ = kept.set(tokio::runtime::Builder::new_current_thread().enable_all().build()?);
        }
        kept.get().map(act).context("there is no runtime")
    })
}

/// Which request comes next, and when there is none.
#[derive(Debug, Clone, Copy)]
pub enum Order {
    /// Any of them, for so long.
    Random(Duration),
    /// The same, and the generator never sleeps: the server does not pay for waking it, which costs more than sending
    /// where machines are virtual. Only for a generator with a core of its own.
    Spinning(Duration),
    /// Any of them, so many in all.
    Some(usize),
    /// Each once, in the order given.
    Each,
    /// Any of them, for so long, so many a second. One that finds no free connection waits for it, and its time counts
    /// from when it was due.
    Paced(Duration, u32),
}

/// What a response must be.
#[derive(Debug, Clone, Copy)]
pub struct Expect {
    pub status: u16,
}

/// What was seen in one window.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    pub requests: usize,
    pub errors: usize,
    pub elapsed: Duration,
    /// Microseconds, ascending.
    pub latencies: Vec<u32>,
    /// Status and body of the first response that was not as expected.
    pub first_error: Option<String>,
}

impl Seen {
    /// The latency that this share of the requests stays under, in milliseconds.
    pub fn quantile_ms(&self, share: f64) -> f64 {
        let at = ((self.latencies.len() as f64 * share) as usize).min(self.latencies.len().saturating_sub(1));
        f64::from(self.latencies.get(at).copied().unwrap_or(0)) / 1e3
    }
}

/// Sends `requests` over `connections` and waits for the answers.
///
/// # Errors
/// When there is nothing to send, no connection, or no end to it. A wrong answer is not an error here:
/// it is counted.
pub fn run(
    address: SocketAddr,
    requests: &[Vec<u8>],
    order: Order,
    connections: usize,
    expect: Expect,
) -> anyhow::Result<Seen> {
    ensure!(!requests.is_empty(), "there are no requests to send");
    with_runtime(|runtime| window(runtime, address, requests, order, connections, expect))?
}

fn window(
    runtime: &tokio::runtime::Runtime,
    address: SocketAddr,
    requests: &[Vec<u8>],
    order: Order,
    connections: usize,
    expect: Expect,
) -> anyhow::Result<Seen> {
    let local = tokio::task::LocalSet::new();
    local.block_on(runtime, async {
        let shared = Rc::new(Shared {
            requests: requests.to_vec(),
            next: Cell::new(0),
            some: match order {
                Order::Some(many) => Some(many),
                _ => None,
            },
            pace: match order {
                Order::Paced(_, rate) => Some(Duration::from_secs(1) / rate.max(1)),
                _ => None,
            },
            began: Instant::now(),
            random: Cell::new(0x9e37_79b9_7f4a_7c15 ^ requests.len() as u64),
            seen: RefCell::default(),
        });
        let mut open = Vec::new();
        for _ in 0..connections.max(1) {
            open.push(Connection::open(address).await?);
        }
        let began = Instant::now();
        let until = match order {
            Order::Random(length) | Order::Spinning(length) | Order::Paced(length, _) => Some(began + length),
            Order::Each | Order::Some(_) => None,
        };
        let mut tasks = tokio::task::JoinSet::new();
        for connection in open {
            tasks.spawn_local(drive(connection, shared.clone(), until, expect, address));
        }
        if matches!(order, Order::Spinning(_)) {
            // Ends with `local`.
            tokio::task::spawn_local(async {
                loop {
                    tokio::task::yield_now().await;
                }
            });
        }
        let limit = match order {
            Order::Random(length) | Order::Spinning(length) | Order::Paced(length, _) => length + OVERTIME,
            Order::Each => OVERTIME + overtime(requests.len()),
            Order::Some(many) => OVERTIME + overtime(many),
        };
        let done = tokio::time::timeout(limit, async {
            while let Some(task) = tasks.join_next().await {
                task??;
            }
            anyhow::Ok(())
        });
        done.await.context("the server stopped answering")??;
        let mut seen = shared.seen.take();
        seen.elapsed = began.elapsed();
        seen.latencies.sort_unstable();
        Ok(seen)
    })
}

/// For that many requests, with time to spare.
fn overtime(requests: usize) -> Duration {
    Duration::from_millis(200) * u32::try_from(requests).unwrap_or(u32::MAX)
}

/// One request, its status and body.
///
/// # Errors
/// When there is no answer.
pub fn once(address: SocketAddr, request: &[u8]) -> anyhow::Result<(u16, Vec<u8>)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut connection = Connection::open(address).await?;
        let status = tokio::time::timeout(OVERTIME, connection.call(request)).await.context("no answer in time")??;
        Ok((status, connection.body().to_vec()))
    })
}

/// A GET of a host's path.
pub fn get(host: &str, path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nuser-agent: benches\r\naccept: */*\r\n\r\n").into_bytes()
}

/// As [`get`], with one more line.
pub fn get_with(host: &str, path: &str, line: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n{line}\r\nuser-agent: benches\r\naccept: */*\r\n\r\n").into_bytes()
}

struct Shared {
    requests: Vec<Vec<u8>>,
    next: Cell<usize>,
    /// Set: after so many there is none.
    some: Option<usize>,
    /// Between one request and the next.
    pace: Option<Duration>,
    began: Instant,
    random: Cell<u64>,
    seen: RefCell<Seen>,
}

impl Shared {
    /// Which request, and since when it is under way.
    async fn next(&self, until: Option<Instant>) -> Option<(usize, Instant)> {
        let Some(until) = until else {
            let next = self.next.replace(self.next.get() + 1);
            let next = match self.some {
                Some(many) => (next < many).then(|| self.any()),
                None => (next < self.requests.len()).then_some(next),
            };
            return next.map(|next| (next, Instant::now()));
        };
        let mut late = None;
        if let Some(pace) = self.pace {
            let turn = u32::try_from(self.next.replace(self.next.get() + 1)).unwrap_or(u32::MAX);
            let due = self.began + pace.saturating_mul(turn);
            if due < Instant::now() {
                late = Some(due);
            } else {
                // Timers have milliseconds: what they are late by is none of the server's.
                tokio::time::sleep_until(due.min(until).into()).await;
            }
        }
        let now = Instant::now();
        if late.unwrap_or(now) >= until {
            return None;
        }
        Some((self.any(), late.unwrap_or(now)))
    }

    fn any(&self) -> usize {
        let mut random = self.random.get();
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        self.random.set(random);
        (random % self.requests.len() as u64) as usize
    }
}

async fn drive(
    mut connection: Connection,
    shared: Rc<Shared>,
    until: Option<Instant>,
    expect: Expect,
    address: SocketAddr,
) -> anyhow::Result<()> {
    while let Some((which, began)) = shared.next(until).await {
        let answer = connection.call(&shared.requests[which]).await;
        let micros = u32::try_from(began.elapsed().as_micros()).unwrap_or(u32::MAX);
        let wrong = match answer {
            Ok(status) if status == expect.status => None,
            Ok(status) => Some(format!("{status} {}", String::from_utf8_lossy(connection.body()).trim())),
            Err(error) => {
                connection = Connection::open(address).await?;
                Some(format!("{error:#}"))
            }
        };
        let mut seen = shared.seen.borrow_mut();
        seen.requests += 1;
        seen.latencies.push(micros);
        if let Some(wrong) = wrong {
            seen.errors += 1;
            seen.first_error.get_or_insert(wrong);
        }
    }
    Ok(())
}

/// One keep-alive connection.
pub struct Connection {
    stream: TcpStream,
    /// The last response, from its status line on.
    buffer: Vec<u8>,
    body_at: usize,
    opened: Instant,
    answers: usize,
}

impl Connection {
    /// # Errors
    /// When nobody listens there.
    pub async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| format!("could not connect to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(16 << 10), body_at: 0, opened: Instant::now(), answers: 0 })
    }

    /// Of the last response.
    pub fn body(&self) -> &[u8] {
        self.buffer.get(self.body_at..).unwrap_or_default()
    }

    /// Sends a request and reads its whole response; returns the status.
    ///
    /// # Errors
    /// When there is no whole response.
    pub async fn call(&mut self, request: &[u8]) -> anyhow::Result<u16> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let (mut answer, mut read) = (Answer::new(request.starts_with(b"HEAD ")), 0);
        loop {
            self.more().await?;
            read += answer.advance(self.buffer.get(read..).unwrap_or_default())?;
            self.body_at = answer.head_bytes();
            if answer.is_done() {
                self.answers += 1;
                return Ok(answer.status());
            }
        }
    }

    async fn more(&mut self) -> anyhow::Result<()> {
        ensure!(self.buffer.len() <= MAX_RESPONSE, "the response is larger than a bench expects");
        let read = self.stream.read_buf(&mut self.buffer).await?;
        ensure!(
            read > 0,
            "the server closed the connection, {:.1} s after it was opened, after {} answers and {} bytes of the next",
            self.opened.elapsed().as_secs_f64(),
            self.answers,
            self.buffer.len()
        );
        Ok(())
    }
}
