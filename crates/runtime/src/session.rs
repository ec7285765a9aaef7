//! One request in an instance: what it waits for, what of that the guest is to be told, and what the
//! guest's operations start, until nothing of the request runs any more. It calls nothing itself:
//! `instance` does, for one session or for many.
//!
//! All that a session has started lives in it, so that dropping the session stops all of it: the
//! condition under which its slot may be put back.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::AbortHandle;
use switchyard_catalog::{LimitSet, Limits};
use switchyard_js::abi::{FETCHED_SOCKET, Writer, event, status};
use tokio::sync::Semaphore;

use crate::error::{RunError, RunErrorKind};
use crate::host::Host;
use crate::meter::CpuMeter;
use crate::outcome::{Ending, Exception};
use crate::reply::Reply;
use crate::socket::{Message, SocketReader};
use crate::stream::{GuestSender, HostStream, MAX_STREAMS};
use crate::{Body, BodyError, FetchError, FetchResponse, Invocation, head};

/// Things that are done at once which a guest may be told in a row, before its client, its grace, what
/// else is done and other tenants have their turn.
const IN_A_ROW: u32 = 16;

/// What a write into a stream without a reader is told.
const NOT_READ: &str = "This stream is no longer read.";

mod crypto;
mod failure;
mod operations;
mod sockets;
mod waiting;

use failure::{crashed, exceeded_cpu, exceeded_wall, out_of_memory};
pub use failure::{ended_by_another, failure, unacceptable};
use sockets::{Sockets, TOO_MANY_SOCKETS};
use waiting::Waiting;

/// What a session needs beside its slot.
pub struct SessionContext {
    pub tokio: tokio::runtime::Handle,
    pub invocation: Invocation,
    pub bindings: Arc<[switchyard_catalog::WorkerBinding]>,
    pub meter: Arc<CpuMeter>,
    /// Shared by all sessions: long computations at once.
    pub background: Arc<Semaphore>,
    /// How long `waitUntil` work may go on after the response is done.
    pub wait_until: Duration,
}

/// What happened, from a pending operation to the guest.
pub enum Happened {
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
    /// The guest, which was told that its write failed, is told of the stream.
    Cancelled {
        stream: i32,
    },
    /// Something came over a WebSocket; nothing: its other end is gone.
    Message {
        socket: i32,
        reader: SocketReader,
        message: Option<Message>,
    },
    /// A WebSocket ended at a limit of its Worker's.
    Cut {
        socket: i32,
    },
    Stopped,
}

type Timer = Pin<Box<tokio::time::Sleep>>;

/// The state of one request.
pub struct Session {
    context: SessionContext,
    request: i32,
    reply: Option<Reply>,
    /// Made with the first of them, like what else most requests do not need.
    pending: Option<Waiting>,
    /// Operations the guest waits for; what counts as "something is pending".
    outstanding: HashMap<i32, AbortHandle>,
    ready: VecDeque<Happened>,
    /// Host streams that are being read now, and by which operation.
    reading: HashMap<i32, i32>,
    /// Guest streams that are still written.
    writers: HashMap<i32, GuestSender>,
    /// The guest stream that is the response's body, until it is closed.
    body_stream: Option<i32>,
    /// Made with the first of them.
    sockets: Option<Box<Sockets>>,
    /// Its client wants a WebSocket.
    upgrade: bool,
    answered: bool,
    /// No `waitUntil` is pending.
    done: bool,
    /// A `waitUntil` was made: the request goes on for it without its client.
    waiting: bool,
    client_gone: bool,
    /// The guest is being told that the client has gone.
    leaving: bool,
    /// Things told in a row.
    in_a_row: u32,
    /// `waitUntil` work is cut then.
    grace: Option<Timer>,
    wall: Option<Timer>,
    /// How it failed, if it did.
    failed: Option<RunErrorKind>,
    /// It ended before the guest did, which may still expect something.
    abandoned: bool,
    /// What the engine reported of a callback of the platform that threw.
    threw: Option<RunError>,
    /// See [`Session::connections`].
    connections: OnceLock<Arc<Semaphore>>,
    /// The one computation of this request that may run or wait for a thread.
    computing: OnceLock<Arc<Semaphore>>,
    pub subrequests: u32,
    /// Limits that it ran into and went on.
    pub met: LimitSet,
    pub exception: Option<Exception>,
    /// What was thrown beside the handler.
    pub thrown_beside: Vec<Exception>,
}

