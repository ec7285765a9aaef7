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
use futures_util::future::{AbortHandle, Abortable, Either, select};
use futures_util::stream::FuturesUnordered;
use http::Response;
use switchyard_js::abi::{Malformed, Reader, Writer, body_kind, event, op, status};
use tokio::sync::{Semaphore, oneshot};

use crate::engine::CpuExceeded;
use crate::error::{RunError, RunErrorKind};
use crate::host::GuestOp;
use crate::meter::CpuMeter;
use crate::outcome::{Ending, LogLevel, LogLine};
use crate::slot::Slot;
use crate::stream::{GuestSender, HostStream, MAX_STREAMS, guest_stream};
use crate::{Body, BodyError, FetchError, FetchRequest, FetchResponse, Outbound, RedirectMode, Target, head};

/// How long `waitUntil` work may go on after the response is done (contract §5.2).
pub const WAIT_UNTIL_GRACE: Duration = Duration::from_secs(30);
/// Log bytes of one request (contract §5.2: 128 KB).
const MAX_LOG_BYTES: usize = 128 * 1024;
/// Requests to the network that wait for their head at once (contract §5.2); further ones queue.
const CONNECTIONS: usize = 6;

/// What a write into a stream without a reader is told.
const NOT_READ: &str = "This stream is no longer read.";

pub type Reply = oneshot::Sender<Result<Response<Body>, RunError>>;

/// What a session needs beside its slot.
pub struct SessionContext {
    pub tokio: tokio::runtime::Handle,
    pub outbound: Arc<dyn Outbound>,
    pub depth: u8,
    pub max_subrequests: u32,
    pub bindings: Arc<[switchyard_catalog::WorkerBinding]>,
    pub meter: Arc<CpuMeter>,
    /// Shared by all sessions: long digests at once.
    pub background: Arc<Semaphore>,
}

/// What happened, from a pending operation to the guest.
enum Happened {
    Complete { op: i32, status: i32, values: Vec<u8> },
    Fetched { op: i32, result: Result<FetchResponse, FetchError> },
    Read { op: i32, stream: i32, host: HostStream, chunk: Option<Result<Bytes, BodyError>> },
    /// Nobody reads that guest stream any more; the WRITE that found it out, if one did.
    ReaderGone { stream: i32, write: Option<i32> },
    Stopped,
}

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
    connections: Arc<Semaphore>,
    pub subrequests: u32,
    pub logs: Vec<LogLine>,
    log_bytes: usize,
    pub logs_dropped: u32,
    pub exception: Option<String>,
}

/// Why the loop ended without the slot being fit for another request.
pub struct Broken(pub RunError);

impl Session {
    pub fn new(context: SessionContext, request: i32, reply: Reply) -> Self {
        Self {
            context,
            request,
            reply: Some(reply),
            pending: FuturesUnordered::new(),
            outstanding: HashMap::new(),
            ready: VecDeque::new(),
            writers: HashMap::new(),
            body_stream: None,
            answered: false,
            done: false,
            waiting: false,
            client_gone: false,
            connections: Arc::new(Semaphore::new(CONNECTIONS)),
            subrequests: 0,
            logs: Vec::new(),
            log_bytes: 0,
            logs_dropped: 0,
            exception: None,
        }
    }

    /// Runs the request to its end. The slot is fit for release when this returns `Ok`.
    pub async fn run(&mut self, slot: &mut Slot, dispatch: &[u8]) -> Result<Ending, Broken> {
        let request = self.request;
        self.call(slot, event::DISPATCH, request, 0, dispatch).await?;
        let mut grace: Option<Pin<Box<tokio::time::Sleep>>> = None;
        loop {
            if self.answered && self.body_stream.is_none() && self.done {
                return Ok(self.ending());
            }
            if let Some(happened) = self.ready.pop_front() {
                self.tell(slot, happened).await?;
                continue;
            }
            if self.outstanding.is_empty() {
                return Ok(self.stuck());
            }
            if self.answered && self.body_stream.is_none() && grace.is_none() {
                let _runtime = self.context.tokio.enter();
                grace = Some(Box::pin(tokio::time::sleep(WAIT_UNTIL_GRACE)));
            }
            match self.wait(grace.as_mut()).await {
                Wait::Happened(happened) => self.tell(slot, happened).await?,
                Wait::ClientGone => {
                    self.client_gone = true;
                    self.reply = None;
                    self.answered = true;
                    self.call(slot, event::ABORTED, request, 0, &[]).await?;
                    if !self.waiting {
                        return Ok(self.ending());
                    }
                }
                Wait::GraceOver => return Ok(Ending::WaitUntilCut),
            }
        }
    }

