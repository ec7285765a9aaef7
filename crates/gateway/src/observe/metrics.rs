//! Prometheus metrics. Labels come from closed sets, never from a tenant, a host or a path, so the
//! number of series has a bound that traffic cannot move.

use std::sync::OnceLock;
use std::time::Duration;

use parking_lot::Mutex;
use prometheus::{
    Counter, Encoder, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry, TextEncoder,
};
use switchyard_catalog::Limit;
use switchyard_runtime::{Ending, Outcome};

use super::node_metrics::{Gauges, NodeMetrics};
use crate::cache::CacheEnd;
use crate::egress::EgressEnd;
use crate::error::Kind;
use crate::listen::ProxyMetrics;
use crate::resolve::Source;
use crate::tail::{ConsumerMetrics, TailMetrics};
use crate::tls::TlsMetrics;
use crate::upstream::UpstreamMetrics;
use crate::websocket::WebSocketMetrics;

/// Status classes `1xx` to `5xx`, and `none` where no head was sent.
const CLASSES: [&str; 6] = ["none", "1xx", "2xx", "3xx", "4xx", "5xx"];

pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    /// By kind and class, looked up once each.
    request_cells: Vec<OnceLock<IntCounter>>,
    seconds: Histogram,
    runs: Vec<IntCounter>,
    cpu: Counter,
    subrequests: IntCounter,
    egress: Vec<IntCounter>,
    cache: Vec<IntCounter>,
    limits: Vec<IntCounter>,
    api: IntCounterVec,
    lookups: LookupMetrics,
    connections: ConnectionMetrics,
    node: NodeMetrics,
    /// Scrapes are one after the other.
    scraping: Mutex<()>,
    tail: TailMetrics,
    plans_missing: IntCounter,
    upstream: UpstreamMetrics,
    websockets: WebSocketMetrics,
    tls: TlsMetrics,
    proxy: ProxyMetrics,
}

/// What listeners count.
#[derive(Clone)]
pub struct ConnectionMetrics {
    /// Now.
    pub open: IntGauge,
    pub http1: IntCounter,
    pub http2: IntCounter,
    /// Closed since their address had too many.
    pub refused: IntCounter,
}

/// What `sql` resolvers count, all of them together.
#[derive(Clone)]
pub struct LookupMetrics {
    sources: Vec<IntCounter>,
    /// Statements sent to databases.
    pub statements: IntCounter,
    /// What they took, those that failed too.
    pub seconds: Histogram,
    /// Those whose database is away now.
    pub away: IntGauge,
}

impl LookupMetrics {
    /// One look-up was answered.
    pub fn count(&self, source: Source) {
        if let Some(counter) = self.sources.get(source as usize) {
            counter.inc();
        }
    }
}

