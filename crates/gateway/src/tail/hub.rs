//! Sessions: who listens to whom. Everything is bounded: sessions of an account, their life, and what
//! is kept for a listener that reads slowly; what finds no room is counted and told in the stream.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use dashmap::DashMap;
use futures_util::StreamExt;
use http::Request;
use parking_lot::Mutex;
use prometheus::{IntCounter, IntGauge};
use switchyard_catalog::{
    Scope, ScriptId, ScriptName, TailFilters, TailOwner, TailSession, TailStream, TailTarget, Tails, Timestamp,
    TokenHash, TooManyTails, VersionId,
};
use switchyard_runtime::{Body, CompileNews, LogLine};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::consumers::{ConsumerMetrics, Consumers, MOST_DEEP};
use super::event;
use super::observed::{Asked, Audience, Dispatchers, Observed};
use crate::context::RequestContext;
use crate::dispatch::Dispatcher;
use crate::ids::draw;
use crate::observe::Observer;
use crate::routes::Route;

/// How long a session may be listened to. wrangler is told, and makes another.
const LIFE: Duration = Duration::from_secs(6 * 3_600);
/// Listeners of one node: an event stream holds one of the admin listener's connections, of which health
/// and uploads must keep some.
const MOST_LISTENERS: usize = 128;
/// Kept for a listener: events, and their bytes.
const MOST_EVENTS: usize = 1_000;
const MOST_BYTES: usize = 2 << 20;

/// The node's live logs. Cheap to clone.
#[derive(Clone)]
pub struct TailHub(Arc<Inner>);

/// What the hub counts.
#[derive(Clone)]
pub struct TailMetrics {
    /// Sessions that somebody listens to now.
    pub sessions: IntGauge,
    /// Events that found no room.
    pub dropped: IntCounter,
    pub workers: ConsumerMetrics,
}

struct Inner {
    /// Sessions that somebody listens to: the one thing that a run reads which nobody listens to.
    listening: AtomicUsize,
    by_target: DashMap<TailTarget, Vec<Arc<Session>>>,
    /// By id. Held for a look, or a walk over what one node has of sessions.
    sessions: Mutex<HashMap<String, Arc<Session>>>,
    most: u32,
    ended: AtomicBool,
    metrics: TailMetrics,
    observer: Arc<Observer>,
    workers: Arc<Consumers>,
}

/// One session, and what is kept for its listener.
pub struct Session {
    shown: TailSession,
    owner: TailOwner,
    target: TailTarget,
    filters: TailFilters,
    queue: Mutex<Queue>,
    changed: Notify,
    metrics: TailMetrics,
}

#[derive(Default)]
struct Queue {
    events: VecDeque<Arc<str>>,
    bytes: usize,
    /// Since the last one that found room.
    dropped: u64,
    listened: bool,
    ended: Option<End>,
}

/// Why a session's stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It was ended, or its time is over.
    Over,
    /// The token with which it was opened is worth nothing any more.
    Token,
    /// The node goes; another may answer.
    Away,
}

/// One run of a Worker, at its beginning.
pub struct Run<'a> {
    pub route: &'a Arc<Route>,
    pub version: VersionId,
    pub entrypoint: Option<&'a str>,
    pub dispatchers: &'a Dispatchers,
    /// As `Call::hops`.
    pub hops: u32,
    pub event: RunEvent<'a>,
}

