//! One request in an instance of a component, as a task of the executor: the guest's call, and beside it what ends a
//! request from outside.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::{Duration, Instant};

use switchyard_catalog::Isolation;

use super::ComponentWorker;
use super::failure::{error, exceeded_cpu, failure};
use super::instance::Instance;
use super::outgoing::Calls;
use super::output::Output;
use super::state::{Closed, Exchange, MemoryLimit, State};
use crate::Invocation;
use crate::error::{RunError, RunErrorKind};
use crate::instance::{Event, Finish};
use crate::meter::CpuMeter;
use crate::outcome::{Ending, Outcome};
use crate::reply::Reply;
use crate::runtime::Inner;
use crate::slots::Permit;
use crate::worker::Worker;

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
pub async fn run(mut visit: Box<Visit>, _permit: Permit) {
    if visit.meter.abandoned() {
        visit.finish.dropped = Ending::Canceled; // before anything of it ran
        return;
    }
    let Visit { runtime, worker, component, event, invocation, meter, reply, finish } = *visit;
    let Event::Fetch(request) = event else {
        let none = error(RunErrorKind::Exception, "A component has no handler for other Workers' traces.");
        reply.send(Err(finish.with_error(none)));
        return;
    };
    let memory = invocation.limits.memory_bytes.unwrap_or(128 << 20);
    let memory = usize::try_from(memory).unwrap_or(usize::MAX);
    let warm = invocation.isolation.unwrap_or(worker.about.isolation) == Isolation::Warm;
    let version = worker.about.version;
    let kept = if warm { runtime.warm_components.take(version, memory) } else { None };
    let born = kept.as_ref().map_or_else(Instant::now, |kept: &Instance| kept.born);
    let exchange = Exchange::new(reply, Output::new(invocation.console, invocation.limits.log_bytes), born);
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
    let mut instance = match kept {
        Some(mut kept) => {
            runtime.counts.warm_reused();
            kept.begin(&exchange, calls);
            kept
        }
        None => {
            runtime.counts.made();
            let memory = MemoryLimit::new(memory, worker.usage.instance(0), &worker.held);
            let state = State::new(memory, Arc::clone(&exchange), calls, Arc::clone(&component.env));
            Instance::new(component.code.engine(), state, born)
        }
    };
    let ended = {
        let guest = pin!(instance.serve(&component.code.handler, &exchange, request, &runtime.warm_components));
        drive(&exchange, &meter, guest, wall, runtime.wait_until).await
    };
    let returned = matches!(ended, Ended::Done(Ok(())));
    let (ending, closed) = end(&exchange, instance.store.data(), ended);
    let calls = &instance.store.data().calls;
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
    let fit = warm && returned && outcome.ending == Ending::Ok && !component.is_closed();
    if fit && runtime.warm_components.fits(instance.served, instance.born) {
        instance.store.data_mut().rest();
        runtime.warm_components.put(version, memory, instance);
    } else {
        // All that the request started ends here; giving its instance back is its own cost too.
        drop(instance);
    }
    outcome.cpu = meter.finish();
    component.cost.ran(outcome.cpu);
    finish.tell(outcome);
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
    wait_until: Duration,
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
                grace = Some(Box::pin(tokio::time::sleep(wait_until)));
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
