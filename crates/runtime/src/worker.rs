//! A Worker: one version made ready, shared by all its requests. Which instance a request gets,
//! clean or warm, is decided here and seen nowhere else.

use std::future::Future;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::task::Poll;
use std::time::{Duration, Instant};

use http::{Request, Response};
use parking_lot::RwLock;
use switchyard_catalog::{AccountId, Isolation, Limits, NamespaceName, ScriptId, ScriptName, VersionId, WorkerBinding};
use switchyard_js::abi::{Writer, binding};
use tokio::sync::oneshot;

use crate::component::{self, ComponentWorker, Visit};
use crate::delta::Delta;
use crate::error::{RunError, RunErrorKind};
use crate::executor::Pace;
use crate::head::wants_socket;
use crate::held::Held;
use crate::instance::{Arrival, Event, Finish, alone, shared};
use crate::memory::Usage;
use crate::meter::{CpuMeter, SharedMeter};
use crate::modules::Modules;
use crate::outcome::{Ending, Outcome};
use crate::reply::{self, Reply};
use crate::runtime::Inner;
use crate::slots::{Permit, Slots};
use crate::warm::{Entered, FirstRequests, Pool, Wants};
use crate::{Body, Invocation};

/// Pages of its own above which `auto` serves a script warm: its first request costs milliseconds.
const HEAVY_PAGES: usize = 256;

/// See the module's paragraph.
pub struct Worker {
    pub(crate) runtime: Weak<Inner>,
    pub(crate) about: About,
    pub(crate) code: Code,
    pub(crate) bindings: Arc<[WorkerBinding]>,
    /// What its instances take of the node's memory.
    pub(crate) usage: Arc<Usage>,
    /// What the node holds for all its requests.
    pub(crate) held: Arc<Held>,
}

/// Looks at the cache again after so many uses of what was remembered: so it learns what is used, and what it let go
/// of is not used for long.
const REMEMBERED: u32 = 16;

/// The Worker that a caller had last: looking into the cache costs ten times as much as asking it whether it still is.
#[derive(Default)]
pub struct Remembered {
    worker: RwLock<Option<(VersionId, Weak<Worker>)>>,
    uses: AtomicU32,
}

impl Remembered {
    /// `None`: it has to be looked up.
    pub(crate) fn get(&self, version: VersionId) -> Option<Arc<Worker>> {
        if self.uses.fetch_add(1, Ordering::Relaxed).is_multiple_of(REMEMBERED) {
            return None;
        }
        match &*self.worker.read() {
            Some((of, worker)) if *of == version => worker.upgrade(),
            _ => None,
        }
    }

    pub(crate) fn set(&self, version: VersionId, worker: &Arc<Worker>) {
        let same = |(of, known): &(VersionId, Weak<Worker>)| {
            *of == version && std::ptr::eq(known.as_ptr(), &raw const **worker)
        };
        if !self.worker.read().as_ref().is_some_and(same) {
            *self.worker.write() = Some((version, Arc::downgrade(worker)));
        }
    }
}

impl std::fmt::Debug for Remembered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Remembered")
    }
}

/// What a Worker is made of.
pub(crate) enum Code {
    JavaScript(Arc<Script>),
    Component(Arc<ComponentWorker>),
}

/// JavaScript, evaluated.
pub(crate) struct Script {
    pub delta: Arc<Delta>,
    /// Modules that were not evaluated at upload: a handler may import them.
    pub modules: Arc<Modules>,
    /// The bindings as an ENV event.
    pub env: Arc<[u8]>,
    /// Its warm instances.
    pub pool: Arc<Pool>,
    /// What a request in a clean instance costs, where `auto` has to decide.
    pub first_requests: FirstRequests,
    /// What any request costs.
    pub cost: Cost,
}

/// What a Worker's requests have cost lately.
#[derive(Debug, Default)]
pub(crate) struct Cost {
    /// Microseconds of CPU, of which the last request makes a quarter; 0: none has ended.
    micros: AtomicU32,
}