impl Session {
    /// `upgrade`: its client wants a WebSocket.
    pub fn new(context: SessionContext, request: i32, reply: Reply, upgrade: bool) -> Self {
        let wall = context.invocation.limits.wall().map(|wall| Box::pin(tokio::time::sleep(wall)));
        Self {
            context,
            request,
            reply: Some(reply),
            pending: None,
            outstanding: HashMap::new(),
            ready: VecDeque::new(),
            reading: HashMap::new(),
            writers: HashMap::new(),
            body_stream: None,
            sockets: None,
            upgrade,
            answered: false,
            done: false,
            waiting: false,
            client_gone: false,
            leaving: false,
            in_a_row: 0,
            grace: None,
            wall,
            failed: None,
            abandoned: false,
            threw: None,
            connections: OnceLock::new(),
            computing: OnceLock::new(),
            subrequests: 0,
            met: LimitSet::default(),
            exception: None,
            thrown_beside: Vec::new(),
        }
    }

    /// What comes next, after the guest was called or something happened.
    ///
    /// # Errors
    /// Why the instance ends, and the request with it.
    pub fn next(&mut self, host: &mut Host, memory: usize) -> Result<Step, RunError> {
        if std::mem::take(&mut self.leaving) && !self.waiting {
            self.abandoned = true;
            return Ok(Step::Ended(self.ending()));
        }
        loop {
            if self.answered && self.is_sent() && self.done {
                return Ok(Step::Ended(self.ending()));
            }
            let idle = self.ready.is_empty();
            if idle && self.outstanding.is_empty() {
                return Ok(Step::Ended(self.stuck(host)));
            }
            self.in_a_row = if idle { 0 } else { self.in_a_row + 1 };
            if !self.in_a_row.is_multiple_of(IN_A_ROW)
                && let Some(happened) = self.ready.pop_front()
            {
                match self.tell(host, memory, happened)? {
                    Some(call) => return Ok(Step::Call(call)),
                    None => continue,
                }
            }
            if self.answered && self.is_sent() && self.grace.is_none() {
                self.grace = Some(Box::pin(tokio::time::sleep(self.context.wait_until)));
            }
            return Ok(Step::Wait);
        }
    }

    /// Nothing of the answer is still to come: neither of its body nor of its WebSocket.
    fn is_sent(&self) -> bool {
        self.body_stream.is_none() && !self.is_connected()
    }

    /// Whether something waits to be told already, after others have had their turn.
    pub fn has_more(&self) -> bool {
        !self.ready.is_empty()
    }

    /// What happened while nothing was called, and what comes next then.
    ///
    /// # Errors
    /// As [`Session::next`].
    pub fn on(&mut self, host: &mut Host, memory: usize, wait: Wait) -> Result<Step, RunError> {
        match wait {
            Wait::Happened(happened) => {
                if let Some(call) = self.tell(host, memory, happened)? {
                    return Ok(Step::Call(call));
                }
            }
            Wait::Nothing => {}
            Wait::ClientGone => {
                self.client_gone = true;
                self.reply = None;
                self.answered = true;
                self.leaving = true;
                return Ok(Step::Call(Call { kind: event::ABORTED, id: self.request, status: 0, values: Vec::new() }));
            }
            Wait::GraceOver => {
                self.abandoned = true;
                return Ok(Step::Ended(Ending::WaitUntilCut));
            }
            Wait::WallOver => {
                self.abandoned = true;
                // A body that is still written is cut: dropping its writer says so to the reader.
                self.writers.clear();
                self.sockets = None;
                self.fail(exceeded_wall());
                return Ok(Step::Ended(Ending::ExceededWall));
            }
        }
        self.next(host, memory)
    }

    /// Whether nothing of the request is left in the guest either.
    pub fn settled(&self) -> bool {
        self.done && !self.abandoned && self.writers.is_empty() && !self.has_sockets()
    }