/// What the Worker is asked.
pub enum RunEvent<'a> {
    Fetch(&'a Request<Body>),
    /// Its tail handler is told of these Workers' runs.
    Tail(&'a dyn Fn() -> Vec<ScriptName>),
}

/// The one who listens to a session. Dropped, it listens no more.
pub struct Listener {
    hub: Arc<Inner>,
    session: Arc<Session>,
    until: Instant,
    /// The session is its alone.
    owns: bool,
}

pub(super) fn now_ms() -> u64 {
    u64::try_from(Timestamp::now().micros() / 1_000).unwrap_or_default()
}

impl TailHub {
    /// `most`: sessions of one account. Made within the runtime on which tail Workers are called.
    pub fn new(most: u32, observer: Arc<Observer>) -> Self {
        let metrics = observer.metrics.tail().clone();
        let workers = Consumers::new(metrics.workers.clone());
        Self(Arc::new(Inner {
            listening: AtomicUsize::new(0),
            by_target: DashMap::new(),
            sessions: Mutex::default(),
            most,
            ended: AtomicBool::new(false),
            metrics,
            observer,
            workers,
        }))
    }

    /// Whom tail Workers are called through. Set once.
    pub fn set_dispatcher(&self, dispatcher: &Arc<Dispatcher>) {
        self.0.workers.set_dispatcher(dispatcher);
    }

    pub fn observer(&self) -> Arc<Observer> {
        self.0.observer.clone()
    }

    /// Tail Workers are told what waits for them.
    pub async fn drain(&self, grace: Duration) {
        self.0.workers.drain(grace).await;
    }

    /// Whether anybody on this node listens to anything.
    pub fn is_listening(&self) -> bool {
        self.0.listening.load(Ordering::Relaxed) > 0
    }

    /// What is to be told of a run; `None`: nobody wants to hear of it.
    pub fn observe(&self, ctx: &Arc<RequestContext>, run: &Run<'_>) -> Option<Arc<Observed>> {
        let sessions = if self.is_listening() { self.sessions_of(ctx, run) } else { Vec::new() };
        let consumers = self.consumers_of(ctx, run);
        if sessions.is_empty() && consumers.is_empty() {
            return None;
        }
        let asked = match &run.event {
            RunEvent::Fetch(request) => Asked::fetch(request),
            RunEvent::Tail(names) => Asked::Tail(names()),
        };
        let audience = Audience { sessions, consumers };
        Some(Arc::new(Observed::new(audience, &self.0.workers, ctx, run, asked)))
    }

    /// The tail Workers that hear of it: those that the script names, and those that the dispatch Workers above it
    /// name. Not those of whose handlers the run is a consequence, so that nothing goes round.
    fn consumers_of(&self, ctx: &RequestContext, run: &Run<'_>) -> Vec<ScriptId> {
        let mut consumers: Vec<ScriptId> = Vec::new();
        let tailed = ctx.traces.tailed();
        for producer in std::iter::once(run.route).chain(run.dispatchers.iter()) {
            if producer.tail_consumers.is_empty() || tailed.len() >= MOST_DEEP {
                continue;
            }
            let Some(dispatcher) = self.0.workers.dispatcher() else { break };
            let routes = dispatcher.routes.account(&producer.account);
            for consumer in &producer.tail_consumers {
                let route = match &consumer.namespace {
                    None => routes.worker(consumer.service.as_str()),
                    Some(namespace) => routes.dispatched(namespace.as_str(), consumer.service.as_str()),
                };
                let Some(route) = route else { continue };
                if !tailed.contains(&route.script) && !consumers.contains(&route.script) {
                    consumers.push(route.script);
                }
            }
        }
        consumers
    }

    fn sessions_of(&self, ctx: &RequestContext, run: &Run<'_>) -> Vec<Arc<Session>> {
        let own = [
            Some(TailTarget::Script(run.route.script)),
            match run.route.scope {
                Scope::Namespace(id) => Some(TailTarget::Namespace(id)),
                Scope::Account => None,
            },
        ];
        let above = run.dispatchers.iter().map(|route| TailTarget::Script(route.script));
        let mut sessions: Vec<Arc<Session>> = Vec::new();
        for target in own.into_iter().flatten().chain(above) {
            if let Some(there) = self.0.by_target.get(&target) {
                for session in there.iter() {
                    let known = sessions.iter().any(|other| Arc::ptr_eq(other, session));
                    if !known && session.begins(ctx.peer, run) {
                        sessions.push(session.clone());
                    }
                }
            }
        }
        sessions
    }

    /// Tells those who listen to a script, and did not ask for some events alone, how the compilation of an upload goes.
    pub fn compilation(&self, route: &Route, news: &CompileNews) {
        if !self.is_listening() {
            return;
        }
        let message = match news {
            CompileNews::Waits(place) => format!("the upload waits for the compiler: number {place} in the queue"),
            CompileNews::Begins => "the uploaded component is being compiled".to_owned(),
            CompileNews::Compiled(took) => format!("the component was compiled in {:.1} s", took.as_secs_f64()),
            CompileNews::Refused(why) => format!("the upload was refused: {why}"),
        };
        let namespace = route.namespace.as_ref().map(ToString::to_string);
        let event: Arc<str> = event::compilation(route.name.as_str(), namespace.as_deref(), message, now_ms()).into();
        let of_namespace = match route.scope {
            Scope::Namespace(id) => Some(TailTarget::Namespace(id)),
            Scope::Account => None,
        };
        for target in [Some(TailTarget::Script(route.script)), of_namespace].into_iter().flatten() {
            let there = self.0.by_target.get(&target);
            there.iter().flat_map(|sessions| sessions.iter()).filter(|session| session.wants_all()).for_each(
                |session| {
                    session.push(event.clone());
                },
            );
        }
    }

    /// Those by which somebody listens now.
    pub fn tokens(&self) -> Vec<TokenHash> {
        if !self.is_listening() {
            return Vec::new();
        }
        let sessions = self.0.sessions.lock();
        let mut tokens: Vec<TokenHash> = Vec::new();
        for session in sessions.values().filter(|session| session.is_listened()) {
            if !tokens.contains(&session.owner.token) {
                tokens.push(session.owner.token);
            }
        }
        tokens
    }

    /// The token is worth nothing any more.
    pub fn end_of_token(&self, token: &TokenHash) {
        let ended = |_: &String, session: &mut Arc<Session>| session.owner.token == *token;
        let ended: Vec<_> = self.0.sessions.lock().extract_if(ended).collect();
        ended.iter().for_each(|(_, session)| session.end(End::Token));
    }

    /// Listens to a session that was opened; `None`: there is none, or somebody listens already.
    pub fn listen(&self, id: &str) -> Option<Listener> {
        let session = self.0.sessions.lock().get(id).cloned()?;
        Inner::listen(&self.0, session, false)
    }

    /// The node goes: all sessions end.
    pub fn end(&self) {
        self.0.ended.store(true, Ordering::Relaxed);
        let sessions = std::mem::take(&mut *self.0.sessions.lock());
        sessions.values().for_each(|session| session.end(End::Away));
    }
}

impl Inner {
    fn open(&self, owner: &TailOwner, target: TailTarget, filters: TailFilters) -> Result<Arc<Session>, TooManyTails> {
        if self.listening.load(Ordering::Relaxed) >= MOST_LISTENERS {
            return Err(TooManyTails(MOST_LISTENERS as u32));
        }
        let now = Timestamp::now();
        let mut sessions = self.sessions.lock();
        sessions.retain(|_, session| session.shown.expires_on > now || session.is_listened());
        let of_account = sessions.values().filter(|session| session.owner.account == owner.account);
        if of_account.count() >= self.most as usize {
            // One that nobody listens to makes place, the oldest first.
            let idle =
                sessions.values().filter(|session| session.owner.account == owner.account && !session.is_listened());
            let oldest = idle.min_by_key(|session| session.shown.expires_on).map(|session| session.shown.id.clone());
            let oldest = oldest.ok_or(TooManyTails(self.most))?;
            sessions.remove(&oldest);
        }
        let life = i64::try_from(LIFE.as_micros()).unwrap_or(i64::MAX);
        let shown = TailSession {
            id: uuid::Uuid::new_v4().simple().to_string(),
            expires_on: Timestamp::from_micros(now.micros().saturating_add(life)),
        };
        let session = Arc::new(Session {
            shown: shown.clone(),
            owner: owner.clone(),
            target,
            filters,
            queue: Mutex::default(),
            changed: Notify::new(),
            metrics: self.metrics.clone(),
        });
        sessions.insert(shown.id, session.clone());
        Ok(session)
    }

    fn listen(hub: &Arc<Self>, session: Arc<Session>, owns: bool) -> Option<Listener> {
        let left = session.shown.expires_on.micros() - Timestamp::now().micros();
        let left = Duration::from_micros(u64::try_from(left).ok().filter(|left| *left > 0)?);
        if hub.ended.load(Ordering::Relaxed) || hub.listening.load(Ordering::Relaxed) >= MOST_LISTENERS {
            return None;
        }
        {
            let mut queue = session.queue.lock();
            if queue.listened || queue.ended.is_some() {
                return None;
            }
            queue.listened = true;
        }
        hub.by_target.entry(session.target).or_default().push(session.clone());
        hub.listening.fetch_add(1, Ordering::Relaxed);
        hub.metrics.sessions.inc();
        Some(Listener { hub: hub.clone(), session, until: Instant::now() + left, owns })
    }
}

impl Tails for TailHub {
    fn open(&self, owner: &TailOwner, target: TailTarget, filters: TailFilters) -> Result<TailSession, TooManyTails> {
        self.0.open(owner, target, filters).map(|session| session.shown.clone())
    }

    fn list(&self, target: TailTarget) -> Vec<TailSession> {
        let now = Timestamp::now();
        let sessions = self.0.sessions.lock();
        let there = sessions.values().filter(|session| session.target == target && session.shown.expires_on > now);
        let mut shown: Vec<TailSession> = there.map(|session| session.shown.clone()).collect();
        shown.sort_by(|a, b| (a.expires_on, &a.id).cmp(&(b.expires_on, &b.id)));
        shown
    }

    fn close(&self, target: TailTarget, id: &str) -> bool {
        let mut sessions = self.0.sessions.lock();
        if sessions.get(id).is_none_or(|session| session.target != target) {
            return false;
        }
        if let Some(session) = sessions.remove(id) {
            session.end(End::Over);
        }
        true
    }

    fn follow(&self, owner: &TailOwner, target: TailTarget, filters: TailFilters) -> Result<TailStream, TooManyTails> {
        let session = self.0.open(owner, target, filters)?;
        let listener = Inner::listen(&self.0, session, true);
        let stream = futures_util::stream::unfold(listener, |listener| async move {
            let mut listener = listener?;
            let event = listener.next().await?;
            Some((event.to_string(), Some(listener)))
        });
        Ok(stream.boxed())
    }
}

impl Session {
    fn is_listened(&self) -> bool {
        self.queue.lock().listened
    }

    /// Whether no filter is set.
    fn wants_all(&self) -> bool {
        let TailFilters { methods, header, client_ips, version, outcomes, statuses, query, .. } = &self.filters;
        methods.is_empty()
            && header.is_none()
            && client_ips.is_empty()
            && version.is_none()
            && outcomes.is_empty()
            && statuses.is_empty()
            && query.is_none()
    }

    fn end(&self, end: End) {
        let mut queue = self.queue.lock();
        queue.ended.get_or_insert(end);
        if end == End::Token {
            // Not even what waits is for whoever has it no more.
            (queue.events, queue.bytes, queue.dropped) = (VecDeque::new(), 0, 0);
        }
        drop(queue);
        self.changed.notify_one();
    }

    /// What can be said of a run from its request: whether its outcome is worth waiting for.
    fn begins(&self, client: IpAddr, run: &Run<'_>) -> bool {
        let TailFilters { sampling_rate, methods, header, client_ips, version, .. } = &self.filters;
        let of_request = match &run.event {
            RunEvent::Fetch(request) => {
                let any = |methods: &[String]| {
                    methods.iter().any(|method| method.eq_ignore_ascii_case(request.method().as_str()))
                };
                (methods.is_empty() || any(methods))
                    && (client_ips.is_empty() || client_ips.contains(&client.to_canonical()))
                    && header
                        .as_ref()
                        .is_none_or(|(name, text)| event::filters_header(request.headers(), name, text.as_deref()))
            }
            // What has no request has nothing of one.
            RunEvent::Tail(_) => methods.is_empty() && client_ips.is_empty() && header.is_none(),
        };
        of_request
            && version.is_none_or(|version| version == run.version)
            && sampling_rate.is_none_or(|rate| draw() as f64 <= u64::MAX as f64 * rate)
    }

    /// The rest of the filters, once the run has ended.
    pub(super) fn wants(&self, outcome: &str, status: Option<u16>, logs: &[LogLine]) -> bool {
        let TailFilters { outcomes, statuses, query, .. } = &self.filters;
        (outcomes.is_empty() || event::is_wanted(outcomes, outcome))
            && (statuses.is_empty() || status.is_some_and(|code| statuses.iter().any(|range| range.contains(&code))))
            && query.as_ref().is_none_or(|query| logs.iter().any(|line| event::text_of(line).contains(query.as_str())))
    }

    pub(super) fn push(&self, event: Arc<str>) {
        let mut queue = self.queue.lock();
        if !queue.listened || queue.ended.is_some() {
            return;
        }
        if queue.events.len() >= MOST_EVENTS || queue.bytes + event.len() > MOST_BYTES {
            queue.dropped += 1;
            self.metrics.dropped.inc();
            return;
        }
        if queue.dropped > 0 {
            let notice = queue.notice();
            queue.add(notice);
        }
        queue.add(event);
        drop(queue);
        self.changed.notify_one();
    }
}

impl Queue {
    fn add(&mut self, event: Arc<str>) {
        self.bytes += event.len();
        self.events.push_back(event);
    }

    fn notice(&mut self) -> Arc<str> {
        event::dropped(std::mem::take(&mut self.dropped), now_ms()).into()
    }

    fn take(&mut self) -> Option<Arc<str>> {
        let event = self.events.pop_front();
        self.bytes -= event.as_ref().map_or(0, |event| event.len());
        if event.is_none() && self.dropped > 0 { Some(self.notice()) } else { event }
    }
}

impl Listener {
    /// The next event; `None`: the session is over, see [`Listener::end`].
    pub async fn next(&mut self) -> Option<Arc<str>> {
        loop {
            {
                let mut queue = self.session.queue.lock();
                if let Some(event) = queue.take() {
                    return Some(event);
                }
                if queue.ended.is_some() {
                    return None;
                }
            }
            tokio::time::timeout_at(self.until, self.session.changed.notified()).await.ok()?;
        }
    }

    pub fn end(&self) -> End {
        self.session.queue.lock().ended.unwrap_or(End::Over)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let Self { hub, session, owns, .. } = self;
        if let Some(mut there) = hub.by_target.get_mut(&session.target) {
            there.retain(|other| !Arc::ptr_eq(other, session));
        }
        hub.by_target.remove_if(&session.target, |_, there| there.is_empty());
        hub.listening.fetch_sub(1, Ordering::Relaxed);
        hub.metrics.sessions.dec();
        if *owns {
            hub.sessions.lock().remove(&session.shown.id);
        }
        let mut queue = session.queue.lock();
        *queue = Queue { ended: queue.ended, ..Queue::default() };
    }
}

#[cfg(test)]
mod tests {
    use switchyard_catalog::{AccountId, NamespaceId, ScriptId};

    use super::*;

    fn hub(most: u32) -> TailHub {
        TailHub::new(
            most,
            Arc::new(Observer::new(&crate::config::Log::default(), &crate::config::Trace::default()).unwrap()),
        )
    }

    fn owner(name: &str) -> TailOwner {
        TailOwner { account: AccountId::parse(name).unwrap(), token: TokenHash::of(name) }
    }

    fn session(hub: &TailHub, target: TailTarget) -> Arc<Session> {
        let there = hub.0.by_target.get(&target).unwrap();
        there[0].clone()
    }

    #[tokio::test]
    async fn a_slow_listener_is_told_in_order_what_it_missed() {
        let hub = hub(5);
        let target = TailTarget::Script(ScriptId::random());
        let opened = hub.open(&owner("a"), target, TailFilters::default()).unwrap();
        assert!(!hub.is_listening());
        let mut listener = hub.listen(&opened.id).unwrap();
        assert!(hub.is_listening() && hub.listen(&opened.id).is_none());
        let there = session(&hub, target);
        for number in 0..MOST_EVENTS + 7 {
            there.push(number.to_string().into());
        }
        assert_eq!(&*listener.next().await.unwrap(), "0");
        assert_eq!(&*listener.next().await.unwrap(), "1");
        there.push("after".into());
        for number in 2..MOST_EVENTS {
            assert_eq!(&*listener.next().await.unwrap(), number.to_string());
        }
        let notice: serde_json::Value = serde_json::from_str(&listener.next().await.unwrap()).unwrap();
        assert_eq!((&notice["event"]["type"], &notice["event"]["dropped"]), (&"overload".into(), &7.into()));
        assert_eq!(&*listener.next().await.unwrap(), "after");
        // By bytes: one that never fits is told of at the end.
        there.push("x".repeat(MOST_BYTES).into());
        there.push("y".into());
        assert_eq!(listener.next().await.unwrap().len(), MOST_BYTES);
        let notice: serde_json::Value = serde_json::from_str(&listener.next().await.unwrap()).unwrap();
        assert_eq!(notice["event"]["dropped"], 1);
        assert_eq!(hub.0.metrics.dropped.get(), 8);

        assert!(!hub.close(TailTarget::Namespace(NamespaceId::random()), &opened.id));
        assert!(hub.close(target, &opened.id) && !hub.close(target, &opened.id));
        assert_eq!((listener.next().await, listener.end()), (None, End::Over));
        drop(listener);
        assert!(!hub.is_listening() && hub.0.by_target.is_empty() && hub.listen(&opened.id).is_none());
    }

    #[tokio::test]
    async fn an_account_has_so_many_and_idle_ones_make_place() {
        let hub = hub(2);
        let target = TailTarget::Script(ScriptId::random());
        let open = |name: &str| hub.open(&owner(name), target, TailFilters::default());
        let (first, second) = (open("a").unwrap(), open("a").unwrap());
        let third = open("a").unwrap();
        assert!(hub.listen(&first.id).is_none());
        let (one, two) = (hub.listen(&second.id).unwrap(), hub.listen(&third.id).unwrap());
        assert_eq!(open("a"), Err(TooManyTails(2)));
        assert!(hub.follow(&owner("a"), target, TailFilters::default()).is_err());
        assert_eq!(hub.list(target).len(), 2);
        // Another account has its own, and what one drops is free again.
        let mut stream = hub.follow(&owner("b"), target, TailFilters::default()).unwrap();
        assert_eq!(hub.list(target).len(), 3);
        drop(one);
        open("a").unwrap();

        let mut two = two;
        hub.end();
        assert_eq!((two.next().await, two.end()), (None, End::Away));
        assert_eq!(stream.next().await, None);
        drop((two, stream));
        assert!(!hub.is_listening() && hub.list(target).is_empty());
        assert_eq!(hub.follow(&owner("a"), target, TailFilters::default()).unwrap().next().await, None);
    }
}
