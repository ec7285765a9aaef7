//! One request in one instance: calls the guest, acts on the operations it started, waits for the
//! next of them to be done, until nothing of the request runs any more.
//!
//! All that a session has started lives in it, so that dropping the session stops all of it: the
//! condition under which its slot may be put back.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::{AbortHandle, Either, select};
use futures_util::stream::FuturesUnordered;
use http::Response;
use switchyard_catalog::{LimitSet, Limits};
use switchyard_js::abi::{Writer, event, status};
use tokio::sync::{Semaphore, oneshot};

use crate::engine::{Abandoned, CpuExceeded};
use crate::error::{RunError, RunErrorKind};
use crate::held::Full;
use crate::host::Unacceptable;
use crate::meter::CpuMeter;
use crate::outcome::{Ending, Exception};
use crate::slot::Slot;
use crate::stream::{GuestSender, HostStream, MAX_STREAMS};
use crate::{Body, BodyError, FetchError, FetchResponse, Outbound, head};

/// How long `waitUntil` work may go on after the response is done (contract §5.2).
pub const WAIT_UNTIL_GRACE: Duration = Duration::from_secs(30);
/// Things that are done at once which a guest may be told in a row, before its client, its grace, what
/// else is done and other tenants have their turn.
const IN_A_ROW: u32 = 16;

/// What a write into a stream without a reader is told.
const NOT_READ: &str = "This stream is no longer read.";

mod operations;

pub type Reply = oneshot::Sender<Result<Response<Body>, RunError>>;

/// What a session needs beside its slot.
pub struct SessionContext {
    pub tokio: tokio::runtime::Handle,
    pub outbound: Arc<dyn Outbound>,
    pub depth: u8,
    /// The effective ones.
    pub limits: Limits,
    pub bindings: Arc<[switchyard_catalog::WorkerBinding]>,
    pub meter: Arc<CpuMeter>,
    /// Shared by all sessions: long digests at once.
    pub background: Arc<Semaphore>,
}

/// What happened, from a pending operation to the guest.
enum Happened {
    Complete {
        op: i32,
        status: i32,
        values: Vec<u8>,
    },
    Fetched {
        op: i32,
        result: Result<FetchResponse, FetchError>,
    },
    Read {
        op: i32,
        stream: i32,
        host: HostStream,
        chunk: Option<Result<Bytes, BodyError>>,
    },
    /// Nobody reads that guest stream any more; the WRITE that found it out, if one did.
    ReaderGone {
        stream: i32,
        write: Option<i32>,
    },
    Stopped,
}

type Timer<'a> = &'a mut Pin<Box<tokio::time::Sleep>>;
type Pending = Pin<Box<dyn Future<Output = Happened> + Send>>;

/// The state of one request.
pub struct Session {
    context: SessionContext,
    request: i32,
    reply: Option<Reply>,
    pending: FuturesUnordered<Pending>,
    /// Operations the guest waits for; what counts as "something is pending".
    outstanding: HashMap<i32, AbortHandle>,
    ready: VecDeque<Happened>,
    /// Host streams that are being read now, and by which operation.
    reading: HashMap<i32, i32>,
    /// Guest streams that are still written.
    writers: HashMap<i32, GuestSender>,
    /// The guest stream that is the response's body, until it is closed.
    body_stream: Option<i32>,
    answered: bool,
    /// No `waitUntil` is pending.
    done: bool,
    /// A `waitUntil` was made: the request goes on for it without its client.
    waiting: bool,
    client_gone: bool,
    /// How it failed, if it did.
    failed: Option<RunErrorKind>,
    /// It ended before the guest did, which may still expect something.
    abandoned: bool,
    /// What the engine reported of a callback of the platform that threw.
    threw: Option<RunError>,
    connections: Arc<Semaphore>,
    pub subrequests: u32,
    /// Limits that it ran into and went on.
    pub met: LimitSet,
    pub exception: Option<Exception>,
}

/// How it ended, without the slot being fit for another request.
pub struct Broken(pub Ending);

impl Session {
    pub fn new(context: SessionContext, request: i32, reply: Reply) -> Self {
        let connections = context.limits.connections.or(Limits::DEFAULT.connections).unwrap_or(1);
        Self {
            context,
            request,
            reply: Some(reply),
            pending: FuturesUnordered::new(),
            outstanding: HashMap::new(),
            ready: VecDeque::new(),
            reading: HashMap::new(),
            writers: HashMap::new(),
            body_stream: None,
            answered: false,
            done: false,
            waiting: false,
            client_gone: false,
            failed: None,
            abandoned: false,
            threw: None,
            connections: Arc::new(Semaphore::new(connections as usize)),
            subrequests: 0,
            met: LimitSet::default(),
            exception: None,
        }
    }

