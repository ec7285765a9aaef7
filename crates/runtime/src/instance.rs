//! An instance of a Worker and the requests in it: calls the guest for one of them at a time, has each
//! session act on what its request started, and sees a request to its end. Driven by two tasks: one
//! request in a clean instance ([`alone`]), or many in a warm one ([`shared`]).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use http::{Method, Request};
use switchyard_js::abi::event;

use crate::error::{RunError, RunErrorKind};
use crate::host::{Limiter, Mode, Share};
use crate::meter::CpuMeter;
use crate::outcome::{Ending, Outcome};
use crate::reply::{self, Reply};
use crate::runtime::Inner;
use crate::session::{Call, Session, SessionContext, Step, Wait, failure, unacceptable};
use crate::slot::Slot;
use crate::stream::HostStream;
use crate::worker::{Script, Worker};
use crate::{Body, Invocation, head};

pub mod alone;
pub mod shared;

/// Numbers of request bodies begin here, above those of operations.
const REQUEST_STREAMS: i32 = 1 << 30;

/// What calls a Worker.
#[expect(clippy::large_enum_variant, reason = "it is always within a box")]
pub enum Event {
    Fetch(Request<Body>),
    /// The text of a JSON array of trace items.
    Tail(String),
}

/// A request on its way into an instance. It is large: pass it on in its box, since a future has room for all that it is
/// given, and is moved with all its room.
pub struct Arrival {
    pub runtime: Arc<Inner>,
    pub worker: Arc<Worker>,
    /// The Worker's.
    pub script: Arc<Script>,
    pub event: Event,
    pub invocation: Invocation,
    pub meter: Arc<CpuMeter>,
    pub reply: Reply,
    pub finish: Finish,
    /// The instance it was in has ended, before anything came of it.
    pub again: bool,
}

impl Arrival {
    /// The memory limit, in bytes, of an instance for it.
    pub fn memory_limit(&self) -> usize {
        let memory = self.invocation.limits.memory_bytes.unwrap_or(128 << 20);
        usize::try_from(memory).unwrap_or(usize::MAX)
    }

    /// Answers with an error.
    pub fn refuse(self: Box<Self>, error: RunError) {
        self.reply.send(Err(self.finish.with_error(error)));
    }

    /// To another instance than the one whose mail it was in.
    pub fn elsewhere(self: Box<Self>) {
        let tokio = self.runtime.tokio.clone();
        tokio.spawn(Worker::place(self));
    }
}

/// A request in an instance.
struct Visit {
    session: Session,
    /// As it came, without its body or its trace items.
    event: Event,
    finish: Finish,
    runtime: Arc<Inner>,
    /// It may be run once more, as long as nothing has come of it.
    repeatable: bool,
    /// What wakes it among others; the first needs none, since the task's own waker does.
    waker: Option<shared::Waking>,
}

/// Requests in one instance. The first one needs no table.
#[derive(Default)]
struct Visits {
    first: Option<(i32, Box<Visit>)>,
    more: HashMap<i32, Box<Visit>>,
}

impl Visits {
    fn insert(&mut self, number: i32, visit: Box<Visit>) {
        match &self.first {
            None => self.first = Some((number, visit)),
            Some(_) => drop(self.more.insert(number, visit)),
        }
    }

    fn get(&mut self, number: i32) -> Option<&mut Visit> {
        match &mut self.first {
            Some((first, visit)) if *first == number => Some(visit),
            _ => self.more.get_mut(&number).map(|visit| &mut **visit),
        }
    }

    fn remove(&mut self, number: i32) -> Option<Box<Visit>> {
        match self.first.take_if(|(first, _)| *first == number) {
            Some((_, visit)) => Some(visit),
            None => self.more.remove(&number),
        }
    }

    fn is_first(&self, number: i32) -> bool {
        self.first.as_ref().is_some_and(|(first, _)| *first == number)
    }

    /// No other request is in the instance.
    fn are_of(&self, number: i32) -> bool {
        self.first.as_ref().is_none_or(|(first, _)| *first == number) && self.more.keys().all(|more| *more == number)
    }
}

/// See the module's paragraph.
struct Instance {
    slot: Box<Slot>,
    worker: Arc<Worker>,
    script: Arc<Script>,
    visits: Visits,
    /// The number of the last request.
    last: i32,
    /// Requests that something was done for in a call for another one.
    touched: Vec<i32>,
}