    /// Nothing is pending and the guest has not come to an end.
    fn stuck(&mut self) -> Ending {
        // A body that can never go on is cut: dropping its writer says so to the reader.
        self.writers.clear();
        if self.answered {
            return if self.body_stream.take().is_some() { Ending::Hung } else { self.ending() };
        }
        let message = "The Workers runtime canceled this request because it detected that your Worker's code had \
                       hung and would never generate a response. Refer to: \
                       https://developers.cloudflare.com/workers/observability/errors/";
        self.fail(RunError { kind: RunErrorKind::Hung, name: "Error".into(), message: message.into() });
        Ending::Hung
    }

    fn ending(&self) -> Ending {
        match (self.client_gone, &self.exception) {
            (_, Some(_)) => Ending::Exception,
            (true, None) => Ending::Canceled,
            (false, None) => Ending::Ok,
        }
    }

    /// Answers the caller with an error, if it still waits for an answer.
    pub fn fail(&mut self, error: RunError) {
        if let Some(reply) = self.reply.take() {
            let _ = reply.send(Err(error));
        }
        self.answered = true;
    }

    async fn wait(&mut self, grace: Option<&mut Pin<Box<tokio::time::Sleep>>>) -> Wait {
        let client_gone = async {
            match &mut self.reply {
                Some(reply) => reply.closed().await,
                None => std::future::pending().await,
            }
        };
        let grace_over = async {
            match grace {
                Some(grace) => grace.await,
                None => std::future::pending().await,
            }
        };
        let (client_gone, grace_over) = (std::pin::pin!(client_gone), std::pin::pin!(grace_over));
        // `pending` is never empty here: something is outstanding.
        match select(self.pending.next(), select(client_gone, grace_over)).await {
            Either::Left((happened, _)) => Wait::Happened(happened.unwrap_or(Happened::Stopped)),
            Either::Right((Either::Left(_), _)) => Wait::ClientGone,
            Either::Right((Either::Right(_), _)) => Wait::GraceOver,
        }
    }