/// CPU below which a request may begin on the thread that took it from its client.
const SHORT: u32 = 300;

impl Cost {
    /// A request has ended. Of two at once, one may be lost.
    pub fn ran(&self, cpu: Duration) {
        let this = u32::try_from(cpu.as_micros()).unwrap_or(u32::MAX) / 4;
        let before = self.micros.load(Ordering::Relaxed);
        self.micros.store((before - before / 4).saturating_add(this).max(1), Ordering::Relaxed);
    }

    pub fn pace(&self) -> Pace {
        match self.micros.load(Ordering::Relaxed) {
            0 => Pace::Unknown,
            1..SHORT => Pace::Short,
            _ => Pace::Long,
        }
    }
}

/// Who a Worker is, and what it may use.
#[derive(Debug, Clone)]
pub struct About {
    pub account: AccountId,
    /// Its namespace's name when it was made; `None`: an account-level Worker.
    pub namespace: Option<NamespaceName>,
    pub script: ScriptId,
    pub script_name: ScriptName,
    pub version: VersionId,
    /// The script's own limits.
    pub limits: Limits,
    pub isolation: Isolation,
}

impl Script {
    /// A request has run in a clean instance.
    pub fn ran_clean(&self, outcome: &Outcome) {
        self.cost.ran(outcome.cpu);
        if outcome.ending == Ending::Ok {
            self.first_requests.ran(outcome.cpu);
        }
    }
}

impl Worker {
    pub fn about(&self) -> &About {
        &self.about
    }

    /// Whether one of its bindings is a dispatch namespace.
    pub fn is_dispatcher(&self) -> bool {
        self.bindings.iter().any(|binding| matches!(binding, WorkerBinding::DispatchNamespace { .. }))
    }

    /// Bytes it holds in memory.
    pub(crate) fn size(&self) -> usize {
        match &self.code {
            Code::JavaScript(script) => script.delta.size() + script.modules.size() + script.env.len() * 2 + 1024,
            Code::Component(component) => component.size(),
        }
    }

    /// No request joins an instance of it any more.
    pub(crate) fn close(&self) {
        match &self.code {
            Code::JavaScript(script) => script.pool.close(),
            Code::Component(component) => component.close(),
        }
    }

    /// `stays`: the request may be a long one, as a WebSocket is.
    fn is_warm(&self, script: &Script, isolation: Option<Isolation>, base_pages: u64, stays: bool) -> bool {
        match isolation.unwrap_or(self.about.isolation) {
            Isolation::Warm => true,
            // What grew beyond the base cannot be put back in place: a clean instance of it is a new slot.
            Isolation::Request => false,
            Isolation::Auto => {
                stays
                    || self.is_dispatcher()
                    || script.delta.pages.len() > HEAVY_PAGES
                    || script.delta.wasm_pages > base_pages
                    || script.first_requests.are_heavy()
            }
        }
    }

    /// Runs one request. The request's URI is absolute, as the Worker shall see it. Returns when the
    /// response's head is there; the instance lives on until body and `waitUntil` work are done.
    /// Dropping the future tells the Worker that its client is gone.
    ///
    /// # Errors
    /// Why there is no response; see [`RunErrorKind`].
    pub fn handle(
        self: &Arc<Self>,
        request: Request<Body>,
        invocation: Invocation,
    ) -> impl Future<Output = Result<Response<Body>, RunError>> + Send + use<> {
        self.run(Event::Fetch(request), invocation)
    }

    /// Tells its `tail` handler what other Workers did; `items` is the text of a JSON array, as
    /// `platform/trace.js` reads it. Returns when the handler has ended; else as [`Worker::handle`].
    ///
    /// # Errors
    /// As [`Worker::handle`].
    pub async fn tail(self: &Arc<Self>, items: String, invocation: Invocation) -> Result<(), RunError> {
        self.run(Event::Tail(items), invocation).await.map(drop)
    }

