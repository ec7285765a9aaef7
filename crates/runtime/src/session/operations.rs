//! What each operation of a guest starts or ends (ABI.md, Operations).

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{AbortHandle, Abortable};
use switchyard_catalog::Limit;
use switchyard_js::abi::{self, Malformed, Reader, Value, body_kind, cache, op, status};

use super::{Happened, NOT_READ, Session, TOO_MANY_SOCKETS, TOO_MANY_STREAMS, error_values};
use crate::error::{RunError, RunErrorKind};
use crate::host::{GuestOp, Host, Unacceptable};
use crate::meter::{CALLER, CpuMeter};
use crate::outbound::AbortOnDrop;
use crate::outcome::{Exception, now_ms};
use crate::stream::{HostStream, MAX_STREAMS, guest_stream};
use crate::{Body, BodyError, CacheOperation, Cf, FetchError, FetchRequest, FetchResponse, RedirectMode, Target, head};

/// Bytes kept of an error's name.
const MAX_NAME: usize = 256;
/// … and of its message, and of message and stack together.
const MAX_TEXT: usize = 16 * 1024;
/// The longest `cf` of a request, in bytes of JSON: it is kept as long as who is called may ask for it.
const MAX_CF: usize = 64 * 1024;
const CF_TOO_LONG: &str = "The request's cf object is larger than 64 KiB.";
/// Exceptions kept that were thrown beside the handler.
const MOST_BESIDE: usize = 16;

/// A body as it stands in a message.
struct Given<'a> {
    kind: i32,
    body: Value<'a>,
    length: Option<u64>,
}

impl<'a> Given<'a> {
    fn read(values: &mut Reader<'a>) -> Result<Self, Malformed> {
        Ok(Self { kind: values.int()?, body: values.value()?, length: values.length_or_null()? })
    }
}

