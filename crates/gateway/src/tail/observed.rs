//! One run of a Worker that somebody listens to, from its request to its outcome.

use std::sync::{Arc, OnceLock};

use http::{HeaderMap, Method, Request, Uri};
use switchyard_catalog::{ScriptId, VersionId};
use switchyard_runtime::{Body, Exception, Outcome, RunError};

use super::event::{self, Event, ExceptionView, Headers, Id, LogView, RequestView, ResponseView, What};
use super::hub::{Session, now_ms};
use super::redact;
use crate::routes::Route;

/// The dispatch Workers through whose bindings a Worker was called, the nearest first: their tails hear
/// of it too.
#[derive(Debug, Clone, Default)]
pub struct Dispatchers(Option<Arc<Link>>);

#[derive(Debug)]
struct Link {
    script: ScriptId,
    above: Dispatchers,
}

impl Dispatchers {
    /// Whom this script dispatches to.
    pub fn below(self, script: ScriptId) -> Self {
        Self(Some(Arc::new(Link { script, above: self })))
    }

    pub fn iter(&self) -> impl Iterator<Item = ScriptId> + '_ {
        std::iter::successors(self.0.as_deref(), |link| link.above.0.as_deref()).map(|link| link.script)
    }
}

/// What the Worker was asked.
pub struct Head {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
}

impl Head {
    pub fn of(request: &Request<Body>) -> Self {
        let (method, uri, headers) = (request.method().clone(), request.uri().clone(), request.headers().clone());
        Self { method, uri, headers }
    }
}

/// Held by whoever has something to tell of the run; the last to let go of it tells the listeners.
pub struct Observed {
    sessions: Vec<Arc<Session>>,
    route: Arc<Route>,
    version: VersionId,
    entrypoint: Option<String>,
    head: Head,
    /// Milliseconds since 1970.
    began: u64,
    answer: OnceLock<Result<u16, Exception>>,
    outcome: OnceLock<Outcome>,
}

impl Observed {
    pub(super) fn new(
        sessions: Vec<Arc<Session>>,
        route: Arc<Route>,
        version: VersionId,
        entrypoint: Option<String>,
        head: Head,
    ) -> Self {
        let (answer, outcome) = (OnceLock::new(), OnceLock::new());
        Self { sessions, route, version, entrypoint, head, began: now_ms(), answer, outcome }
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
}

impl Drop for Observed {
    fn drop(&mut self) {
        let Some(outcome) = self.outcome.take() else { return };
        let (status, failure) = match self.answer.take() {
            Some(Ok(status)) => (Some(status), None),
            Some(Err(failure)) => (None, Some(failure)),
            None => (None, None),
        };
        let word = event::outcome(outcome.ending);
        self.sessions.retain(|session| session.wants(word, status, &outcome.logs));
        if self.sessions.is_empty() {
            return;
        }
        // What a limit ended has thrown nothing itself: then it is what its caller was told.
        let told = outcome.exception.as_ref().or(failure.as_ref());
        let text = event::json(&Event {
            wall_time: u64::try_from(outcome.wall.as_millis()).unwrap_or(u64::MAX),
            cpu_time: u64::try_from(outcome.cpu.as_millis()).unwrap_or(u64::MAX),
            truncated: outcome.logs_dropped > 0,
            execution_model: "stateless",
            outcome: word,
            script_version: Some(Id { id: self.version.to_string() }),
            script_name: Some(self.route.name.as_str()),
            dispatch_namespace: self.route.namespace.as_ref().map(|namespace| namespace.as_str()),
            entrypoint: self.entrypoint.as_deref(),
            diagnostics_channel_events: [],
            exceptions: told.map(ExceptionView::of).into_iter().collect(),
            logs: outcome.logs.iter().map(LogView::of).collect(),
            event_timestamp: self.began,
            event: What::Fetch {
                request: RequestView {
                    url: redact::url(&self.head.uri),
                    method: self.head.method.as_str(),
                    headers: Headers(&self.head.headers),
                },
                response: status.map(|status| ResponseView { status }),
            },
        });
        let text: Arc<str> = text.into();
        for session in &self.sessions {
            session.push(text.clone());
        }
    }
}