    /// Tells the guest what happened.
    async fn tell(&mut self, slot: &mut Slot, happened: Happened) -> Result<(), Broken> {
        let (op, status, values) = match happened {
            Happened::Stopped => return Ok(()),
            Happened::ReaderGone { stream, write } => {
                // Closed by the guest itself a moment ago: then there is nothing to cancel.
                let open = self.writers.remove(&stream).is_some();
                if open && self.body_stream.take_if(|body| *body == stream).is_some() {
                    self.client_gone = true;
                }
                if let Some(op) = write && self.outstanding.remove(&op).is_some() {
                    let values = error_values("TypeError", NOT_READ);
                    self.call(slot, event::COMPLETE, op, status::ERROR, &values).await?;
                }
                if open {
                    self.call(slot, event::CANCELLED, stream, 0, &[]).await?;
                }
                return Ok(());
            }
            Happened::Complete { op, status, values } => (op, status, values),
            Happened::Fetched { op, result: Ok(response) } => {
                let stream = self.add_stream(slot, op, response.body)?;
                (op, status::OK, head::fetch_values(response.status, &response.status_text, &response.headers, &response.url, response.redirected, stream))
            }
            Happened::Fetched { op, result: Err(error) } => (op, status::ERROR, error_values(&error.name, &error.message)),
            Happened::Read { op, stream, host, chunk } => {
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
        slot.store.data_mut().pending = self.outstanding.len();
        if let Err(error) = slot.event(kind, id, status, values).await {
            return Err(self.broken(slot, &error));
        }
        let ops = std::mem::take(&mut slot.store.data_mut().ops);
        slot.store.data_mut().op_bytes = 0;
        for started in ops {
            if let Err(malformed) = self.act(slot, started) {
                let message = format!("the guest sent a malformed operation: {malformed}");
                let error = RunError { kind: RunErrorKind::Crashed, name: "Error".into(), message };
                self.fail(error.clone());
                return Err(Broken(error));
            }
        }
        Ok(())
    }

    fn broken(&mut self, slot: &Slot, error: &wasmtime::Error) -> Broken {
        let run = |kind, message: &str| RunError { kind, name: "Error".into(), message: message.into() };
        let host = slot.store.data();
        let error = if error.downcast_ref::<CpuExceeded>().is_some() {
            run(RunErrorKind::ExceededCpu, "Worker exceeded CPU time limit.")
        } else if host.limiter.refused {
            run(RunErrorKind::ExceededMemory, "Worker exceeded memory limit.")
        } else {
            tracing::debug!(error = format!("{error:#}"), stderr = host.stderr, "an instance crashed");
            run(RunErrorKind::Crashed, "The Worker crashed.")
        };
        self.fail(error.clone());
        Broken(error)
    }

    fn act(&mut self, slot: &mut Slot, started: GuestOp) -> Result<(), Malformed> {
        let id = started.id;
        let mut values = Reader::new(&started.values);
        match started.kind {
            op::RESPOND if id == self.request => self.respond(slot, values)?,
            op::THROW => {
                let (name, message, stack) = (values.text()?, values.text()?, values.text_or_null()?.unwrap_or_default());
                self.done = values.bool()?;
                let refused = slot.store.data().limiter.refused;
                self.exception.get_or_insert_with(|| cut(format!("{name}: {message}\n{stack}"), 16 * 1024));
                let error = if refused && !self.answered {
                    RunError { kind: RunErrorKind::ExceededMemory, name: "Error".into(), message: "Worker exceeded memory limit.".into() }
                } else {
                    RunError { kind: RunErrorKind::Exception, name: name.to_owned(), message: message.to_owned() }
                };
                self.fail(error);
            }
            op::DONE if id == self.request => self.done = true,
            op::WAITING if id == self.request => self.waiting = true,
            op::FETCH => self.fetch(slot, id, values)?,
            op::TIMER => {
                let millis = values.float()?.clamp(0.0, f64::from(i32::MAX));
                let _runtime = self.context.tokio.enter();
                let sleep = tokio::time::sleep(Duration::from_micros((millis * 1000.0) as u64));
                self.start(id, async move {
                    sleep.await;
                    Happened::Complete { op: id, status: status::OK, values: Vec::new() }
                });
            }
            op::CANCEL | op::CLEAR => {
                if let Some(handle) = self.outstanding.remove(&id) {
                    handle.abort();
                }
            }
            op::LOG => self.log(id, values.text()?),
            op::READ => self.read(slot, id, values.int()?),
            op::READ_CANCEL => {
                slot.store.data_mut().streams.remove(&id);
            }
            op::WRITE => {
                let stream = values.int()?;
                let bytes = Bytes::copy_from_slice(values.bytes()?);
                self.write(id, stream, bytes);
            }
            op::CLOSE => {
                if let Some(writer) = self.writers.remove(&id) {
                    writer.close();
                }
                self.body_stream.take_if(|stream| *stream == id);
            }
            op::ABORT => {
                let message = values.text_or_null()?.unwrap_or("the stream was aborted").to_owned();
                if let Some(writer) = self.writers.remove(&id) {
                    let _ = writer.chunks.try_send(Err(BodyError(message)));
                }
                self.body_stream.take_if(|stream| *stream == id);
            }
            op::DIGEST => {
                let algorithm = values.text()?.to_owned();
                let bytes = values.bytes()?.to_vec();
                self.digest(id, algorithm, bytes);
            }
            // What speaks of nothing that this session knows is not for it.
            _ => {}
        }
        Ok(())
    }

    fn respond(&mut self, slot: &mut Slot, mut values: Reader<'_>) -> Result<(), Malformed> {
        let status = values.int()?;
        let status_text = values.text_or_null()?;
        let headers = values.text()?;
        let (body, stream) = self.body(slot, &mut values)?;
        self.done = values.bool()?;
        if self.answered {
            return Ok(()); // nobody waits for it any more
        }
        let response = head::response(status, status_text, headers, body).ok_or(Malformed::Unexpected)?;
        self.body_stream = stream.filter(|stream| self.writers.contains_key(stream));
        self.answered = true;
        if let Some(reply) = self.reply.take() {
            let _ = reply.send(Ok(response));
        }
        Ok(())
    }

    /// A body as the guest gives it: kind, body, length.
    fn body(&mut self, slot: &mut Slot, values: &mut Reader<'_>) -> Result<(Body, Option<i32>), Malformed> {
        let kind = values.int()?;
        let body = values.value()?;
        let length = values.length_or_null()?;
        Ok(match kind {
            body_kind::NONE => (Body::Empty, None),
            body_kind::WHOLE => (Body::Whole(Bytes::copy_from_slice(body.as_bytes().ok_or(Malformed::Unexpected)?)), None),
            body_kind::GUEST_STREAM => {
                let stream = id_of(body)?;
                let (writer, body) = guest_stream(length);
                if self.writers.len() >= MAX_STREAMS {
                    return Err(Malformed::Unexpected);
                }
                let gone = writer.chunks.clone();
                // Not outstanding: a reader that stays is nothing to wait for.
                self.pending.push(Box::pin(async move {
                    gone.closed().await;
                    Happened::ReaderGone { stream, write: None }
                }));
                self.writers.insert(stream, writer);
                (body, Some(stream))
            }
            body_kind::HOST_STREAM => {
                let host = slot.store.data_mut().streams.remove(&id_of(body)?);
                (host.map_or(Body::Empty, HostStream::into_body), None)
            }
            _ => return Err(Malformed::Unexpected),
        })
    }

    fn fetch(&mut self, slot: &mut Slot, id: i32, mut values: Reader<'_>) -> Result<(), Malformed> {
        let binding = values.int()?;
        let (name, options) = (values.text_or_null()?, values.text_or_null()?);
        let (method, url, headers) = (values.text()?, values.text()?, values.text()?);
        let redirect = match values.int()? {
            0 => RedirectMode::Follow,
            1 => RedirectMode::Manual,
            _ => RedirectMode::Error,
        };
        let (body, _) = self.body(slot, &mut values)?;
        self.subrequests = self.subrequests.saturating_add(1);
        if self.subrequests > self.context.max_subrequests {
            self.refuse(id, "Error", "Too many subrequests by single Worker invocation.");
            return Ok(());
        }
        let bound = usize::try_from(binding).ok().and_then(|binding| self.context.bindings.get(binding).cloned());
        let target = match (bound, name) {
            (None, _) if binding < 0 => Target::Internet,
            (None, _) => return Err(Malformed::Unexpected),
            (Some(binding), Some(name)) => Target::Dispatch { binding, name: name.to_owned(), options: options.map(str::to_owned) },
            (Some(binding), None) => Target::Binding { binding },
        };
        let Some(headers) = head::header_map(headers) else {
            self.refuse(id, "TypeError", "Invalid header value.");
            return Ok(());
        };
        let Ok(method) = method.parse() else {
            self.refuse(id, "TypeError", &format!("Invalid HTTP method string: {method}"));
            return Ok(());
        };
        let request = FetchRequest { method, url: url.to_owned(), headers, redirect, body };
        let (outbound, depth) = (Arc::clone(&self.context.outbound), self.context.depth);
        let connections = matches!(target, Target::Internet).then(|| Arc::clone(&self.connections));
        // On an I/O thread: it may connect, and guests' threads are not for that.
        let task = AbortOnDrop(self.context.tokio.spawn(async move {
            let _connection = match connections {
                Some(connections) => connections.acquire_owned().await.ok(),
                None => None,
            };
            outbound.fetch(depth, target, request).await
        }));
        self.start(id, async move {
            let result = task.await.unwrap_or_else(|_| Err(FetchError::error("internal error")));
            Happened::Fetched { op: id, result }
        });
        Ok(())
    }

    fn read(&mut self, slot: &mut Slot, id: i32, stream: i32) {
        let Some(mut host) = slot.store.data_mut().streams.remove(&stream) else {
            // Read to its end before, or passed on.
            self.ready(id, status::END, Vec::new());
            return;
        };
        self.start(id, async move {
            let chunk = host.next().await;
            Happened::Read { op: id, stream, host, chunk }
        });
    }

    fn write(&mut self, id: i32, stream: i32, bytes: Bytes) {
        let Some(writer) = self.writers.get(&stream) else {
            self.refuse(id, "TypeError", NOT_READ);
            return;
        };
        match writer.chunks.try_send(Ok(bytes)) {
            Ok(()) => self.ready(id, status::OK, Vec::new()),
            Err(tokio::sync::mpsc::error::TrySendError::Full(chunk)) => {
                let chunks = writer.chunks.clone();
                self.start(id, async move {
                    match chunks.send(chunk).await {
                        Ok(()) => Happened::Complete { op: id, status: status::OK, values: Vec::new() },
                        Err(_) => Happened::ReaderGone { stream, write: Some(id) },
                    }
                });
            }
            Err(tokio::sync::mpsc::error::TrySendError::Closed(_)) => {
                self.outstanding.insert(id, AbortHandle::new_pair().0);
                self.ready.push_back(Happened::ReaderGone { stream, write: Some(id) });
            }
        }
    }

    fn digest(&mut self, id: i32, algorithm: String, bytes: Vec<u8>) {
        let (background, meter, tokio) =
            (Arc::clone(&self.context.background), Arc::clone(&self.context.meter), self.context.tokio.clone());
        self.start(id, async move {
            let _turn = background.acquire_owned().await;
            let digest = tokio.spawn_blocking(move || {
                let began = crate::meter::thread_cpu();
                let digest = crate::sync::digest(&algorithm, &bytes);
                meter.charge(crate::meter::thread_cpu().saturating_sub(began));
                digest
            });
            let mut values = Vec::new();
            match digest.await.ok().flatten() {
                Some(digest) => {
                    Writer::new(&mut values).bytes(&digest);
                    Happened::Complete { op: id, status: status::OK, values }
                }
                None => Happened::Complete { op: id, status: status::ERROR, values: error_values("NotSupportedError", "Unrecognized digest algorithm requested.") },
            }
        });
    }

    fn log(&mut self, level: i32, text: &str) {
        if self.log_bytes + text.len() > MAX_LOG_BYTES {
            self.logs_dropped = self.logs_dropped.saturating_add(1);
            return;
        }
        self.log_bytes += text.len();
        let level = match level {
            0 => LogLevel::Debug,
            2 => LogLevel::Info,
            3 => LogLevel::Warn,
            4 => LogLevel::Error,
            _ => LogLevel::Log,
        };
        self.logs.push(LogLine { level, text: text.to_owned() });
    }

    /// Something that the guest waits for.
    fn start(&mut self, id: i32, future: impl Future<Output = Happened> + Send + 'static) {
        let (handle, registration) = AbortHandle::new_pair();
        let future = Abortable::new(future, registration);
        self.pending.push(Box::pin(async move { future.await.unwrap_or(Happened::Stopped) }));
        if let Some(before) = self.outstanding.insert(id, handle) {
            before.abort();
        }
    }

    /// Something that is done already; the guest is told after it has returned.
    fn ready(&mut self, id: i32, status: i32, values: Vec<u8>) {
        self.outstanding.insert(id, AbortHandle::new_pair().0);
        self.ready.push_back(Happened::Complete { op: id, status, values });
    }

    fn refuse(&mut self, id: i32, name: &str, message: &str) {
        self.ready(id, status::ERROR, error_values(name, message));
    }

    /// Gives a body a number the guest may read it by; −1 where there is nothing to read.
    fn add_stream(&mut self, slot: &mut Slot, number: i32, body: Body) -> Result<Option<(i32, Option<u64>)>, Broken> {
        if matches!(body, Body::Empty) {
            return Ok(None);
        }
        let stream = HostStream::new(body);
        let length = stream.length();
        let streams = &mut slot.store.data_mut().streams;
        if streams.len() >= MAX_STREAMS {
            let error = RunError { kind: RunErrorKind::Crashed, name: "Error".into(), message: "Too many open streams.".into() };
            self.fail(error.clone());
            return Err(Broken(error));
        }
        streams.insert(number, stream);
        Ok(Some((number, length)))
    }
}

enum Wait {
    Happened(Happened),
    ClientGone,
    GraceOver,
}

/// A task that ends with the one who waits for it.
struct AbortOnDrop<T>(tokio::task::JoinHandle<T>);

impl<T> Future for AbortOnDrop<T> {
    type Output = Result<T, tokio::task::JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut std::task::Context<'_>) -> std::task::Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx)
    }
}

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn id_of(value: switchyard_js::abi::Value<'_>) -> Result<i32, Malformed> {
    value.as_i64().and_then(|id| i32::try_from(id).ok()).ok_or(Malformed::Unexpected)
}

fn error_values(name: &str, message: &str) -> Vec<u8> {
    let mut values = Vec::new();
    Writer::new(&mut values).text(name).text(message);
    values
}

fn cut(mut text: String, most: usize) -> String {
    if text.len() > most {
        let mut at = most;
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        text.truncate(at);
    }
    text
}