impl Session {
    /// Acts on one operation of the guest's.
    ///
    /// # Errors
    /// When it is not as ABI.md has it: the guest is not to be trusted any more.
    pub fn act(&mut self, host: &mut Host, started: GuestOp) -> Result<(), Unacceptable> {
        let id = started.id;
        let mut values = Reader::new(&started.values);
        match started.kind {
            op::RESPOND if id == self.request => self.respond(host, &started.values)?,
            op::THROW => self.threw(host, values)?,
            op::DONE if id == self.request => self.done = true,
            op::WAITING if id == self.request => {
                self.waiting = true;
                self.done = false; // a response that goes on may have said otherwise
            }
            op::ENDED if id == self.request => self.ended(values.bool()?),
            op::EXCEPTION if id == self.request => self.threw_beside(values)?,
            op::FETCH => self.fetch(host, id, &started.values)?,
            op::CACHE => self.cache(host, id, &started.values)?,
            op::TIMER => {
                let millis = values.float()?.clamp(0.0, f64::from(i32::MAX));
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
            op::READ => self.read(host, id, values.int()?),
            op::READ_CANCEL => {
                self.take_stream(host, id);
                // Being read just now: the read goes, and the stream with it.
                if let Some(reading) = self.reading.remove(&id).and_then(|read| self.outstanding.remove(&read)) {
                    reading.abort();
                }
            }
            op::WRITE => {
                let stream = values.int()?;
                let bytes = started.values.slice_ref(values.bytes()?);
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
            op::CRYPTO => self.compute(id, started.values),
            op::TURN => self.ready(id, status::OK, Vec::new()),
            op::WS_OFFER => self.offer_socket(host, id),
            op::WS_PASS => self.pass_socket(id),
            op::WS_ACCEPT => self.accept_socket(id),
            op::WS_SEND => self.send_message(id, &started.values)?,
            op::WS_CLOSE => self.close_socket(id, values)?,
            op::WS_DROP => self.drop_socket(id),
            // What speaks of nothing that this session knows is not for it.
            _ => {}
        }
        Ok(())
    }

    fn threw(&mut self, host: &mut Host, mut values: Reader<'_>) -> Result<(), Malformed> {
        let (name, message) = (cut(values.text()?, MAX_NAME), cut(values.text()?, MAX_TEXT));
        let stack = cut(values.text_or_null()?.unwrap_or_default(), MAX_TEXT);
        self.excepted(name, message, stack);
        let error = RunError { kind: RunErrorKind::Exception, name: name.to_owned(), message: message.to_owned() };
        if values.rest().is_empty() {
            self.threw = Some(error); // the engine's own report: `call` ends the request
            return Ok(());
        }
        self.done = values.bool()?;
        let refused = self.refused(host).filter(|_| !self.answered);
        self.fail(refused.unwrap_or(error));
        Ok(())
    }

    /// A handler that answers nothing: its caller is told by an empty response.
    fn ended(&mut self, done: bool) {
        self.done = done;
        self.answered = true;
        if let Some(reply) = self.reply.take() {
            reply.send(Ok(http::Response::new(Body::Empty)));
        }
    }

    fn threw_beside(&mut self, mut values: Reader<'_>) -> Result<(), Malformed> {
        let (name, message) = (cut(values.text()?, MAX_NAME), cut(values.text()?, MAX_TEXT));
        let stack = cut(values.text_or_null()?.unwrap_or_default(), MAX_TEXT);
        if self.thrown_beside.len() < MOST_BESIDE {
            let (name, message, stack) = (name.to_owned(), message.to_owned(), stack.to_owned());
            self.thrown_beside.push(Exception { name, message, stack, at_ms: now_ms() });
        }
        Ok(())
    }

    fn respond(&mut self, host: &mut Host, message: &Bytes) -> Result<(), Malformed> {
        let mut values = Reader::new(message);
        let status = values.int()?;
        let status_text = values.text_or_null()?;
        let headers = values.text()?;
        let given = Given::read(&mut values)?;
        self.done = values.bool()?;
        if self.answered {
            return Ok(()); // nobody waits for it any more
        }
        let request = Some(Arc::clone(&self.context.meter));
        let Some((body, stream)) = self.body(host, given, message, request)? else {
            self.refuse_response(TOO_MANY_STREAMS);
            return Ok(());
        };
        let socket = match self.take_offered() {
            Ok(socket) => socket,
            Err(refusal) => {
                self.refuse_response(refusal);
                return Ok(());
            }
        };
        if status == i32::from(http::StatusCode::SWITCHING_PROTOCOLS.as_u16()) && socket.is_none() {
            self.refuse_response(TOO_MANY_SOCKETS);
            return Ok(());
        }
        match head::response(status, status_text, headers, body) {
            Ok(mut response) => {
                if let Some(socket) = socket {
                    socket.put(response.extensions_mut());
                }
                self.body_stream = stream;
                self.answered = true;
                if let Some(reply) = self.reply.take() {
                    reply.send(Ok(response));
                }
            }
            Err(refusal) => self.refuse_response(refusal),
        }
        Ok(())
    }

    /// The first exception is the one that is told.
    fn excepted(&mut self, name: &str, message: &str, stack: &str) {
        self.exception.get_or_insert_with(|| Exception {
            name: name.to_owned(),
            message: message.to_owned(),
            stack: stack.to_owned(),
            at_ms: now_ms(),
        });
    }

    /// A response that no client can be given is the script's error.
    fn refuse_response(&mut self, message: &str) {
        self.excepted("TypeError", message, "");
        self.fail(RunError { kind: RunErrorKind::Exception, name: "TypeError".into(), message: message.into() });
    }

    /// A body as the guest gives it, and its number when it is a guest stream; `None`: too many are open.
    /// `request`: as for [`guest_stream`].
    fn body(
        &mut self,
        host: &mut Host,
        given: Given<'_>,
        message: &Bytes,
        request: Option<Arc<CpuMeter>>,
    ) -> Result<Option<(Body, Option<i32>)>, Malformed> {
        Ok(Some(match given.kind {
            body_kind::NONE => (Body::Empty, None),
            body_kind::WHOLE => {
                let bytes = given.body.as_bytes().ok_or(Malformed::Unexpected)?;
                (Body::Whole(message.slice_ref(bytes)), None)
            }
            body_kind::GUEST_STREAM => {
                let stream = id_of(given.body)?;
                if self.writers.len() >= MAX_STREAMS {
                    return Ok(None);
                }
                let (writer, body, gone) = guest_stream(given.length, request);
                // Not outstanding: a reader that stays is nothing to wait for.
                self.pending.get_or_insert_default().push(Box::pin(async move {
                    let _ = gone.await;
                    Happened::ReaderGone { stream, write: None }
                }));
                self.writers.insert(stream, writer);
                (body, Some(stream))
            }
            body_kind::HOST_STREAM => {
                let stream = self.take_stream(host, id_of(given.body)?);
                (stream.map_or(Body::Empty, HostStream::into_body), None)
            }
            _ => return Err(Malformed::Unexpected),
        }))
    }

    fn fetch(&mut self, host: &mut Host, id: i32, message: &Bytes) -> Result<(), Malformed> {
        let mut values = Reader::new(message);
        let binding = values.int()?;
        let (name, options) = (values.text_or_null()?, values.text_or_null()?);
        let (method, url, headers) = (values.text()?, values.text()?, values.text()?);
        let mode = values.int()?;
        let redirect = match mode & !abi::RAW {
            0 => RedirectMode::Follow,
            1 => RedirectMode::Manual,
            _ => RedirectMode::Error,
        };
        let given = Given::read(&mut values)?;
        let cf = match values.value()? {
            Value::Null => Cf::None,
            Value::Bool(true) => Cf::Same,
            Value::Text(text) if text.len() <= MAX_CF => Cf::Text(text.into()),
            Value::Text(_) => {
                self.refuse(id, "TypeError", CF_TOO_LONG);
                return Ok(());
            }
            _ => return Err(Malformed::Unexpected),
        };
        if !self.one_more(id) {
            return Ok(());
        }
        let bound = usize::try_from(binding).ok().and_then(|binding| self.context.bindings.get(binding).cloned());
        let target = match (bound, name) {
            (None, _) if binding < 0 => Target::Internet,
            (None, _) => return Err(Malformed::Unexpected),
            (Some(binding), Some(name)) => {
                Target::Dispatch { binding, name: name.to_owned(), options: options.map(str::to_owned) }
            }
            (Some(binding), None) => Target::Binding { binding },
        };
        let headers = match head::header_map(headers) {
            Ok(headers) => headers,
            Err(refusal) => {
                self.refuse(id, "TypeError", refusal);
                return Ok(());
            }
        };
        let Ok(method) = method.parse() else {
            self.refuse(id, "TypeError", &format!("Invalid HTTP method string: {}", cut(method, MAX_NAME)));
            return Ok(());
        };
        let Some((body, _)) = self.body(host, given, message, None)? else {
            self.refuse(id, "Error", TOO_MANY_STREAMS);
            return Ok(());
        };
        let turn = matches!(target, Target::Internet).then(|| {
            let connections = Arc::clone(self.connections());
            Arc::clone(&connections).try_acquire_owned().map_err(|_| connections)
        });
        if matches!(turn, Some(Err(_))) {
            self.met.insert(Limit::Connections);
        }
        let raw = mode & abi::RAW != 0;
        let request = FetchRequest { method, url: url.to_owned(), headers, redirect, raw, body, cf };
        self.send(id, message, target, request, turn);
        Ok(())
    }

    /// Counts a subrequest. False: there were too many, and the guest is told.
    fn one_more(&mut self, id: i32) -> bool {
        self.subrequests = self.subrequests.saturating_add(1);
        let fits = self.subrequests <= self.context.invocation.limits.subrequests.unwrap_or(10_000);
        if !fits {
            self.met.insert(Limit::Subrequests);
            self.refuse(id, "Error", "Too many subrequests by single Worker invocation.");
        }
        fits
    }

    /// An operation of the Cache API, which counts as a subrequest.
    fn cache(&mut self, host: &mut Host, id: i32, message: &Bytes) -> Result<(), Malformed> {
        let mut values = Reader::new(message);
        let (name, what) = (values.text_or_null()?, values.int()?);
        let (url, headers) = (values.text()?, values.text()?);
        let given = Given::read(&mut values)?;
        let (status, of_response) = (values.int()?, values.text()?);
        if !self.one_more(id) {
            return Ok(());
        }
        let (headers, of_response) = match (head::header_map(headers), head::header_map(of_response)) {
            (Ok(headers), Ok(of_response)) => (headers, of_response),
            (Err(refusal), _) | (_, Err(refusal)) => {
                self.refuse(id, "TypeError", refusal);
                return Ok(());
            }
        };
        let operation = match what {
            cache::MATCH => CacheOperation::Match,
            cache::DELETE => CacheOperation::Delete,
            _ => CacheOperation::Put { status: u16::try_from(status).unwrap_or_default(), headers: of_response },
        };
        let Some((body, _)) = self.body(host, given, message, None)? else {
            self.refuse(id, "Error", TOO_MANY_STREAMS);
            return Ok(());
        };
        let (method, redirect) = (http::Method::GET, RedirectMode::Manual);
        let request = FetchRequest { method, url: url.to_owned(), headers, redirect, raw: false, body, cf: Cf::None };
        let target = Target::Cache { name: name.map(str::to_owned), operation };
        self.send(id, message, target, request, None);
        Ok(())
    }

    /// `turn`: a connection, or where one will be had.
    fn send(
        &mut self,
        id: i32,
        message: &Bytes,
        target: Target,
        request: FetchRequest,
        turn: Option<Result<tokio::sync::OwnedSemaphorePermit, Arc<tokio::sync::Semaphore>>>,
    ) {
        let (outbound, depth) = (Arc::clone(&self.context.invocation.outbound), self.context.invocation.depth);
        // Long heads count as held for as long as the request has them.
        let message = message.clone();
        let internet = turn.is_some();
        let fetching = async move {
            let _message = message;
            let _connection = match turn {
                Some(Ok(connection)) => Some(connection),
                Some(Err(connections)) => connections.acquire_owned().await.ok(),
                None => None,
            };
            outbound.fetch(depth, target, request).await
        };
        let fetching = CALLER.scope(Arc::clone(&self.context.meter), fetching);
        if internet {
            let task = AbortOnDrop::spawn(&self.context.tokio, fetching);
            self.start(id, async move { fetched(id, task.await) });
        } else {
            // Mostly another Worker, whose instance runs on these threads too: no I/O thread is woken for it.
            let fetching = std::panic::AssertUnwindSafe(fetching).catch_unwind();
            self.start(id, async move { fetched(id, fetching.await) });
        }
    }

    fn read(&mut self, host: &mut Host, id: i32, stream: i32) {
        let Some(mut body) = self.take_stream(host, stream) else {
            // Read to its end before, or passed on.
            self.ready(id, status::END, Vec::new());
            return;
        };
        self.reading.insert(stream, id);
        self.start(id, async move {
            let chunk = body.next().await;
            Happened::Read { op: id, stream, host: body, chunk }
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
                self.wait_for(id, AbortHandle::new_pair().0);
                self.ready.push_back(Happened::ReaderGone { stream, write: Some(id) });
            }
        }
    }

    fn take_stream(&self, host: &mut Host, stream: i32) -> Option<HostStream> {
        host.share_of(self.request)?.streams.remove(&stream)
    }

    /// Something that the guest waits for.
    pub(super) fn start(&mut self, id: i32, future: impl Future<Output = Happened> + Send + 'static) {
        let (handle, registration) = AbortHandle::new_pair();
        let future = Abortable::new(future, registration);
        self.pending.get_or_insert_default().push(Box::pin(async move { future.await.unwrap_or(Happened::Stopped) }));
        self.wait_for(id, handle);
    }

    /// Should a number come twice, the operation before it is stopped: nothing runs that nobody knows.
    fn wait_for(&mut self, id: i32, handle: AbortHandle) {
        if let Some(before) = self.outstanding.insert(id, handle) {
            before.abort();
        }
    }

    /// Something that is done already; the guest is told after it has returned.
    fn ready(&mut self, id: i32, status: i32, values: Vec<u8>) {
        self.wait_for(id, AbortHandle::new_pair().0);
        self.ready.push_back(Happened::Complete { op: id, status, values });
    }

    fn refuse(&mut self, id: i32, name: &str, message: &str) {
        self.ready(id, status::ERROR, error_values(name, message));
    }
}

/// A subrequest that came to its end, or panicked. Status 0 is no response: of a cache.
fn fetched<E>(op: i32, result: Result<Result<FetchResponse, FetchError>, E>) -> Happened {
    match result.unwrap_or_else(|_| Err(FetchError::error("internal error"))) {
        Ok(FetchResponse { status: 0, .. }) => Happened::Complete { op, status: status::END, values: Vec::new() },
        result => Happened::Fetched { op, result },
    }
}

fn id_of(value: switchyard_js::abi::Value<'_>) -> Result<i32, Malformed> {
    value.as_i64().and_then(|id| i32::try_from(id).ok()).ok_or(Malformed::Unexpected)
}

/// The first `most` bytes of a text, or a little less.
fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}
