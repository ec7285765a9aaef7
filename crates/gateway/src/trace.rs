//! Traces: which one a request belongs to, the ids of what is done for it, and the spans of those
//! requests that are recorded. Without the feature `otlp` nothing is recorded; contexts go through all
//! the same.

mod context;
#[cfg(feature = "otlp")]
mod export;
#[cfg(any(feature = "otlp", test))]
mod queue;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use http::{HeaderMap, HeaderValue};

use crate::config;
use crate::ids::draw;
pub use context::{Parent, TRACEPARENT, TRACESTATE};

/// One request's place in its trace.
#[derive(Debug, Clone)]
pub struct Trace {
    pub id: u128,
    /// The request's own span.
    pub span: u64,
    /// The client's; 0: it has none.
    parent: u64,
    pub sampled: bool,
    state: Option<HeaderValue>,
    began: SystemTime,
}

impl Trace {
    /// Goes on with the client's trace, or begins one. `vouched`: the client is believed when it says
    /// that the trace is recorded; of all others, the node's share is.
    pub fn of(headers: &HeaderMap, vouched: bool, tracer: &Tracer) -> Self {
        // Where nobody hears of it, nobody asks the clock.
        let (span, began) = (id(), if tracer.records() { SystemTime::now() } else { SystemTime::UNIX_EPOCH });
        match Parent::of(headers) {
            Some(parent) => {
                let sampled = if vouched { parent.sampled } else { tracer.samples(parent.trace) };
                Self { id: parent.trace, span, parent: parent.span, sampled, state: context::state(headers), began }
            }
            None => {
                let trace = u128::from(id()) << 64 | u128::from(draw());
                Self { id: trace, span, parent: 0, sampled: tracer.samples(trace), state: None, began }
            }
        }
    }

    /// What is done as `span` for this request calls with these headers.
    pub fn write(&self, headers: &mut HeaderMap, span: u64) {
        headers.insert(TRACEPARENT, Parent { trace: self.id, span, sampled: self.sampled }.value());
        match &self.state {
            Some(state) => drop(headers.insert(TRACESTATE, state.clone())),
            None => drop(headers.remove(TRACESTATE)),
        }
    }

    /// As [`Trace::write`], unless a Worker that was given `given` wrote a context of its own.
    pub fn write_unless_own(&self, headers: &mut HeaderMap, given: u64, span: u64) {
        let own = Parent::of(headers).is_some_and(|parent| (parent.trace, parent.span) != (self.id, given));
        if !own {
            self.write(headers, span);
        }
    }
}

/// A span's id, which is never 0.
pub fn id() -> u64 {
    draw().max(1)
}

/// One thing that was done for a request.
#[derive(Debug)]
#[cfg_attr(not(feature = "otlp"), expect(dead_code, reason = "only an exporter reads it"))]
pub struct Span {
    pub name: &'static str,
    pub trace: u128,
    pub id: u64,
    pub parent: u64,
    pub kind: SpanKind,
    pub began: SystemTime,
    pub ended: SystemTime,
    pub attributes: Vec<(&'static str, String)>,
    /// What it failed with.
    pub failed: Option<&'static str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanKind {
    Server,
    Internal,
    Client,
}

/// Where spans go. Recording never waits: what finds no room is dropped and counted.
#[derive(Default)]
pub struct Tracer {
    /// Traces whose id's low half is below are recorded.
    below: u64,
    #[cfg(feature = "otlp")]
    queue: Option<queue::Queue>,
    stats: std::sync::Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    sent: AtomicU64,
    dropped: AtomicU64,
    failed: AtomicU64,
}

/// Spans by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TraceStats {
    pub sent: u64,
    pub dropped: u64,
    pub failed: u64,
}

impl Tracer {
    /// Within a runtime, on which it exports.
    ///
    /// # Errors
    /// When the exporter cannot be made.
    pub fn new(config: &config::Trace) -> Result<Self, String> {
        #[cfg(feature = "otlp")]
        if !config.endpoint.is_empty() {
            let stats: std::sync::Arc<Counts> = std::sync::Arc::default();
            let queue = export::start(config, stats.clone())?;
            return Ok(Self { below: share(config.ratio), queue: Some(queue), stats });
        }
        let _ = config;
        Ok(Self::default())
    }

    /// Whether spans go anywhere.
    pub fn records(&self) -> bool {
        #[cfg(feature = "otlp")]
        return self.queue.is_some();
        #[cfg(not(feature = "otlp"))]
        false
    }

    /// By its id, so that all nodes of a trace decide alike.
    fn samples(&self, trace: u128) -> bool {
        self.below > 0 && (trace as u64) < self.below
    }

    pub fn record(&self, span: Span) {
        #[cfg(feature = "otlp")]
        if let Some(queue) = &self.queue
            && !queue.push(span)
        {
            self.stats.dropped.fetch_add(1, Ordering::Relaxed);
        }
        #[cfg(not(feature = "otlp"))]
        drop(span);
    }

    pub fn stats(&self) -> TraceStats {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let Counts { sent, dropped, failed } = &*self.stats;
        TraceStats { sent: read(sent), dropped: read(dropped), failed: read(failed) }
    }

