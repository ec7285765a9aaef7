//! A Worker: one version made ready, shared by all its requests. Which instance a request gets,
//! clean or warm, is decided here and seen nowhere else.

use std::sync::{Arc, Weak};
use std::time::Instant;

use http::{Request, Response};
use switchyard_catalog::{
    AccountId, Isolation, LimitSet, Limits, NamespaceName, ScriptId, ScriptName, VersionId, WorkerBinding,
};
use switchyard_js::abi::{Writer, binding};
use tokio::sync::oneshot;

use crate::delta::Delta;
use crate::error::{RunError, RunErrorKind};
use crate::held::Held;
use crate::host::{Limiter, Mode};
use crate::meter::CpuMeter;
use crate::modules::Modules;
use crate::outcome::{Ending, Outcome};
use crate::runtime::Inner;
use crate::session::{Broken, Reply, Session, SessionContext};
use crate::slots::Permit;
use crate::stream::HostStream;
use crate::warm::WarmInstance;
use crate::{Body, Invocation, head};

/// Pages of its own above which `auto` serves a script warm: its first request costs milliseconds.
const HEAVY_PAGES: usize = 256;
/// Numbers of request bodies begin here, above those of operations.
const REQUEST_STREAMS: i32 = 1 << 30;

/// See the module's paragraph.
pub struct Worker {
    pub(crate) runtime: Weak<Inner>,
    pub(crate) about: About,
    pub(crate) delta: Arc<Delta>,
    /// Modules that were not evaluated at upload: a handler may import them.
    pub(crate) modules: Arc<Modules>,
    pub(crate) bindings: Arc<[WorkerBinding]>,
    /// The bindings as an ENV event.
    pub(crate) env: Arc<[u8]>,
    /// What the node holds for all its requests.
    pub(crate) held: Arc<Held>,
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
        self.delta.size() + self.modules.size() + self.env.len() * 2 + 1024
    }

    fn is_warm(&self, isolation: Option<Isolation>, base_pages: u64) -> bool {
        match isolation.unwrap_or(self.about.isolation) {
            Isolation::Warm => true,
            // What grew beyond the base cannot be put back in place: a clean instance of it is a new slot.
            Isolation::Request => false,
            Isolation::Auto => {
                self.is_dispatcher() || self.delta.pages.len() > HEAVY_PAGES || self.delta.wasm_pages > base_pages
            }
        }
    }

    /// Runs one request. The request's URI is absolute, as the Worker shall see it. Returns when the
    /// response's head is there; the instance lives on until body and `waitUntil` work are done.
    /// Dropping the future tells the Worker that its client is gone.
    ///
    /// # Errors
    /// Why there is no response; see [`RunErrorKind`].
    pub async fn handle(
        self: &Arc<Self>,
        request: Request<Body>,
        mut invocation: Invocation,
    ) -> Result<Response<Body>, RunError> {
        let mut finish =
            Finish { began: Instant::now(), tell: invocation.on_outcome.take(), dropped: Ending::Canceled };
        let Some(runtime) = self.runtime.upgrade() else {
            return Err(finish.with_error(error(RunErrorKind::Internal, "the runtime has ended")));
        };
        // The platform's own Workers call those of all tenants, and wait for them.
        let bounded = self.about.namespace.is_some();
        let permit = match runtime.slots.permit(self.about.script, invocation.depth, bounded).await {
            Ok(permit) => permit,
            Err(overloaded) => return Err(finish.with_error(overloaded)),
        };
        finish.dropped = Ending::Internal; // from here on the task tells
        let meter = Arc::new(CpuMeter::new(invocation.limits.cpu()));
        let weight = invocation.weight;
        let (reply, answer) = oneshot::channel();
        let task = Task {
            runtime: Arc::clone(&runtime),
            worker: Arc::clone(self),
            invocation,
            meter: Arc::clone(&meter),
            finish,
            _permit: permit,
        };
        let waits = Waits(Some(Arc::clone(&meter)));
        runtime.executor.spawn(self.about.script, weight, meter, task.run(request, reply));
        let answered = answer.await;
        waits.no_more();
        answered.unwrap_or_else(|_| Err(error(RunErrorKind::Internal, "the request's task ended early")))
    }
}

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

struct Task {
    runtime: Arc<Inner>,
    worker: Arc<Worker>,
    invocation: Invocation,
    meter: Arc<CpuMeter>,
    finish: Finish,
    _permit: Permit,
}

