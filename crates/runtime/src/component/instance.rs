//! An instance of a component: its Store, and what of it is called. Mostly it is one request's; where a Worker wants
//! to be warm, it serves one request after the other, and rests in between among the node's idle ones ([`super::idle`]).

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::BodyExt;
use wasmtime::component::{Accessor, Resource, TypedFunc};
use wasmtime::{PoolConcurrencyLimitError, Store, StoreContextMut, UpdateDeadline};
use wasmtime_wasi_http::p3::Request as ServiceRequest;
use wasmtime_wasi_http::p3::bindings::Service;
use wasmtime_wasi_http::{Error, WasiHttpView};

use super::code::Handler;
use super::failure::error;
use super::http::{IncomingRequest, ResponseOutparam, content_length};
use super::idle::WarmComponents;
use super::outgoing::Calls;
use super::pipe::{MAX_WRITE, NotWritten, Pipe};
use super::state::{Content, Exchange, MAX_GUEST_HANDLES, MAX_LIFTED, State};
use crate::Body;
use crate::engine::CpuExceeded;
use crate::error::RunErrorKind;

/// See the module's paragraph.
pub struct Instance {
    pub store: Store<State>,
    /// `None`: it is still to be made, by its first request, whose CPU that is.
    entry: Option<Entry>,
    /// Requests it was given.
    pub served: u32,
    pub born: Instant,
}

/// What takes requests.
enum Entry {
    Incoming(TypedFunc<(Resource<IncomingRequest>, Resource<ResponseOutparam>), ()>),
    Service(Service),
}

impl Instance {
    /// One whose guest is still to be made.
    pub fn new(engine: &wasmtime::Engine, state: State, born: Instant) -> Self {
        let mut store = Store::new(engine, state);
        store.limiter(|state| &mut state.memory);
        store.epoch_deadline_callback(on_tick);
        store.set_epoch_deadline(1);
        store.set_hostcall_fuel(MAX_LIFTED);
        store.set_max_component_handles(MAX_GUEST_HANDLES);
        Self { store, entry: None, served: 1, born }
    }

    /// Another request comes.
    pub fn begin(&mut self, exchange: &Arc<Exchange>, calls: Calls) {
        self.served += 1;
        self.store.data_mut().begin(exchange, calls);
        self.store.set_epoch_deadline(1);
    }

    /// The guest's part of a request.
    ///
    /// # Errors
    /// What ended the guest; the instance is to be dropped then.
    pub(super) async fn serve(
        &mut self,
        handler: &Handler,
        exchange: &Arc<Exchange>,
        request: Request<Body>,
        resting: &WarmComponents,
    ) -> wasmtime::Result<()> {
        let store = &mut self.store;
        while self.entry.is_none() {
            match Entry::of(handler, &mut *store).await {
                Ok(entry) => self.entry = Some(entry),
                // The pool has no room: those that rest make some.
                Err(error) if error.is::<PoolConcurrencyLimitError>() && resting.shed() > 0 => {}
                Err(error) => return Err(error),
            }
        }
        match &self.entry {
            Some(Entry::Incoming(handle)) => {
                let (parts, body) = request.into_parts();
                let outparam = ResponseOutparam { head: parts.method == Method::HEAD };
                let table = &mut store.data_mut().table;
                let request = table.push(IncomingRequest::new(parts, body))?;
                let outparam = table.push(outparam)?;
                handle.call_async(store, (request, outparam)).await
            }
            Some(Entry::Service(service)) => {
                store
                    .run_concurrent(async move |guest: &Accessor<State>| serve(service, guest, exchange, request).await)
                    .await?
            }
            None => Ok(()),
        }
    }
}

impl Entry {
    async fn of(handler: &Handler, mut store: &mut Store<State>) -> wasmtime::Result<Self> {
        Ok(match handler {
            Handler::Incoming { pre, handle } => {
                let instance = pre.instantiate_async(&mut store).await?;
                Self::Incoming(instance.get_typed_func(&mut store, handle)?)
            }
            Handler::Service(pre) => Self::Service(pre.instantiate_async(&mut store).await?),
        })
    }
}

/// A guest's look at its meter and at its turn, as JavaScript's.
fn on_tick(store: StoreContextMut<'_, State>) -> wasmtime::Result<UpdateDeadline> {
    let state = store.data();
    if state.meter.exceeded() {
        return Err(wasmtime::Error::new(CpuExceeded));
    }
    if !crate::executor::must_give_up() {
        return Ok(UpdateDeadline::Continue(1));
    }
    state.exchange.yields.store(true, Ordering::Relaxed);
    Ok(UpdateDeadline::Yield(1))
}

/// A request of 0.3.
async fn serve(
    service: &Service,
    guest: &Accessor<State>,
    exchange: &Exchange,
    request: Request<Body>,
) -> wasmtime::Result<()> {
    let request = request.map(|body| body.map_err(|error| Error::InternalError(Some(error.0))));
    let request = guest.with(|mut store| {
        let view = store.data_mut().http();
        ServiceRequest::from_http(view.hooks, request).0
    });
    match service.handle(guest, request).await? {
        Ok(response) => {
            let response = guest.with(|mut store| response.into_http(&mut store, async { Ok(()) }))?;
            let held = guest.with(|mut store| Arc::clone(&store.data_mut().memory.held));
            let (parts, body) = response.into_parts();
            let pipe = Pipe::new(content_length(&parts.headers), &held);
            exchange.respond(Response::from_parts(parts, ()), Content::Written(Arc::clone(&pipe)));
            pump(body, &pipe).await?;
        }
        Err(code) => {
            let message = format!("The component answered with an error: {code:?}");
            exchange.fail(error(RunErrorKind::Exception, &message));
        }
    }
    // What it goes on with after its response.
    std::future::poll_fn(|cx| guest.poll_no_interesting_tasks(cx)).await;
    Ok(())
}

/// Writes a body of 0.3 into the response as the guest makes it.
async fn pump<B>(body: B, pipe: &Pipe) -> wasmtime::Result<()>
where
    B: http_body::Body<Data = Bytes, Error = Error>,
{
    let mut body = pin!(body);
    let mut trailers = None;
    while let Some(frame) = std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        let Ok(frame) = frame else {
            pipe.cut();
            return Ok(());
        };
        match frame.into_data() {
            Ok(mut bytes) => {
                while !bytes.is_empty() {
                    std::future::poll_fn(|cx| pipe.poll_room(cx)).await;
                    let Some(room) = pipe.room() else { return Ok(()) }; // nobody reads any more
                    let part = bytes.split_to(bytes.len().min(room).min(MAX_WRITE));
                    match pipe.write(part) {
                        Ok(()) => {}
                        Err(NotWritten::Full(full)) => return Err(wasmtime::Error::new(full)),
                        Err(_) => return Ok(()),
                    }
                }
            }
            Err(frame) => trailers = frame.into_trailers().ok(),
        }
    }
    let _ = pipe.finish(trailers.filter(|trailers| !trailers.is_empty()));
    Ok(())
}