    /// Runs the request to its end; `env` goes to the guest first, if it has not got it. The slot is fit
    /// for release when this returns `Ok`.
    pub async fn run(&mut self, slot: &mut Slot, env: Option<&[u8]>, dispatch: &[u8]) -> Result<Ending, Broken> {
        let request = self.request;
        if let Some(bytes) = self.context.limits.log_bytes {
            slot.store.data_mut().logs.left = usize::try_from(bytes).unwrap_or(usize::MAX);
        }
        let mut wall = self.context.limits.wall().map(|wall| {
            let _runtime = self.context.tokio.enter();
            Box::pin(tokio::time::sleep(wall))
        });
        if let Some(env) = env {
            self.call(slot, event::ENV, 0, 0, env).await?;
        }
        self.call(slot, event::DISPATCH, request, 0, dispatch).await?;
        let mut grace: Option<Pin<Box<tokio::time::Sleep>>> = None;
        let mut in_a_row = 0;
        loop {
            if self.answered && self.body_stream.is_none() && self.done {
                return Ok(self.ending());
            }
            let idle = self.ready.is_empty();
            if idle && self.outstanding.is_empty() {
                return Ok(self.stuck(slot));
            }
            in_a_row = if idle { 0 } else { in_a_row + 1 };
            if in_a_row % IN_A_ROW != 0
                && let Some(happened) = self.ready.pop_front()
            {
                self.tell(slot, happened).await?;
                continue;
            }
            if self.answered && self.body_stream.is_none() && grace.is_none() {
                let _runtime = self.context.tokio.enter();
                grace = Some(Box::pin(tokio::time::sleep(WAIT_UNTIL_GRACE)));
            }
            if !idle {
                give_way().await;
            }
            match self.wait(grace.as_mut(), wall.as_mut(), idle).await {
                Wait::Happened(happened) => self.tell(slot, happened).await?,
                Wait::Nothing => {}
                Wait::ClientGone => {
                    self.client_gone = true;
                    self.reply = None;
                    self.answered = true;
                    self.call(slot, event::ABORTED, request, 0, &[]).await?;
                    if !self.waiting {
                        self.abandoned = true;
                        return Ok(self.ending());
                    }
                }
                Wait::GraceOver => {
                    self.abandoned = true;
                    return Ok(Ending::WaitUntilCut);
                }
                Wait::WallOver => {
                    self.abandoned = true;
                    // A body that is still written is cut: dropping its writer says so to the reader.
                    self.writers.clear();
                    self.fail(exceeded_wall());
                    return Ok(Ending::ExceededWall);
                }
            }
        }
    }

    /// Whether nothing of the request is left in the guest either, so that the instance may serve another.
    pub fn settled(&self) -> bool {
        self.done && !self.abandoned && self.writers.is_empty()
    }

    /// Nothing is pending and the guest has not come to an end.
    fn stuck(&mut self, slot: &Slot) -> Ending {
        self.abandoned = true;
        // A body that can never go on is cut: dropping its writer says so to the reader.
        self.writers.clear();
        if self.answered {
            return if self.body_stream.take().is_some() { Ending::Hung } else { self.ending() };
        }
        let error = if slot.store.data().limiter.refused {
            exceeded_memory() // it could not even say so
        } else {
            let message = "The Workers runtime canceled this request because it detected that your Worker's code had \
                           hung and would never generate a response. Refer to: \
                           https://developers.cloudflare.com/workers/observability/errors/";
            RunError { kind: RunErrorKind::Hung, name: "Error".into(), message: message.into() }
        };
        let ending = error.kind.ending();
        self.fail(error);
        ending
    }

    fn ending(&self) -> Ending {
        match (self.failed, &self.exception) {
            (Some(kind), _) => kind.ending(),
            (None, Some(_)) => Ending::Exception,
            (None, None) if self.client_gone => Ending::Canceled,
            (None, None) => Ending::Ok,
        }
    }

    /// Answers the caller with an error, if it still waits for an answer.
    pub fn fail(&mut self, error: RunError) {
        if let Some(reply) = self.reply.take() {
            self.failed = Some(error.kind);
            let _ = reply.send(Err(error));
        }
        self.answered = true;
    }