impl Task {
    async fn run(self, request: Request<Body>, reply: Reply) {
        let Self { runtime, worker, invocation, meter, mut finish, _permit } = self;
        if meter.abandoned() {
            finish.dropped = Ending::Canceled; // before anything of it ran
            return;
        }
        let warm = worker.is_warm(invocation.isolation, runtime.base_pages());
        let kept = if warm { runtime.warm.take(worker.about.version) } else { None };
        let fresh = kept.is_none();
        let instance = match kept {
            Some(instance) => Ok(instance),
            None => runtime.clean_slot(&worker.delta).map(WarmInstance::new),
        };
        let mut instance = match instance {
            Ok(instance) => instance,
            Err(message) => {
                tracing::error!(message, "no slot could be made");
                let _ = reply.send(Err(finish.with_error(error(RunErrorKind::Internal, "no instance could be made"))));
                return;
            }
        };
        instance.requests += 1;
        let number = instance.requests as i32;
        let slot = &mut instance.slot;
        let memory = invocation.limits.memory_bytes.unwrap_or(128 << 20);
        let memory = usize::try_from(memory).unwrap_or(usize::MAX);
        slot.store.data_mut().begin(
            Mode::Handler,
            Arc::clone(&meter),
            Limiter::new(memory, &worker.held),
            Arc::clone(&worker.modules),
            Arc::clone(&worker.env),
        );
        let (parts, body) = request.into_parts();
        let stream = (!matches!(body, Body::Empty)).then(|| {
            let stream = HostStream::new(body);
            let length = stream.length();
            let number = REQUEST_STREAMS + number;
            slot.store.data_mut().streams.insert(number, stream);
            (number, length)
        });
        let request = Request::from_parts(parts, Body::Empty);
        let (entrypoint, props) = (invocation.entrypoint.as_deref(), invocation.props.as_deref());
        let dispatch = head::dispatch_values(&request, stream, entrypoint, props, invocation.parameters.as_deref());
        let context = SessionContext {
            tokio: runtime.tokio.clone(),
            outbound: invocation.outbound,
            depth: invocation.depth,
            limits: invocation.limits,
            bindings: Arc::clone(&worker.bindings),
            meter: Arc::clone(&meter),
            background: Arc::clone(&runtime.background),
        };
        let mut session = Session::new(context, number, reply);
        // Its own randomness and its env, which are in no delta.
        let prepared = if fresh { slot.seed() } else { Ok(()) };
        let env = (fresh && !worker.env.is_empty()).then_some(&*worker.env);
        let ended = match prepared {
            Ok(()) => session.run(slot, env, &dispatch).await,
            Err(trap) => {
                tracing::error!(error = format!("{trap:#}"), "an instance could not be seeded");
                let failed = error(RunErrorKind::Internal, "The Worker could not be started.");
                session.fail(failed);
                Err(Broken(Ending::Internal))
            }
        };
        let ending = match &ended {
            Ok(ending) => *ending,
            Err(Broken(ending)) => *ending,
        };
        let mut outcome = Outcome {
            ending,
            cpu: std::time::Duration::ZERO,
            wall: finish.began.elapsed(),
            subrequests: session.subrequests,
            met: session.met,
            logs: std::mem::take(&mut slot.store.data_mut().logs.lines),
            logs_dropped: slot.store.data().logs.dropped,
            exception: session.exception.take(),
        };
        let settled = session.settled();
        // All that the request started ends here, before its slot is anyone else's.
        drop(session);
        if ended.is_ok() {
            slot.store.data_mut().begin(
                Mode::Handler,
                runtime.idle_meter(),
                Limiter::open(),
                Arc::default(),
                Arc::from([]),
            );
            if warm {
                // A hung or cut request leaves code that may still expect its operations.
                if settled {
                    runtime.warm.give_back(worker.about.version, instance);
                }
            } else {
                runtime.release(instance.slot);
            }
        } else {
            drop(instance); // unmapping is not for the next one to pay
        }
        outcome.cpu = meter.finish(); // putting the slot back is the request's cost too
        let logged = !outcome.logs.is_empty();
        finish.tell(outcome);
        if logged {
            crate::meter::forget_reading(); // telling took time, which is not the next one's
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

/// Tells the observer how it ended, exactly once, whatever happens to the task.
struct Finish {
    began: Instant,
    tell: Option<Box<dyn FnOnce(Outcome) + Send>>,
    /// What it was when nobody told: the client left the queue, or the task panicked or went with the runtime.
    dropped: Ending,
}

impl Finish {
    fn tell(mut self, outcome: Outcome) {
        if let Some(tell) = self.tell.take() {
            tell(outcome);
        }
    }

    fn with_error(self, error: RunError) -> RunError {
        let outcome = self.outcome(error.kind.ending());
        self.tell(outcome);
        error
    }

    fn outcome(&self, ending: Ending) -> Outcome {
        Outcome {
            ending,
            cpu: std::time::Duration::ZERO,
            wall: self.began.elapsed(),
            subrequests: 0,
            met: LimitSet::default(),
            logs: Vec::new(),
            logs_dropped: 0,
            exception: None,
        }
    }
}

impl Drop for Finish {
    fn drop(&mut self) {
        if let Some(tell) = self.tell.take() {
            tell(self.outcome(self.dropped));
        }
    }
}

fn error(kind: RunErrorKind, message: &str) -> RunError {
    RunError { kind, name: "Error".into(), message: message.into() }
}
