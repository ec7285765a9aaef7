//! One request in a clean instance of a component, as a task of the executor: the guest's call, and beside it
//! what ends a request from outside.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::BodyExt;
use wasmtime::component::{Accessor, Resource};
use wasmtime::{Store, StoreContextMut, UpdateDeadline};
use wasmtime_wasi_http::p3::Request as ServiceRequest;
use wasmtime_wasi_http::{Error, WasiHttpView};

use super::ComponentWorker;
use super::code::Handler;
use super::failure::{error, exceeded_cpu, failure};
use super::http::{IncomingRequest, ResponseOutparam, content_length};
use super::outgoing::Calls;
use super::output::Output;
use super::pipe::{MAX_WRITE, NotWritten, Pipe};
use super::state::{Closed, Content, Exchange, MAX_GUEST_HANDLES, MAX_LIFTED, MemoryLimit, State};
use crate::engine::CpuExceeded;
use crate::error::{RunError, RunErrorKind};
use crate::instance::{Event, Finish};
use crate::meter::CpuMeter;
use crate::outcome::{Ending, Outcome};
use crate::runtime::Inner;
use crate::session::{Reply, WAIT_UNTIL_GRACE};
use crate::slots::Permit;
use crate::worker::Worker;
use crate::{Body, Invocation};

/// A request on its way into an instance.
pub struct Visit {
    pub runtime: Arc<Inner>,
    pub worker: Arc<Worker>,
    pub component: Arc<ComponentWorker>,
    pub event: Event,
    pub invocation: Invocation,
    pub meter: Arc<CpuMeter>,
    pub reply: Reply,
    pub finish: Finish,
}

/// The task of one request.
pub async fn run(mut visit: Visit, _permit: Permit) {
    if visit.meter.abandoned() {
        visit.finish.dropped = Ending::Canceled; // before anything of it ran
        return;
    }
    let Visit { runtime, worker, component, event, invocation, meter, reply, finish } = visit;
    let Event::Fetch(request) = event else {
        let none = error(RunErrorKind::Exception, "A component has no handler for other Workers' traces.");
        let _ = reply.send(Err(finish.with_error(none)));
        return;
    };
    let memory = invocation.limits.memory_bytes.unwrap_or(128 << 20);
    let memory = usize::try_from(memory).unwrap_or(usize::MAX);
    let memory = MemoryLimit::new(memory, worker.usage.instance(0), &worker.held);
    let exchange = Exchange::new(reply, Output::new(invocation.console, invocation.limits.log_bytes));
    let wall = invocation.limits.wall().map(|wall| Box::pin(tokio::time::sleep(wall)));
    let calls = Calls {
        meter: Arc::clone(&meter),
        tokio: runtime.tokio.clone(),
        outbound: invocation.outbound,
        depth: invocation.depth,
        limits: invocation.limits,
        bindings: Arc::clone(&component.bindings),
        connections: None,
        subrequests: 0,
        met: switchyard_catalog::LimitSet::default(),
    };
    let service = matches!(component.code.handler, Handler::Service(_));
    let state = State::new(memory, Arc::clone(&exchange), calls, Arc::clone(&component.env), service);
    let mut store = store_of(&component, state);
    runtime.counts.made();
    let ended = {
        let guest = pin!(call(&component.code.handler, &mut store, &exchange, request));
        drive(&exchange, &meter, guest, wall).await
    };
    let (ending, closed) = end(&exchange, store.data(), ended);
    let calls = &store.data().calls;
    let logs = exchange.output.lock().finish();
    let mut outcome = Outcome {
        ending,
        cpu: Duration::ZERO,
        wall: finish.began.elapsed(),
        subrequests: calls.subrequests,
        met: calls.met,
        logs_dropped: logs.dropped,
        logs: logs.lines,
        exception: closed.exception,
        thrown_beside: Vec::new(),
    };
    // All that the request started ends here; giving its instance back is its own cost too.
    drop(store);
    outcome.cpu = meter.finish();
    finish.tell(outcome);
}

