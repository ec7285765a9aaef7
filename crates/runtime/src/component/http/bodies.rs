//! Bodies and their streams: what a guest reads is pulled from its sender as it is asked for, what it writes
//! goes into a bounded [`Pipe`].

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use bytes::Bytes;
use http::HeaderMap;
use http_body::Body as _;
use parking_lot::Mutex;
use wasmtime::component::{LinkerInstance, Resource, ResourceType};
use wasmtime_wasi::p2::{
    DynInputStream, DynOutputStream, DynPollable, InputStream, IoError, OutputStream, Pollable, StreamError,
    StreamResult, subscribe,
};
use wasmtime_wasi_http::p2::bindings::http::types::ErrorCode;

use super::fields::{self, Fields};
use super::{Interface, without_forbidden};
use crate::component::pipe::{NotWritten, Pipe};
use crate::component::state::State;
use crate::held::Charge;
use crate::{Body, BodyError};

/// Bytes that a guest is given at once.
const MAX_READ: usize = 64 << 10;

/// A body on its way to the guest.
pub struct Source {
    body: Body,
    rest: Bytes,
    trailers: Option<HeaderMap>,
    /// It has ended, and how.
    end: Option<Result<(), BodyError>>,
    /// Counts what was here from the start.
    _charge: Option<Charge>,
}

/// Read by a stream, and for its trailers by who waits for them.
pub type SharedSource = Arc<Mutex<Source>>;

impl Source {
    pub fn new(body: Body, charge: Option<Charge>) -> SharedSource {
        Arc::new(Mutex::new(Self { body, rest: Bytes::new(), trailers: None, end: None, _charge: charge }))
    }

    /// Ready when there are bytes, or the end.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.rest.is_empty() && self.end.is_none() {
            match std::task::ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                None => self.end = Some(Ok(())),
                Some(Err(error)) => self.end = Some(Err(error)),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(bytes) => self.rest = bytes,
                    Err(frame) => self.trailers = frame.into_trailers().ok(),
                },
            }
            if self.end.is_some() {
                self.body = Body::Empty;
            }
        }
        Poll::Ready(())
    }

    /// Reads what is there, without waiting.
    fn read(&mut self, most: usize) -> StreamResult<Bytes> {
        if self.poll(&mut Context::from_waker(Waker::noop())).is_pending() {
            return Ok(Bytes::new());
        }
        if !self.rest.is_empty() {
            return Ok(self.rest.split_to(self.rest.len().min(most).min(MAX_READ)));
        }
        match self.end.replace(Ok(())) {
            Some(Err(error)) => Err(StreamError::LastOperationFailed(wasmtime::Error::new(code_of(&error)))),
            _ => Err(StreamError::Closed),
        }
    }
}

fn code_of(error: &BodyError) -> ErrorCode {
    ErrorCode::InternalError(Some(error.0.clone()))
}

struct SourceStream(SharedSource);

#[async_trait]
impl Pollable for SourceStream {
    async fn ready(&mut self) {
        std::future::poll_fn(|cx| self.0.lock().poll(cx)).await;
    }
}

#[async_trait]
impl InputStream for SourceStream {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        self.0.lock().read(size)
    }
}

/// A body that a guest may read.
pub struct IncomingBody {
    source: SharedSource,
    taken: bool,
}

impl IncomingBody {
    /// # Errors
    /// When there is no room for what of it is here already.
    pub fn new(state: &mut State, body: Body) -> wasmtime::Result<Self> {
        let here = if let Body::Whole(bytes) = &body { bytes.len() } else { 0 };
        let charge = state.memory.held.charge(here, 0).map_err(wasmtime::Error::new)?;
        Ok(Self { source: Source::new(body, Some(charge)), taken: false })
    }
}

/// What follows a body.
pub struct FutureTrailers {
    source: SharedSource,
    given: bool,
}

impl FutureTrailers {
    fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut source = self.source.lock();
        loop {
            std::task::ready!(source.poll(cx));
            if source.end.is_some() && source.rest.is_empty() {
                return Poll::Ready(());
            }
            source.rest = Bytes::new(); // nobody reads it any more
        }
    }
}

#[async_trait]
impl Pollable for FutureTrailers {
    async fn ready(&mut self) {
        std::future::poll_fn(|cx| self.poll(cx)).await;
    }
}

/// A body that a guest writes.
pub struct OutgoingBody {
    pipe: Arc<Pipe>,
    of_response: bool,
    taken: bool,
}

impl OutgoingBody {
    pub fn of_response(pipe: Arc<Pipe>) -> Self {
        Self { pipe, of_response: true, taken: false }
    }

    pub fn of_request(pipe: Arc<Pipe>) -> Self {
        Self { pipe, of_response: false, taken: false }
    }
}