/// The instance has to end.
struct Broken {
    /// Whose fault it is; 0: nobody's.
    request: i32,
    /// `None`: nobody waited for it any more.
    error: Option<RunError>,
}

impl Instance {
    /// One that holds the Worker and nothing else, within the limits of its first request.
    ///
    /// # Errors
    /// A text for the log.
    fn new(arrival: &Arrival) -> Result<Self, String> {
        let (worker, script) = (Arc::clone(&arrival.worker), Arc::clone(&arrival.script));
        let mut slot = arrival.runtime.clean_slot(&script.delta)?;
        let beyond = slot.memory_bytes().len().saturating_sub((arrival.runtime.base_pages() << 16) as usize);
        let taken = worker.usage.instance(beyond + script.delta.page_bytes());
        slot.store.data_mut().begin(
            Mode::Handler,
            Arc::clone(&arrival.meter),
            Limiter::new(arrival.memory_limit(), &worker.held).counted(taken),
            Arc::clone(&script.modules),
            Arc::clone(&script.env),
        );
        Ok(Self { slot, worker, script, visits: Visits::default(), last: 0, touched: Vec::new() })
    }

    /// Takes a request in, and runs it as far as it goes.
    async fn begin(&mut self, arrival: Box<Arrival>) -> Result<(), Broken> {
        let (kind, console, values) = self.admit(arrival);
        let number = self.last;
        if number == 1 {
            // Its own randomness and its env, which are in no delta.
            if let Err(trap) = self.slot.seed() {
                tracing::error!(error = format!("{trap:#}"), "an instance could not be seeded");
                let error = Some(internal("The Worker could not be started."));
                return Err(Broken { request: number, error });
            }
            let env = Arc::clone(&self.script.env);
            if !env.is_empty() {
                self.call(number, event::ENV, 0, 0, &env).await?;
            }
        }
        self.call(number, kind, number, console, &values).await
    }

    /// Takes a request in: the event that tells the guest of it.
    fn admit(&mut self, arrival: Box<Arrival>) -> (i32, i32, Vec<u8>) {
        self.last += 1;
        let number = self.last;
        let Arrival { runtime, worker: _, script: _, event: of, invocation, meter, reply, finish, again } = *arrival;
        let mut share = Share::new(number, Arc::clone(&meter), invocation.limits.log_bytes);
        share.default_cache = invocation.default_cache;
        share.outbound = Some(Arc::clone(&invocation.outbound));
        let (kind, values, of, repeatable) = match of {
            Event::Fetch(request) => {
                let (parts, body) = request.into_parts();
                let repeatable = !again && matches!(body, Body::Empty) && is_safe(&parts.method);
                let stream = (!matches!(body, Body::Empty)).then(|| {
                    let stream = HostStream::new(body);
                    let length = stream.length();
                    let number = REQUEST_STREAMS + number;
                    share.streams.insert(number, stream);
                    (number, length)
                });
                let request = Request::from_parts(parts, Body::Empty);
                let (entrypoint, props) = (invocation.entrypoint.as_deref(), invocation.props.as_deref());
                let parameters = invocation.parameters.as_deref();
                let values = head::dispatch_values(&request, stream, entrypoint, props, parameters);
                (event::DISPATCH, values, Event::Fetch(request), repeatable)
            }
            Event::Tail(items) => (event::TAIL, head::tail_values(&items), Event::Tail(String::new()), false),
        };
        let console = invocation.console.bits();
        self.slot.store.data_mut().enter(share);
        let context = SessionContext {
            tokio: runtime.tokio.clone(),
            invocation,
            bindings: Arc::clone(&self.worker.bindings),
            meter,
            background: Arc::clone(&runtime.background),
            wait_until: runtime.wait_until,
        };
        let upgrade = matches!(&of, Event::Fetch(request) if head::wants_socket(request.headers()));
        let session = Session::new(context, number, reply, upgrade);
        self.visits.insert(number, Box::new(Visit { session, event: of, finish, runtime, repeatable, waker: None }));
        (kind, console, values)
    }