    /// The next thing to be told; without `block`, what is there now.
    async fn wait(&mut self, grace: Option<Timer<'_>>, wall: Option<Timer<'_>>, block: bool) -> Wait {
        let client_gone = async {
            match &mut self.reply {
                Some(reply) => reply.closed().await,
                None => std::future::pending().await,
            }
        };
        let at_once = async {
            if block {
                std::future::pending().await
            }
        };
        let (grace, wall) = (std::pin::pin!(over(grace)), std::pin::pin!(over(wall)));
        let mut times = select(grace, wall);
        let (mut client_gone, mut at_once) = (std::pin::pin!(client_gone), std::pin::pin!(at_once));
        loop {
            // What ends the request is looked at first: a guest that always has something done cannot hide it.
            let ends = select(client_gone.as_mut(), &mut times);
            let goes_on = select(self.pending.next(), at_once.as_mut());
            match select(ends, goes_on).await {
                Either::Left((Either::Left(_), _)) => return Wait::ClientGone,
                Either::Left((Either::Right((Either::Left(_), _)), _)) => return Wait::GraceOver,
                Either::Left((Either::Right((Either::Right(_), _)), _)) => return Wait::WallOver,
                Either::Right((Either::Left((Some(Happened::Stopped), _)), _)) => {}
                Either::Right((Either::Left((Some(happened), _)), _)) => return Wait::Happened(happened),
                Either::Right((Either::Left((None, _)), _)) if block => {
                    // What is outstanding has a future; should it not, nothing will ever complete it.
                    self.outstanding.clear();
                    return Wait::Nothing;
                }
                Either::Right(_) => return Wait::Nothing,
            }
        }
    }

    /// Tells the guest what happened.
    async fn tell(&mut self, slot: &mut Slot, happened: Happened) -> Result<(), Broken> {
        // Calls too short for a tick, and work on other threads, count as well.
        if self.context.meter.exceeded() {
            return Err(self.end(exceeded_cpu()));
        }
        let (op, status, values) = match happened {
            Happened::Stopped => return Ok(()),
            Happened::ReaderGone { stream, write } => {
                // Closed by the guest itself a moment ago: then there is nothing to cancel.
                let open = self.writers.remove(&stream).is_some();
                if open && self.body_stream.take_if(|body| *body == stream).is_some() {
                    self.client_gone = true;
                }
                if let Some(op) = write
                    && self.outstanding.remove(&op).is_some()
                {
                    let values = error_values("TypeError", NOT_READ);
                    self.call(slot, event::COMPLETE, op, status::ERROR, &values).await?;
                }
                if open {
                    self.call(slot, event::CANCELLED, stream, 0, &[]).await?;
                }
                return Ok(());
            }
            Happened::Complete { op, status, values } => (op, status, values),
            Happened::Fetched { op, .. } if !self.outstanding.contains_key(&op) => return Ok(()), // cancelled
            Happened::Fetched { op, result: Ok(response) } => match self.add_stream(slot, op, response.body)? {
                Added::TooMany => (op, status::ERROR, error_values("Error", TOO_MANY_STREAMS)),
                Added::Stream(stream) => {
                    let FetchResponse { status, status_text, headers, url, redirected, .. } = response;
                    (op, status::OK, head::fetch_values(status, &status_text, &headers, &url, redirected, stream))
                }
            },
            Happened::Fetched { op, result: Err(error) } => {
                (op, status::ERROR, error_values(&error.name, &error.message))
            }
            Happened::Read { op, stream, host, chunk } => {
                self.reading.remove(&stream);
                let mut values = Vec::new();
                let status = match chunk {
                    Some(Ok(bytes)) => {
                        slot.store.data_mut().streams.insert(stream, host);
                        Writer::new(&mut values).bytes(&bytes);
                        status::OK
                    }
                    Some(Err(error)) => {
                        values = error_values("Error", &error.to_string());
                        status::ERROR
                    }
                    None => status::END,
                };
                (op, status, values)
            }
        };
        if self.outstanding.remove(&op).is_some() {
            self.call(slot, event::COMPLETE, op, status, &values).await?;
        }
        Ok(())
    }