    fn run(
        self: &Arc<Self>,
        event: Event,
        invocation: Invocation,
    ) -> impl Future<Output = Result<Response<Body>, RunError>> + Send + use<> {
        let worker = Arc::clone(self);
        let begun = self.arrive(event, invocation);
        async move {
            let (arrived, waits, answer) = begun?;
            match arrived {
                Arrived::Warm(arrival) => Self::place(arrival).await,
                Arrived::Clean(arrival) => worker.run_clean(arrival).await?,
                Arrived::Component(visit) => Box::pin(worker.run_component(visit)).await?,
            }
            let answered = answer.await;
            waits.no_more();
            answered.unwrap_or_else(|_| Err(error(RunErrorKind::Internal, "the request's task ended early")))
        }
    }

    /// Packs up all that goes with a request, which is too much for a future that is moved: see [`Arrival`].
    fn arrive(
        self: &Arc<Self>,
        event: Event,
        mut invocation: Invocation,
    ) -> Result<(Arrived, Waits, Answer), RunError> {
        let finish = Finish { began: Instant::now(), tell: invocation.on_outcome.take(), dropped: Ending::Canceled };
        let Some(runtime) = self.runtime.upgrade() else {
            return Err(finish.with_error(error(RunErrorKind::Internal, "the runtime has ended")));
        };
        let meter = Arc::new(CpuMeter::in_task(invocation.limits.cpu()));
        let (reply, answer) = Reply::new(invocation.depth);
        let waits = Waits(Some(Arc::clone(&meter)));
        let worker = Arc::clone(self);
        let arrived = match &self.code {
            Code::JavaScript(script) => {
                let stays = matches!(&event, Event::Fetch(request) if wants_socket(request.headers()));
                let warm = self.is_warm(script, invocation.isolation, runtime.base_pages(), stays);
                let script = Arc::clone(script);
                let again = false;
                let arrival =
                    Box::new(Arrival { runtime, worker, script, event, invocation, meter, reply, finish, again });
                if warm { Arrived::Warm(arrival) } else { Arrived::Clean(arrival) }
            }
            Code::Component(component) => {
                let component = Arc::clone(component);
                let visit = Visit { runtime, worker, component, event, invocation, meter, reply, finish };
                Arrived::Component(Box::new(visit))
            }
        };
        Ok((arrived, waits, answer))
    }

    async fn run_clean(&self, mut arrival: Box<Arrival>) -> Result<(), RunError> {
        let permit = match self.permit(&arrival.runtime.slots, arrival.invocation.depth).await {
            Ok(permit) => permit,
            Err(overloaded) => return Err(arrival.finish.with_error(overloaded)),
        };
        arrival.finish.dropped = Ending::Internal; // from here on the task tells
        let (runtime, meter) = (Arc::clone(&arrival.runtime), Arc::clone(&arrival.meter));
        let (weight, pace) = (arrival.invocation.weight, arrival.script.cost.pace());
        let task = alone::run(arrival, permit);
        runtime.executor.here(|| runtime.executor.spawn(self.about.script, weight, meter, move || pace, task));
        Ok(())
    }

    async fn run_component(&self, mut visit: Box<Visit>) -> Result<(), RunError> {
        let permit = match self.permit(&visit.runtime.slots, visit.invocation.depth).await {
            Ok(permit) => permit,
            Err(overloaded) => return Err(visit.finish.with_error(overloaded)),
        };
        visit.finish.dropped = Ending::Internal; // from here on the task tells
        let (runtime, meter) = (Arc::clone(&visit.runtime), Arc::clone(&visit.meter));
        let (weight, pace) = (visit.invocation.weight, visit.component.cost.pace());
        let task = component::run(visit, permit);
        runtime.executor.here(|| runtime.executor.spawn(self.about.script, weight, meter, move || pace, task));
        Ok(())
    }

    /// The right to run an instance.
    async fn permit(&self, slots: &Slots, depth: u8) -> Result<Permit, RunError> {
        // The platform's own Workers call those of all tenants, and wait for them.
        let bounded = self.about.namespace.is_some();
        slots.permit(self.about.script, depth, bounded).await
    }