fn size_error(of_response: bool, written: u64) -> ErrorCode {
    if of_response {
        ErrorCode::HttpResponseBodySize(Some(written))
    } else {
        ErrorCode::HttpRequestBodySize(Some(written))
    }
}

struct PipeStream {
    pipe: Arc<Pipe>,
    of_response: bool,
}

#[async_trait]
impl Pollable for PipeStream {
    async fn ready(&mut self) {
        std::future::poll_fn(|cx| self.pipe.poll_room(cx)).await;
    }
}

#[async_trait]
impl OutputStream for PipeStream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.pipe.write(bytes).map_err(|refused| match refused {
            NotWritten::Closed => StreamError::Closed,
            NotWritten::NoRoom => StreamError::trap("a write is larger than check-write allowed"),
            NotWritten::TooLong(written) => {
                StreamError::LastOperationFailed(wasmtime::Error::new(size_error(self.of_response, written)))
            }
            NotWritten::Full(full) => StreamError::Trap(wasmtime::Error::new(full)),
        })
    }

    fn flush(&mut self) -> StreamResult<()> {
        if self.pipe.room().is_some() { Ok(()) } else { Err(StreamError::Closed) }
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        self.pipe.room().ok_or(StreamError::Closed)
    }
}

type Trailers = Option<Result<Result<Option<Resource<Fields>>, ErrorCode>, ()>>;

fn trailers(state: &mut State, this: &Resource<FutureTrailers>) -> wasmtime::Result<Trailers> {
    let future = state.table.get_mut(this)?;
    if future.poll(&mut Context::from_waker(Waker::noop())).is_pending() {
        return Ok(None);
    }
    if std::mem::replace(&mut future.given, true) {
        return Ok(Some(Err(())));
    }
    let (end, trailers) = {
        let mut source = future.source.lock();
        (source.end.clone(), source.trailers.take())
    };
    Ok(Some(Ok(match (end, trailers) {
        (Some(Err(error)), _) => Err(code_of(&error)),
        (_, None) => Ok(None),
        (_, Some(trailers)) => {
            let fields = Fields::shared(Arc::new(without_forbidden(trailers)));
            Ok(Some(state.table.push(fields)?))
        }
    })))
}

/// Defines them.
pub fn add_to(types: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    types.resource("outgoing-body", ResourceType::host::<OutgoingBody>(), |mut store, rep| {
        // Not finished: its reader must not take it for whole.
        store.data_mut().table.delete::<OutgoingBody>(Resource::new_own(rep))?.pipe.cut();
        Ok(())
    })?;
    let mut types = Interface(types);
    types.resource::<IncomingBody>("incoming-body")?;
    types.resource::<FutureTrailers>("future-trailers")?;
    types.function("[method]incoming-body.stream", |state, (this,): (Resource<IncomingBody>,)| {
        let body = state.table.get_mut(&this)?;
        if std::mem::replace(&mut body.taken, true) {
            return Ok(Err(()));
        }
        let stream: DynInputStream = Box::new(SourceStream(Arc::clone(&body.source)));
        Ok(Ok(state.table.push(stream)?))
    })?;
    types.function("[static]incoming-body.finish", |state, (this,): (Resource<IncomingBody>,)| {
        let body = state.table.delete(this)?;
        Ok(state.table.push(FutureTrailers { source: body.source, given: false })?)
    })?;
    types.function(
        "[method]future-trailers.subscribe",
        |state, (this,): (Resource<FutureTrailers>,)| -> wasmtime::Result<Resource<DynPollable>> {
            subscribe(&mut state.table, this)
        },
    )?;
    types.function("[method]future-trailers.get", |state, (this,): (Resource<FutureTrailers>,)| {
        trailers(state, &this)
    })?;
    types.function("[method]outgoing-body.write", |state, (this,): (Resource<OutgoingBody>,)| {
        let body = state.table.get_mut(&this)?;
        if std::mem::replace(&mut body.taken, true) {
            return Ok(Err(()));
        }
        let stream = PipeStream { pipe: Arc::clone(&body.pipe), of_response: body.of_response };
        let stream: DynOutputStream = Box::new(stream);
        Ok(Ok(state.table.push(stream)?))
    })?;
    types.function(
        "[static]outgoing-body.finish",
        |state, (this, trailers): (Resource<OutgoingBody>, Option<Resource<Fields>>)| {
            let trailers = match trailers {
                Some(trailers) => Some(fields::take(state, trailers)?.into_map()),
                None => None,
            };
            let body = state.table.delete(this)?;
            let trailers = trailers.filter(|trailers| !trailers.is_empty());
            Ok(body.pipe.finish(trailers).map_err(|written| size_error(body.of_response, written)))
        },
    )?;
    types.function("http-error-code", |state, (error,): (Resource<IoError>,)| {
        Ok(state.table.get(&error)?.downcast_ref::<ErrorCode>().cloned())
    })
}