    /// Calls the guest for a request (0: for none), and has what was started acted on.
    async fn call(&mut self, request: i32, kind: i32, id: i32, status: i32, values: &[u8]) -> Result<(), Broken> {
        reply::tell();
        let alone = self.visits.are_of(request);
        let host = self.slot.store.data_mut();
        host.call_for(request);
        // What waits in the mail goes elsewhere when the instance ends.
        host.alone = alone;
        let called = self.slot.event(kind, id, status, values).await;
        let host = self.slot.store.data_mut();
        host.called();
        let threw = match called {
            Ok(code) => code != 0,
            Err(error) => return Err(Broken { request: host.request(), error: failure(&error, host) }),
        };
        for started in host.take_ops() {
            let of = started.request;
            let Some(visit) = self.visits.get(of) else { continue };
            if let Err(error) = visit.session.act(host, started) {
                return Err(Broken { request: of, error: Some(unacceptable(&error)) });
            }
            if of != request {
                host.acted(of, visit.session.load());
                if !self.touched.contains(&of) {
                    self.touched.push(of);
                }
            }
        }
        if let Some(visit) = self.visits.get(request) {
            host.acted(request, visit.session.load());
            if threw {
                let error = Some(visit.session.platform_threw(host));
                return Err(Broken { request, error });
            }
        } else if threw {
            return Err(Broken { request, error: None });
        }
        Ok(())
    }

    /// Goes on with a request until it waits or has ended; `happened`: what it waited for.
    async fn drive(&mut self, request: i32, mut happened: Option<Wait>) -> Result<Driven, Broken> {
        loop {
            let memory = self.slot.memory_bytes().len();
            let host = self.slot.store.data_mut();
            let Some(visit) = self.visits.get(request) else { return Ok(Driven::Gone) };
            let step = match happened.take() {
                Some(wait) => visit.session.on(host, memory, wait),
                None => visit.session.next(host, memory),
            };
            match step {
                Ok(Step::Call(Call { kind, id, status, values })) => {
                    self.call(request, kind, id, status, &values).await?;
                }
                Ok(Step::Wait) => return Ok(Driven::Waits { more: visit.session.has_more() }),
                Ok(Step::Ended(ending)) => return Ok(Driven::Ended(ending)),
                Err(error) => return Err(Broken { request, error: Some(error) }),
            }
        }
    }
}

/// How far [`Instance::drive`] came.
enum Driven {
    /// `more`: it has something to do already, after others.
    Waits {
        more: bool,
    },
    Ended(Ending),
    /// It ended before.
    Gone,
}

impl Visit {
    /// What the observer is told, but for the CPU time. All that the request started ends here.
    fn into_outcome(mut self, share: Option<Share>, ending: Ending) -> (Finish, Outcome) {
        let logs = share.map(|share| share.logs).unwrap_or_default();
        let outcome = Outcome {
            ending,
            cpu: std::time::Duration::ZERO,
            wall: self.finish.began.elapsed(),
            subrequests: self.session.subrequests,
            met: self.session.met,
            logs_dropped: logs.dropped,
            logs: logs.lines,
            exception: self.session.exception.take(),
            thrown_beside: std::mem::take(&mut self.session.thrown_beside),
        };
        (self.finish, outcome)
    }
}

/// Methods that change nothing (RFC 9110).
fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

fn internal(message: &str) -> RunError {
    RunError { kind: RunErrorKind::Internal, name: "Error".into(), message: message.into() }
}

/// Tells the observer how a request ended, exactly once, whatever happens to the task.
pub struct Finish {
    pub began: Instant,
    pub tell: Option<Box<dyn FnOnce(Outcome) + Send>>,
    /// What it was when nobody told: the client left the queue, or the task panicked or went with the runtime.
    pub dropped: Ending,
}

impl Finish {
    /// With `outcome.cpu` set.
    pub fn tell(mut self, outcome: Outcome) {
        let logged = !outcome.logs.is_empty();
        if let Some(tell) = self.tell.take() {
            tell(outcome);
        }
        if logged {
            crate::meter::forget_reading(); // telling took time, which is not the next one's
        }
    }

    pub fn with_error(self, error: RunError) -> RunError {
        let outcome = self.outcome(error.kind.ending());
        self.tell(outcome);
        error
    }

    fn outcome(&self, ending: Ending) -> Outcome {
        Outcome::without_a_run(ending, self.began.elapsed())
    }
}

impl Drop for Finish {
    fn drop(&mut self) {
        if let Some(tell) = self.tell.take() {
            tell(self.outcome(self.dropped));
        }
    }
}