impl Metrics {
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let counters = |name: &str, help: &str, labels: &[&str]| {
            let counters = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(counters.clone()))?;
            Ok::<_, prometheus::Error>(counters)
        };
        let gauge = |name: &str, help: &str| {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };

        let requests = counters(
            "switchyard_requests_total",
            "Requests of clients, by how they ended.",
            &["kind", "side", "class"],
        )?;
        let runs = counters("switchyard_runs_total", "Runs of Workers, by how they ended.", &["ending"])?;
        let egress = counters("switchyard_egress_total", "Hops of Workers over the network.", &["end"])?;
        let cache =
            counters("switchyard_cache_total", "Operations of Workers' Cache API, by how they ended.", &["end"])?;
        let limits = counters("switchyard_limits_total", "Times a Worker reached a limit.", &["limit"])?;
        let lookups = counters(
            "switchyard_resolver_lookups_total",
            "Look-ups of sql resolvers, by where the answer came from.",
            &["source"],
        )?;
        let statements = IntCounter::new(
            "switchyard_resolver_statements_total",
            "Statements that sql resolvers sent to databases.",
        )?;
        registry.register(Box::new(statements.clone()))?;
        let buckets = vec![0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5];
        let lookup_seconds = "What statements of sql resolvers took, waiting for a connection included.";
        let lookup_seconds = HistogramOpts::new("switchyard_resolver_statement_seconds", lookup_seconds);
        let lookup_seconds = Histogram::with_opts(lookup_seconds.buckets(buckets))?;
        registry.register(Box::new(lookup_seconds.clone()))?;
        let api = counters("switchyard_api_requests_total", "Requests of the admin API.", &["access", "class"])?;
        let buckets = vec![0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0];
        let seconds = HistogramOpts::new("switchyard_request_seconds", "From a request's head to its body's end.");
        let seconds = Histogram::with_opts(seconds.buckets(buckets))?;
        registry.register(Box::new(seconds.clone()))?;
        let cpu = Counter::new("switchyard_cpu_seconds_total", "CPU of Workers, host work for them included.")?;
        registry.register(Box::new(cpu.clone()))?;
        let subrequests = IntCounter::new("switchyard_subrequests_total", "Subrequests that Workers started.")?;
        registry.register(Box::new(subrequests.clone()))?;
        let tail_dropped =
            counters("switchyard_tail_events_dropped_total", "Tail events that found no room.", &["to"])?;
        let tail_calls = counters("switchyard_tail_worker_calls_total", "Calls of tail Workers.", &["end"])?;
        let tail = TailMetrics {
            sessions: gauge("switchyard_tail_sessions", "Live logs that somebody listens to.")?,
            dropped: tail_dropped.with_label_values(&["session"]),
            workers: ConsumerMetrics {
                dropped: tail_dropped.with_label_values(&["worker"]),
                told: tail_calls.with_label_values(&["ok"]),
                failed: tail_calls.with_label_values(&["failed"]),
            },
        };

        let protocols = counters(
            "switchyard_connections_total",
            "Connections of clients that brought a request, by protocol.",
            &["protocol"],
        )?;
        let refused = IntCounter::new(
            "switchyard_connections_refused_total",
            "Connections closed since their client's address had as many open as it may have.",
        )?;
        registry.register(Box::new(refused.clone()))?;
        let plans_missing = IntCounter::new(
            "switchyard_plans_missing_total",
            "Calls that named a plan which the configuration does not have.",
        )?;
        registry.register(Box::new(plans_missing.clone()))?;

        Ok(Self {
            request_cells: (0..Kind::ALL.len() * CLASSES.len()).map(|_| OnceLock::new()).collect(),
            requests,
            seconds,
            runs: Ending::ALL.iter().map(|ending| runs.with_label_values(&[ending.as_str()])).collect(),
            cpu,
            subrequests,
            egress: EgressEnd::ALL.iter().map(|end| egress.with_label_values(&[end.as_str()])).collect(),
            cache: CacheEnd::ALL.iter().map(|end| cache.with_label_values(&[end.as_str()])).collect(),
            limits: Limit::ALL.iter().map(|limit| limits.with_label_values(&[limit.as_str()])).collect(),
            api,
            lookups: LookupMetrics {
                sources: Source::ALL.iter().map(|source| lookups.with_label_values(&[source.as_str()])).collect(),
                statements,
                seconds: lookup_seconds,
                away: gauge(
                    "switchyard_resolver_stale",
                    "Resolvers whose database is away: they answer from what they know, however old.",
                )?,
            },
            connections: ConnectionMetrics {
                open: gauge("switchyard_connections", "Connections of clients open now.")?,
                refused,
                http1: protocols.with_label_values(&["h1"]),
                http2: protocols.with_label_values(&["h2"]),
            },
            node: NodeMetrics::new(&registry)?,
            scraping: Mutex::default(),
            tail,
            upstream: UpstreamMetrics::register(&registry)?,
            websockets: WebSocketMetrics::register(&registry)?,
            tls: TlsMetrics::register(&registry)?,
            proxy: ProxyMetrics::register(&registry)?,
            plans_missing,
            registry,
        })
    }

    /// A client's request ended. Called once each; no lock, no allocation.
    pub fn request(&self, kind: Kind, status: u16, wall: Duration) {
        let class = usize::from(status / 100).min(CLASSES.len() - 1);
        let cell = &self.request_cells[kind as usize * CLASSES.len() + class];
        cell.get_or_init(|| self.requests.with_label_values(&[kind.as_str(), kind.side().as_str(), CLASSES[class]]))
            .inc();
        self.seconds.observe(wall.as_secs_f64());
    }

    /// A Worker's run ended.
    pub fn ran(&self, outcome: &Outcome) {
        if let Some(at) = Ending::ALL.iter().position(|ending| *ending == outcome.ending) {
            self.runs[at].inc();
        }
        self.cpu.inc_by(outcome.cpu.as_secs_f64());
        self.subrequests.inc_by(u64::from(outcome.subrequests));
    }

    pub fn egress(&self, end: EgressEnd) {
        if let Some(at) = EgressEnd::ALL.iter().position(|other| *other == end) {
            self.egress[at].inc();
        }
    }

    pub fn cache(&self, end: CacheEnd) {
        self.cache[end as usize].inc();
    }

    pub fn limit(&self, limit: Limit) {
        self.limits[limit as usize].inc();
    }

    pub fn plans_missing(&self, named: u32) {
        self.plans_missing.inc_by(named.into());
    }

    pub fn api(&self, write: bool, status: u16) {
        let class = CLASSES[usize::from(status / 100).min(CLASSES.len() - 1)];
        self.api.with_label_values(&[if write { "write" } else { "read" }, class]).inc();
    }

    pub fn lookups(&self) -> &LookupMetrics {
        &self.lookups
    }

    pub fn tail(&self) -> &TailMetrics {
        &self.tail
    }

    pub fn upstream(&self) -> &UpstreamMetrics {
        &self.upstream
    }

    pub fn websockets(&self) -> &WebSocketMetrics {
        &self.websockets
    }

    pub fn tls(&self) -> &TlsMetrics {
        &self.tls
    }

    pub fn proxy(&self) -> &ProxyMetrics {
        &self.proxy
    }

    pub fn connections(&self) -> &ConnectionMetrics {
        &self.connections
    }

    /// The text that Prometheus reads.
    pub fn scrape(&self, gauges: &Gauges) -> Vec<u8> {
        let _one = self.scraping.lock();
        self.node.set(gauges);
        let mut text = Vec::new();
        if let Err(error) = TextEncoder::new().encode(&self.registry.gather(), &mut text) {
            tracing::error!(%error, "could not write the metrics");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names of metrics in a text: words that begin as ours do.
    fn named(text: &str) -> std::collections::BTreeSet<String> {
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let ours = |word: &&str| word.starts_with("switchyard_") || word.starts_with("process_");
        let base = |word: &str| word.strip_suffix("_bucket").unwrap_or(word).to_owned();
        words.filter(ours).map(base).collect()
    }

    #[test]
    fn dashboard_and_alerts_name_what_there_is() {
        let metrics = Metrics::new().unwrap();
        metrics.request(Kind::Ok, 200, Duration::ZERO);
        metrics.api(false, 200);
        let text = String::from_utf8(metrics.scrape(&Gauges::default())).unwrap();
        let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
        let there: std::collections::BTreeSet<String> = types.map(str::to_owned).collect();
        let dashboard = include_str!("../../../../deploy/grafana.json");
        let json: serde_json::Value = serde_json::from_str(dashboard).unwrap();
        let panels = json["panels"].as_array().unwrap();
        let asked: String = panels
            .iter()
            .flat_map(|panel| panel["targets"].as_array().unwrap())
            .map(|target| target["expr"].as_str().unwrap().to_owned() + "\n")
            .collect();
        for (what, text) in [("the dashboard", &*asked), ("the alerts", include_str!("../../../../deploy/alerts.yml"))]
        {
            let unknown: Vec<_> = named(text).difference(&there).cloned().collect();
            assert_eq!(unknown, Vec::<String>::new(), "{what} asks for");
            assert!(named(text).len() > 5, "{what}");
        }
        let unseen: Vec<_> = there.difference(&named(&asked)).cloned().collect();
        assert_eq!(unseen, Vec::<String>::new(), "the dashboard does not show");
    }

    #[test]
    fn series_are_bounded() {
        let metrics = Metrics::new().unwrap();
        for kind in Kind::ALL {
            for status in [0, 101, 200, 302, 404, 503, 999] {
                metrics.request(kind, status, Duration::from_millis(1));
            }
        }
        for end in EgressEnd::ALL {
            metrics.egress(end);
        }
        let text = String::from_utf8(metrics.scrape(&Gauges { in_flight: 3, ..Gauges::default() })).unwrap();
        assert!(text.contains("switchyard_requests_in_flight 3"), "{text}");
        assert!(text.contains("switchyard_requests_total{class=\"2xx\",kind=\"ok\",side=\"none\"} 1"), "{text}");
        assert!(text.contains("switchyard_limits_total{limit=\"wall_ms\"} 0"), "{text}");
        assert!(text.contains("process_resident_memory_bytes"));
        let series = text.lines().filter(|line| !line.starts_with('#')).count();
        assert!(series <= 600, "{series}");
    }
}