    /// Nothing is pending and the guest has not come to an end.
    fn stuck(&mut self, host: &mut Host) -> Ending {
        self.abandoned = true;
        // A body that can never go on is cut: dropping its writer says so to the reader.
        self.writers.clear();
        let connected = self.sockets.take().is_some_and(|sockets| sockets.is_waited_for());
        if self.answered {
            return if self.body_stream.take().is_some() || connected { Ending::Hung } else { self.ending() };
        }
        let error = if let Some(refused) = self.refused(host) {
            refused // it could not even say so
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
            reply.send(Err(error));
        }
        self.answered = true;
    }

    /// The next thing that happens.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Wait> {
        // What ends the request is looked at first: a guest that always has something done cannot hide it.
        if self.reply.as_mut().is_some_and(|reply| reply.poll_closed(cx).is_ready()) {
            return Poll::Ready(Wait::ClientGone);
        }
        if self.grace.as_mut().is_some_and(|grace| grace.as_mut().poll(cx).is_ready()) {
            return Poll::Ready(Wait::GraceOver);
        }
        if self.wall.as_mut().is_some_and(|wall| wall.as_mut().poll(cx).is_ready()) {
            return Poll::Ready(Wait::WallOver);
        }
        loop {
            match self.pending.as_mut().map_or(Poll::Ready(None), |pending| pending.poll_next(cx)) {
                Poll::Ready(Some(Happened::Stopped)) => {}
                Poll::Ready(Some(happened)) => return Poll::Ready(Wait::Happened(happened)),
                _ if !self.ready.is_empty() => return Poll::Ready(Wait::Nothing),
                Poll::Ready(None) => {
                    // What is outstanding has a future; should it not, nothing will ever complete it.
                    self.outstanding.clear();
                    return Poll::Ready(Wait::Nothing);
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// What the guest is to be told of it, if anything.
    fn tell(&mut self, host: &mut Host, memory: usize, happened: Happened) -> Result<Option<Call>, RunError> {
        // Calls too short for a tick, and work on other threads, count as well.
        if self.context.meter.exceeded() {
            return Err(exceeded_cpu());
        }
        let (op, status, values) = match happened {
            Happened::Stopped => return Ok(None),
            Happened::Cancelled { stream } => {
                return Ok(Some(Call { kind: event::CANCELLED, id: stream, status: 0, values: Vec::new() }));
            }
            Happened::ReaderGone { stream, write } => {
                // Closed by the guest itself a moment ago: then there is nothing to cancel.
                let open = self.writers.remove(&stream).is_some();
                if open && self.body_stream.take_if(|body| *body == stream).is_some() {
                    self.client_gone = true;
                }
                let cancelled = Call { kind: event::CANCELLED, id: stream, status: 0, values: Vec::new() };
                if let Some(op) = write
                    && self.outstanding.remove(&op).is_some()
                {
                    if open {
                        self.ready.push_front(Happened::Cancelled { stream });
                    }
                    let values = error_values("TypeError", NOT_READ);
                    return Ok(Some(Call { kind: event::COMPLETE, id: op, status: status::ERROR, values }));
                }
                return Ok(open.then_some(cancelled));
            }
            Happened::Message { socket, reader, message } => return Ok(self.hear(socket, reader, message)),
            Happened::Cut { socket } => {
                return Ok(Some(Call { kind: event::WS_LOST, id: socket, status: 1, values: Vec::new() }));
            }
            Happened::Complete { op, status, values } => (op, status, values),
            Happened::Fetched { op, .. } if !self.outstanding.contains_key(&op) => return Ok(None), // cancelled
            Happened::Fetched {
                op,
                result: Ok(FetchResponse { socket: Some(socket), status, headers, url, redirected, .. }),
            } => {
                if self.keep_socket(host, op, socket) {
                    let socket = Some((FETCHED_SOCKET, None));
                    (op, status::OK, head::fetch_values(status, "", &headers, &url, redirected, socket))
                } else {
                    (op, status::ERROR, error_values("Error", TOO_MANY_SOCKETS))
                }
            }
            Happened::Fetched { op, result: Ok(response) } => match self.add_stream(host, memory, op, response.body)? {
                Added::TooMany => (op, status::ERROR, error_values("Error", TOO_MANY_STREAMS)),
                Added::Stream(stream) => {
                    let FetchResponse { status, status_text, headers, url, redirected, .. } = response;
                    (op, status::OK, head::fetch_values(status, &status_text, &headers, &url, redirected, stream))
                }
            },
            Happened::Fetched { op, result: Err(error) } => {
                (op, status::ERROR, error_values(&error.name, &error.message))
            }
            Happened::Read { op, stream, host: body, chunk } => {
                self.reading.remove(&stream);
                let mut values = Vec::new();
                let status = match chunk {
                    Some(Ok(bytes)) => {
                        if let Some(share) = host.share_of(self.request) {
                            share.streams.insert(stream, body);
                        }
                        Writer::new(&mut values).bytes(&bytes);
                        status::OK
                    }
                    Some(Err(error)) => {
                        let (name, message) = error.parts();
                        values = error_values(name, message);
                        status::ERROR
                    }
                    None => status::END,
                };
                (op, status, values)
            }
        };
        let expected = self.outstanding.remove(&op).is_some();
        Ok(expected.then_some(Call { kind: event::COMPLETE, id: op, status, values }))
    }

    /// The platform itself could not go on: the script broke what it stands on, or memory is used up.
    pub fn platform_threw(&mut self, host: &mut Host) -> RunError {
        let threw = self.threw.take();
        self.refused(host).or(threw).unwrap_or_else(|| crashed("The Worker crashed."))
    }

    /// What it is told if it was refused memory.
    fn refused(&self, host: &mut Host) -> Option<RunError> {
        host.share_of(self.request).and_then(|share| out_of_memory(share))
    }

    /// Nothing of it has been seen by anybody.
    pub fn is_untouched(&self) -> bool {
        self.reply.is_some() && !self.answered && !self.client_gone && self.subrequests == 0
    }

    /// What it takes to run it once more.
    pub fn into_arrival(self) -> Option<(Invocation, Arc<CpuMeter>, Reply)> {
        Some((self.context.invocation, self.context.meter, self.reply?))
    }

    /// Places for fetches that wait for their response's head.
    fn connections(&self) -> &Arc<Semaphore> {
        self.connections.get_or_init(|| {
            let most = self.context.invocation.limits.connections.or(Limits::DEFAULT.connections);
            Arc::new(Semaphore::new(most.unwrap_or(1) as usize))
        })
    }

    /// CPU time so far.
    pub fn used(&self) -> Duration {
        self.context.meter.used()
    }

    /// Operations that are pending.
    pub fn load(&self) -> usize {
        self.pending.as_ref().map_or(0, Waiting::len) + self.ready.len()
    }

    /// It ends with an error, and the instance with it.
    pub fn end(&mut self, error: RunError) -> Ending {
        let ending = error.kind.ending();
        self.fail(error);
        ending
    }

    /// Gives a body a number the guest may read it by; none where there is nothing to read.
    fn add_stream(&mut self, host: &mut Host, memory: usize, number: i32, body: Body) -> Result<Added, RunError> {
        if matches!(body, Body::Empty) {
            return Ok(Added::Stream(None));
        }
        let open = host.share_of(self.request).map_or(MAX_STREAMS, |share| share.streams.len());
        if open + self.reading.len() >= MAX_STREAMS {
            return Ok(Added::TooMany);
        }
        let here = if let Body::Whole(bytes) = &body { bytes.len() } else { 0 };
        let charge = host.limiter.charge(here, memory).map_err(|full| unacceptable(&full.into()))?;
        let stream = HostStream::charged(body, charge);
        let length = stream.length();
        if let Some(share) = host.share_of(self.request) {
            share.streams.insert(number, stream);
        }
        Ok(Added::Stream(Some((number, length))))
    }
}

const TOO_MANY_STREAMS: &str = "Too many open streams.";

enum Added {
    Stream(Option<(i32, Option<u64>)>),
    TooMany,
}

/// What a session wants.
pub enum Step {
    Call(Call),
    /// Nothing before [`Session::poll`] is ready.
    Wait,
    Ended(Ending),
}

/// One call of the guest.
pub struct Call {
    pub kind: i32,
    pub id: i32,
    pub status: i32,
    pub values: Vec<u8>,
}

/// What happened; see [`Session::on`].
#[expect(clippy::large_enum_variant, reason = "made and taken apart at once: a box would be an allocation each time")]
pub enum Wait {
    Happened(Happened),
    Nothing,
    ClientGone,
    GraceOver,
    WallOver,
}

fn error_values(name: &str, message: &str) -> Vec<u8> {
    let mut values = Vec::new();
    Writer::new(&mut values).text(name).text(message);
    values
}
