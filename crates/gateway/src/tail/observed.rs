//! One run of a Worker that somebody wants to hear of, from its beginning to its outcome.

use std::sync::{Arc, OnceLock};

use http::{HeaderMap, Method, Request, Uri};
use switchyard_catalog::{ScriptId, ScriptName, VersionId};
use switchyard_runtime::{Body, Exception, Outcome, RunError};

use super::consumers::Consumers;
use super::event::{
    self, Event, ExceptionView, Headers, LogView, RedactedView, RequestView, ResponseView, VersionView,
};
use super::hub::{Session, now_ms};
use super::redact;
use super::traces::Item;
use crate::context::RequestContext;
use crate::routes::Route;

/// The dispatch Workers through whose bindings a Worker was called, the nearest first: their tails hear
/// of it too.
#[derive(Debug, Clone, Default)]
pub struct Dispatchers(Option<Arc<Link>>);

#[derive(Debug)]
struct Link {
    route: Arc<Route>,
    above: Dispatchers,
}

impl Dispatchers {
    /// Whom this Worker dispatches to.
    pub fn below(self, route: Arc<Route>) -> Self {
        Self(Some(Arc::new(Link { route, above: self })))
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<Route>> {
        std::iter::successors(self.0.as_deref(), |link| link.above.0.as_deref()).map(|link| &link.route)
    }
}

/// What the Worker was asked.
pub enum Asked {
    Fetch {
        method: Method,
        uri: Uri,
        headers: HeaderMap,
    },
    /// Its tail handler was told of these Workers.
    Tail(Vec<ScriptName>),
}

impl Asked {
    pub fn fetch(request: &Request<Body>) -> Self {
        let (method, uri, headers) = (request.method().clone(), request.uri().clone(), request.headers().clone());
        Self::Fetch { method, uri, headers }
    }

    /// As it is shown; `whole`: with what is hidden besides, for a tail Worker to ask for.
    fn view(&self, status: Option<u16>, whole: bool) -> event::What<'_> {
        let (method, uri, headers) = match self {
            Self::Fetch { method, uri, headers } => (method.as_str(), uri, headers),
            Self::Tail(names) => return event::consumed(names),
        };
        let shown = redact::url(uri);
        let request = if whole {
            let url = uri.to_string();
            let redacted =
                RedactedView { url: Some(shown).filter(|shown| *shown != url), headers: Headers::Redacted(headers) };
            RequestView { url, method, headers: Headers::AsTheyCame(headers), redacted: Some(redacted) }
        } else {
            RequestView { url: shown, method, headers: Headers::Shown(headers), redacted: None }
        };
        event::What::Fetch { request, response: status.map(|status| ResponseView { status }) }
    }
}

/// Who wants to hear of a run.
pub struct Audience {
    pub sessions: Vec<Arc<Session>>,
    /// Tail Workers.
    pub consumers: Vec<ScriptId>,
}

/// Held by whoever has something to tell of the run; the last to let go of it tells the listeners.
pub struct Observed {
    audience: Audience,
    workers: Arc<Consumers>,
    ctx: Arc<RequestContext>,
    route: Arc<Route>,
    version: VersionId,
    entrypoint: Option<String>,
    asked: Asked,
    /// Of the request that led to it, as `Call::hops`.
    hops: u32,
    /// Milliseconds since 1970.
    began: u64,
    answer: OnceLock<Result<u16, Exception>>,
    outcome: OnceLock<Outcome>,
}

impl Observed {
    pub(super) fn new(
        audience: Audience,
        workers: &Arc<Consumers>,
        ctx: &Arc<RequestContext>,
        run: &super::Run<'_>,
        asked: Asked,
    ) -> Self {
        Self {
            audience,
            workers: workers.clone(),
            ctx: ctx.clone(),
            route: run.route.clone(),
            version: run.version,
            entrypoint: run.entrypoint.map(str::to_owned),
            asked,
            hops: run.hops,
            began: now_ms(),
            answer: OnceLock::new(),
            outcome: OnceLock::new(),
        }
    }

    /// The response's status is there, or why there is none.
    pub fn answered(&self, status: Result<u16, &RunError>) {
        let answer = status.map_err(|error| Exception {
            name: error.name.clone(),
            message: error.message.clone(),
            stack: String::new(),
            at_ms: now_ms(),
        });
        let _ = self.answer.set(answer);
    }

    /// Nothing of it runs any more.
    pub fn ended(&self, outcome: Outcome) {
        let _ = self.outcome.set(outcome);
    }

    fn json(&self, outcome: &Outcome, answer: Option<&Result<u16, Exception>>, whole: bool) -> String {
        let (status, failure) = match answer {
            Some(Ok(status)) => (Some(*status), None),
            Some(Err(failure)) => (None, Some(failure)),
            None => (None, None),
        };
        // What a limit ended has thrown nothing itself: then it is what its caller was told.
        let told = outcome.exception.as_ref().or(failure);
        let mut exceptions: Vec<&Exception> = told.into_iter().chain(&outcome.thrown_beside).collect();
        exceptions.sort_by_key(|exception| exception.at_ms);
        event::json(&Event {
            wall_time: u64::try_from(outcome.wall.as_millis()).unwrap_or(u64::MAX),
            cpu_time: u64::try_from(outcome.cpu.as_millis()).unwrap_or(u64::MAX),
            truncated: outcome.logs_dropped > 0,
            execution_model: "stateless",
            outcome: event::outcome(outcome.ending),
            script_version: Some(VersionView { id: self.version.to_string(), tag: self.route.tag_of(self.version) }),
            script_tags: event::tags(&self.route.tags),
            script_name: Some(self.route.name.as_str()),
            dispatch_namespace: self.route.namespace.as_ref().map(|namespace| namespace.as_str()),
            entrypoint: self.entrypoint.as_deref(),
            diagnostics_channel_events: [],
            exceptions: exceptions.into_iter().map(ExceptionView::of).collect(),
            logs: outcome.logs.iter().filter(|line| !line.values.is_empty()).map(LogView::of).collect(),
            event_timestamp: self.began,
            event: self.asked.view(status, whole),
        })
    }
}

impl Drop for Observed {
    fn drop(&mut self) {
        let Some(outcome) = self.outcome.take() else { return };
        let answer = self.answer.take();
        let (word, status) = (event::outcome(outcome.ending), answer.as_ref().and_then(|answer| answer.clone().ok()));
        self.audience.sessions.retain(|session| session.wants(word, status, &outcome.logs));
        if !self.audience.sessions.is_empty() {
            let text: Arc<str> = self.json(&outcome, answer.as_ref(), false).into();
            for session in &self.audience.sessions {
                session.push(text.clone());
            }
        }
        if !self.audience.consumers.is_empty() {
            let text = self.json(&outcome, answer.as_ref(), true).into();
            let item = Item { text, script: self.route.name.clone() };
            for consumer in &self.audience.consumers {
                self.ctx.traces.add(&self.workers, *consumer, self.hops, item.clone());
            }
        }
    }
}