    /// Puts a request into a warm instance of its Worker, once there is room for it in one.
    pub(crate) async fn place(mut arrival: Box<Arrival>) {
        let (worker, runtime) = (Arc::clone(&arrival.worker), Arc::clone(&arrival.runtime));
        let pool = Arc::clone(&arrival.script.pool);
        let (depth, weight) = (arrival.invocation.depth, arrival.invocation.weight);
        let script = Arc::clone(&arrival.script);
        loop {
            arrival = match runtime.executor.here(|| pool.enter(arrival, Wants::Soon)) {
                Entered::Joined => return runtime.counts.warm_reused(),
                Entered::Needs(arrival) => arrival,
            };
            let mut permit = std::pin::pin!(worker.permit(&runtime.slots, depth));
            let mut now = std::future::poll_fn(|cx| Poll::Ready(permit.as_mut().poll(cx))).await;
            if !matches!(now, Poll::Ready(Ok(_))) {
                let wants = if now.is_pending() { Wants::Room } else { Wants::Any };
                arrival = match pool.enter(arrival, wants) {
                    Entered::Joined => return runtime.counts.warm_reused(),
                    Entered::Needs(arrival) => arrival,
                };
            }
            if now.is_pending() {
                now = Poll::Ready(tokio::select! {
                    biased;
                    permit = permit => permit,
                    () = pool.room() => continue,
                });
            }
            let permit = match now {
                Poll::Ready(Ok(permit)) => permit,
                Poll::Ready(Err(overloaded)) => return arrival.refuse(overloaded),
                Poll::Pending => continue,
            };
            runtime.executor.here(|| match pool.admit(arrival, permit) {
                Some(member) => {
                    let meter: Arc<SharedMeter> = Arc::default();
                    let task = shared::run(member, Arc::clone(&meter));
                    let pace = move || script.cost.pace();
                    runtime.executor.spawn(worker.about.script, weight, meter, pace, task);
                }
                None => runtime.counts.warm_reused(),
            });
            return;
        }
    }
}

/// A request, and what runs it.
enum Arrived {
    Warm(Box<Arrival>),
    Clean(Box<Arrival>),
    Component(Box<Visit>),
}

type Answer = oneshot::Receiver<reply::Answer>;

/// A client that waits for an answer; dropped, it has gone.
struct Waits(Option<Arc<CpuMeter>>);

impl Waits {
    fn no_more(mut self) {
        self.0 = None;
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        if let Some(meter) = &self.0 {
            meter.leave();
        }
    }
}

/// The bindings as the values of an ENV event. Written once a Worker.
pub(crate) fn env_values(bindings: &[(String, WorkerBinding)]) -> Arc<[u8]> {
    let mut values = Vec::new();
    let mut write = Writer::new(&mut values);
    for (name, bound) in bindings {
        match bound {
            WorkerBinding::Text(text) => write.int(binding::TEXT).text(name).text(text),
            WorkerBinding::Secret(secret) => write.int(binding::TEXT).text(name).text(secret.expose()),
            WorkerBinding::SecretKey { key, secret } => {
                // A JSON Web Key is the text of an object, which the platform reads for itself.
                let info = serde_json::json!({
                    "format": key.format.name(), "algorithm": key.algorithm, "usages": key.usages,
                    "key": secret.expose(),
                });
                write.int(binding::SECRET_KEY).text(name).text(&info.to_string())
            }
            WorkerBinding::Json(value) => write.int(binding::JSON).text(name).text(&value.to_string()),
            WorkerBinding::Service { .. } | WorkerBinding::Assets { .. } => {
                write.int(binding::FETCHER).text(name).null()
            }
            WorkerBinding::DispatchNamespace { .. } => write.int(binding::DISPATCH_NAMESPACE).text(name).null(),
            WorkerBinding::VersionMetadata(value) => {
                write.int(binding::VERSION_METADATA).text(name).text(&value.to_string())
            }
        };
    }
    values.into()
}

fn error(kind: RunErrorKind, message: &str) -> RunError {
    RunError { kind, name: "Error".into(), message: message.into() }
}