    /// Sends what is left, for at most a second or two.
    pub async fn end(&self) {
        #[cfg(feature = "otlp")]
        if let Some(queue) = &self.queue {
            queue.end().await;
        }
    }
}

/// The ids below which are that share of all.
#[cfg(any(feature = "otlp", test))]
fn share(ratio: f64) -> u64 {
    if ratio >= 1.0 { u64::MAX } else { (ratio.max(0.0) * u64::MAX as f64) as u64 }
}

/// A span that goes on. It is recorded when it is dropped; as failed, if nobody said how it ended.
pub struct OpenSpan<'a> {
    tracer: &'a Tracer,
    /// In a box: mostly there is none, and it is held by futures that are moved.
    span: Option<Box<Span>>,
    pub id: u64,
}

impl Trace {
    /// Something begins for this request, done by what `parent` is the span of.
    pub fn open<'a>(&self, tracer: &'a Tracer, name: &'static str, kind: SpanKind, parent: u64) -> OpenSpan<'a> {
        let id = id();
        let records = self.sampled && tracer.records();
        let span = records.then(|| {
            let began = SystemTime::now();
            let failed = Some("it was given up");
            Box::new(Span {
                name,
                trace: self.id,
                id,
                parent,
                kind,
                began,
                ended: began,
                attributes: Vec::new(),
                failed,
            })
        });
        OpenSpan { tracer, span, id }
    }

    /// The request itself, when it has ended.
    pub fn request(
        &self,
        tracer: &Tracer,
        attributes: impl FnOnce() -> Vec<(&'static str, String)>,
        failed: Option<&'static str>,
    ) {
        if !(self.sampled && tracer.records()) {
            return;
        }
        tracer.record(Span {
            name: "request",
            trace: self.id,
            id: self.span,
            parent: self.parent,
            kind: SpanKind::Server,
            began: self.began,
            ended: SystemTime::now(),
            attributes: attributes(),
            failed,
        });
    }
}

impl OpenSpan<'_> {
    pub fn set(&mut self, name: &'static str, value: impl FnOnce() -> String) {
        if let Some(span) = &mut self.span {
            span.attributes.push((name, value()));
        }
    }

    /// It is another's to tell.
    pub fn untold(mut self) {
        self.span = None;
    }

    /// It has ended; `failed`: with what.
    pub fn end(mut self, failed: Option<&'static str>) {
        if let Some(span) = &mut self.span {
            span.failed = failed;
        }
    }
}

impl Drop for OpenSpan<'_> {
    fn drop(&mut self) {
        if let Some(mut span) = self.span.take() {
            span.ended = SystemTime::now();
            self.tracer.record(*span);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(parent: &str) -> HeaderMap {
        HeaderMap::from_iter([(TRACEPARENT, HeaderValue::from_str(parent).unwrap())])
    }

    #[test]
    fn a_clients_trace_goes_on_but_its_flag_counts_only_from_those_who_are_believed() {
        let sent = headers("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        let tracer = Tracer::default();
        let trace = Trace::of(&sent, false, &tracer);
        assert_eq!((trace.id, trace.parent), (0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736, 0x00f0_67aa_0ba9_02b7));
        assert!(!trace.sampled && trace.span != trace.parent);
        assert!(Trace::of(&sent, true, &tracer).sampled);
        let begun = Trace::of(&headers("nonsense"), true, &tracer);
        assert!(begun.id != 0 && begun.parent == 0 && !begun.sampled);
        assert_ne!(begun.id, Trace::of(&HeaderMap::new(), true, &tracer).id);
    }

    #[test]
    fn the_share_of_traces_is_by_their_id() {
        let all = Tracer { below: share(1.0), ..Tracer::default() };
        let half = Tracer { below: share(0.5), ..Tracer::default() };
        let none = Tracer { below: share(0.0), ..Tracer::default() };
        let ids: Vec<u128> = (0..10_000).map(|_| u128::from(draw())).collect();
        let count = |tracer: &Tracer| ids.iter().filter(|id| tracer.samples(**id)).count();
        assert_eq!((count(&all), count(&none)), (10_000, 0));
        assert!((4_500..5_500).contains(&count(&half)), "{}", count(&half));
    }

    #[test]
    fn a_workers_own_context_stays_and_what_it_was_given_is_replaced() {
        let trace = Trace::of(&HeaderMap::new(), false, &Tracer::default());
        let mut given = HeaderMap::new();
        trace.write(&mut given, 7);
        let mut passed_on = given.clone();
        trace.write_unless_own(&mut passed_on, 7, 8);
        assert_eq!(Parent::of(&passed_on).unwrap(), Parent { trace: trace.id, span: 8, sampled: false });
        let own = headers("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        let mut kept = own.clone();
        trace.write_unless_own(&mut kept, 7, 8);
        assert_eq!(kept, own);
        let mut bad = headers("00-nonsense");
        bad.insert(TRACESTATE, HeaderValue::from_static("a=1"));
        trace.write_unless_own(&mut bad, 7, 8);
        assert_eq!((Parent::of(&bad).unwrap().span, bad.contains_key(TRACESTATE)), (8, false));
    }
}