fn store_of(component: &ComponentWorker, state: State) -> Store<State> {
    let mut store = Store::new(component.code.engine(), state);
    store.limiter(|state| &mut state.memory);
    store.epoch_deadline_callback(on_tick);
    store.set_epoch_deadline(1);
    store.set_hostcall_fuel(MAX_LIFTED);
    store.set_max_component_handles(MAX_GUEST_HANDLES);
    store
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

/// The guest's part of a request.
async fn call(
    handler: &Handler,
    store: &mut Store<State>,
    exchange: &Arc<Exchange>,
    request: Request<Body>,
) -> wasmtime::Result<()> {
    match handler {
        Handler::Incoming { pre, handle } => {
            let instance = pre.instantiate_async(&mut *store).await?;
            let handle = instance
                .get_typed_func::<(Resource<IncomingRequest>, Resource<ResponseOutparam>), ()>(&mut *store, handle)?;
            let (parts, body) = request.into_parts();
            let outparam = ResponseOutparam { head: parts.method == Method::HEAD };
            let table = &mut store.data_mut().table;
            let request = table.push(IncomingRequest::new(parts, body))?;
            let outparam = table.push(outparam)?;
            handle.call_async(&mut *store, (request, outparam)).await
        }
        Handler::Service(pre) => {
            let service = pre.instantiate_async(&mut *store).await?;
            let exchange = Arc::clone(exchange);
            store
                .run_concurrent(async move |guest: &Accessor<State>| -> wasmtime::Result<()> {
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
                })
                .await?
        }
    }
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

/// How the guest's part came to its end.
enum Ended {
    Done(wasmtime::Result<()>),
    Left,
    Wall,
    Grace,
    Cpu,
}

type Timer = Pin<Box<tokio::time::Sleep>>;

/// Polls the guest, and what ends its request from outside.
async fn drive(
    exchange: &Exchange,
    meter: &Arc<CpuMeter>,
    mut guest: Pin<&mut impl Future<Output = wasmtime::Result<()>>>,
    mut wall: Option<Timer>,
) -> Ended {
    let mut grace: Option<Timer> = None;
    std::future::poll_fn(|cx| {
        if meter.abandoned() {
            return Poll::Ready(Ended::Left);
        }
        if !exchange.yields.swap(false, Ordering::Relaxed) {
            exchange.clock.moves();
        }
        if let Poll::Ready(done) = guest.as_mut().poll(cx) {
            exchange.send(meter);
            return Poll::Ready(Ended::Done(done));
        }
        exchange.send(meter);
        if exchange.is_through() {
            if grace.is_none() {
                meter.go_on();
                grace = Some(Box::pin(tokio::time::sleep(WAIT_UNTIL_GRACE)));
            }
        } else if exchange.poll_left(cx).is_ready() {
            return Poll::Ready(Ended::Left);
        }
        if grace.as_mut().is_some_and(|grace| grace.as_mut().poll(cx).is_ready()) {
            return Poll::Ready(Ended::Grace);
        }
        if wall.as_mut().is_some_and(|wall| wall.as_mut().poll(cx).is_ready()) {
            return Poll::Ready(Ended::Wall);
        }
        // Calls too short for a tick count as well.
        if meter.exceeded() {
            return Poll::Ready(Ended::Cpu);
        }
        Poll::Pending
    })
    .await
}

/// Answers who still waits, and says how the request ended.
fn end(exchange: &Exchange, state: &State, ended: Ended) -> (Ending, Closed) {
    let failed = |error: RunError| {
        let ending = error.kind.ending();
        exchange.fail(error);
        ending
    };
    let ending = match ended {
        Ended::Done(Ok(())) if exchange.is_answered() => None,
        Ended::Done(Ok(())) => Some(failed(error(
            RunErrorKind::Exception,
            "The component returned without a response: response-outparam.set was not called.",
        ))),
        Ended::Done(Err(trapped)) => match failure(&trapped, state) {
            None => None,
            Some(error) if error.kind == RunErrorKind::Exception && exchange.is_left() => Some(Ending::Canceled),
            Some(error) => {
                tracing::debug!(error = format!("{trapped:#}"), "a component failed");
                Some(failed(error))
            }
        },
        Ended::Left => Some(Ending::Canceled),
        Ended::Wall => Some(failed(error(RunErrorKind::ExceededWall, "Worker exceeded wall time limit."))),
        Ended::Grace => Some(Ending::WaitUntilCut),
        Ended::Cpu => Some(failed(exceeded_cpu())),
    };
    let closed = exchange.close();
    let ending = ending.unwrap_or(match closed.failed {
        Some(kind) => kind.ending(),
        // Its body has no end, and nobody is left to write it.
        None if closed.cut && closed.left => Ending::Canceled,
        None if closed.cut => Ending::Hung,
        None => Ending::Ok,
    });
    (ending, closed)
}