    /// Calls the guest, then acts on what it started.
    async fn call(&mut self, slot: &mut Slot, kind: i32, id: i32, status: i32, values: &[u8]) -> Result<(), Broken> {
        slot.store.data_mut().pending = self.pending.len() + self.ready.len();
        let threw = match slot.event(kind, id, status, values).await {
            Ok(code) => code != 0,
            Err(error) => return Err(self.broken(slot, &error)),
        };
        for started in slot.store.data_mut().take_ops() {
            if let Err(error) = self.act(slot, started) {
                return Err(self.unacceptable(&error));
            }
        }
        if !threw {
            return Ok(());
        }
        // The platform itself could not go on: the script broke what it stands on, or memory is used up.
        let threw = self.threw.take();
        let error = match threw {
            _ if slot.store.data().limiter.refused => exceeded_memory(),
            Some(error) => error,
            None => crashed("The Worker crashed."),
        };
        Err(self.end(error))
    }

    fn broken(&mut self, slot: &Slot, error: &wasmtime::Error) -> Broken {
        if error.downcast_ref::<Abandoned>().is_some() {
            return Broken(Ending::Canceled);
        }
        if let Some(error) = error.downcast_ref::<Unacceptable>() {
            return self.unacceptable(error);
        }
        let host = slot.store.data();
        let error = if error.downcast_ref::<CpuExceeded>().is_some() {
            exceeded_cpu()
        } else if host.limiter.refused {
            exceeded_memory()
        } else {
            tracing::debug!(error = format!("{error:#}"), stderr = host.stderr, "an instance crashed");
            crashed("The Worker crashed.")
        };
        self.end(error)
    }

    fn unacceptable(&mut self, error: &Unacceptable) -> Broken {
        self.end(match error {
            Unacceptable::Full(Full::Instance) => exceeded_memory(),
            Unacceptable::Full(Full::Node) => {
                RunError { kind: RunErrorKind::Overloaded, ..crashed(&error.to_string()) }
            }
            Unacceptable::Exit(_) => RunError { kind: RunErrorKind::Exception, ..crashed(&error.to_string()) },
            Unacceptable::Malformed(_) => crashed(&error.to_string()),
        })
    }

    fn end(&mut self, error: RunError) -> Broken {
        let ending = error.kind.ending();
        self.fail(error);
        Broken(ending)
    }

    /// Gives a body a number the guest may read it by; none where there is nothing to read.
    fn add_stream(&mut self, slot: &mut Slot, number: i32, body: Body) -> Result<Added, Broken> {
        if matches!(body, Body::Empty) {
            return Ok(Added::Stream(None));
        }
        let memory = slot.memory_bytes().len();
        let host = slot.store.data_mut();
        if host.streams.len() + self.reading.len() >= MAX_STREAMS {
            return Ok(Added::TooMany);
        }
        let here = if let Body::Whole(bytes) = &body { bytes.len() } else { 0 };
        let charge = host.limiter.charge(here, memory).map_err(|full| self.unacceptable(&full.into()))?;
        let stream = HostStream::charged(body, charge);
        let length = stream.length();
        host.streams.insert(number, stream);
        Ok(Added::Stream(Some((number, length))))
    }
}

const TOO_MANY_STREAMS: &str = "Too many open streams.";

enum Added {
    Stream(Option<(i32, Option<u64>)>),
    TooMany,
}

enum Wait {
    Happened(Happened),
    Nothing,
    ClientGone,
    GraceOver,
    WallOver,
}

fn exceeded_cpu() -> RunError {
    RunError { kind: RunErrorKind::ExceededCpu, ..crashed("Worker exceeded CPU time limit.") }
}

fn exceeded_memory() -> RunError {
    RunError { kind: RunErrorKind::ExceededMemory, ..crashed("Worker exceeded memory limit.") }
}

fn exceeded_wall() -> RunError {
    RunError { kind: RunErrorKind::ExceededWall, ..crashed("Worker exceeded wall time limit.") }
}

fn crashed(message: &str) -> RunError {
    RunError { kind: RunErrorKind::Crashed, name: "Error".into(), message: message.into() }
}

fn error_values(name: &str, message: &str) -> Vec<u8> {
    let mut values = Vec::new();
    Writer::new(&mut values).text(name).text(message);
    values
}

async fn over(timer: Option<Timer<'_>>) {
    match timer {
        Some(timer) => timer.await,
        None => std::future::pending().await,
    }
}

/// Lets the thread's other tenants go first.
async fn give_way() {
    let mut given = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut given, true) {
            return std::task::Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}
