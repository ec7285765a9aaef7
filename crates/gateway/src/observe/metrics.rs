//! Prometheus metrics. Labels come from closed sets, never from a tenant, a host or a path, so the
//! number of series has a bound that traffic cannot move.

use std::sync::OnceLock;
use std::time::Duration;

use prometheus::{
    Counter, Encoder, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder,
};
use switchyard_catalog::Limit;
use switchyard_runtime::{Ending, Outcome, RuntimeStats};

use crate::egress::EgressEnd;
use crate::error::Kind;
use crate::resolve::Source;
use crate::tail::{ConsumerMetrics, TailMetrics};

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
    limits: Vec<IntCounter>,
    api: IntCounterVec,
    lookups: LookupMetrics,
    connections: IntGauge,
    in_flight: IntGauge,
    scripts: IntGauge,
    instances: IntGaugeVec,
    workers: IntGauge,
    worker_bytes: IntGauge,
    access_dropped: IntGauge,
    memory: IntGauge,
    process_cpu: prometheus::Gauge,
    tail: TailMetrics,
}

/// What `sql` resolvers count, all of them together.
#[derive(Clone)]
pub struct LookupMetrics {
    sources: Vec<IntCounter>,
    /// Statements sent to databases.
    pub statements: IntCounter,
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

/// What is read at the moment of a scrape.
#[derive(Debug, Clone, Copy, Default)]
pub struct Gauges {
    pub in_flight: u64,
    pub scripts: u64,
    pub access_dropped: u64,
    pub runtime: RuntimeStats,
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
        let api = counters("switchyard_api_requests_total", "Requests of the admin API.", &["access", "class"])?;
        let buckets = vec![0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
        let seconds = HistogramOpts::new("switchyard_request_seconds", "From a request's head to its body's end.");
        let seconds = Histogram::with_opts(seconds.buckets(buckets))?;
        registry.register(Box::new(seconds.clone()))?;
        let cpu = Counter::new("switchyard_cpu_seconds_total", "CPU of Workers, host work for them included.")?;
        registry.register(Box::new(cpu.clone()))?;
        let subrequests = IntCounter::new("switchyard_subrequests_total", "Subrequests that Workers started.")?;
        registry.register(Box::new(subrequests.clone()))?;
        let instances = Opts::new("switchyard_instances", "Instances of Workers now, by state.");
        let instances = IntGaugeVec::new(instances, &["state"])?;
        registry.register(Box::new(instances.clone()))?;
        let process_cpu = prometheus::Gauge::new("process_cpu_seconds_total", "CPU of the process.")?;
        registry.register(Box::new(process_cpu.clone()))?;
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

        Ok(Self {
            request_cells: (0..Kind::ALL.len() * CLASSES.len()).map(|_| OnceLock::new()).collect(),
            requests,
            seconds,
            runs: Ending::ALL.iter().map(|ending| runs.with_label_values(&[ending.as_str()])).collect(),
            cpu,
            subrequests,
            egress: EgressEnd::ALL.iter().map(|end| egress.with_label_values(&[end.as_str()])).collect(),
            limits: Limit::ALL.iter().map(|limit| limits.with_label_values(&[limit.as_str()])).collect(),
            api,
            lookups: LookupMetrics {
                sources: Source::ALL.iter().map(|source| lookups.with_label_values(&[source.as_str()])).collect(),
                statements,
                away: gauge(
                    "switchyard_resolver_stale",
                    "Resolvers whose database is away: they answer from what they know, however old.",
                )?,
            },
            connections: gauge("switchyard_connections", "Connections of clients open now.")?,
            in_flight: gauge("switchyard_requests_in_flight", "Requests of clients under way now.")?,
            scripts: gauge("switchyard_scripts", "Scripts that are deployed.")?,
            instances,
            workers: gauge("switchyard_workers_cached", "Workers kept ready in memory.")?,
            worker_bytes: gauge("switchyard_worker_cache_bytes", "Memory of Workers kept ready.")?,
            access_dropped: gauge("switchyard_access_lines_dropped", "Access lines that found no room.")?,
            memory: gauge("process_resident_memory_bytes", "Memory of the process.")?,
            process_cpu,
            tail,
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

    pub fn limit(&self, limit: Limit) {
        self.limits[limit as usize].inc();
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

    pub fn connections(&self) -> &IntGauge {
        &self.connections
    }

    /// The text that Prometheus reads.
    pub fn scrape(&self, gauges: Gauges) -> Vec<u8> {
        let set = |gauge: &IntGauge, value: u64| gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        set(&self.in_flight, gauges.in_flight);
        set(&self.scripts, gauges.scripts);
        for (state, count) in [
            ("running", gauges.runtime.instances_running),
            ("clean_idle", gauges.runtime.slots_idle),
            ("warm_idle", gauges.runtime.warm_idle),
            ("live", gauges.runtime.slots_live),
            ("waited_for", gauges.runtime.requests_waiting),
        ] {
            set(&self.instances.with_label_values(&[state]), count as u64);
        }
        set(&self.workers, gauges.runtime.workers_cached);
        set(&self.worker_bytes, gauges.runtime.worker_bytes);
        set(&self.access_dropped, gauges.access_dropped);
        if let Some((cpu, memory)) = process() {
            self.process_cpu.set(cpu);
            set(&self.memory, memory);
        }
        let mut text = Vec::new();
        if let Err(error) = TextEncoder::new().encode(&self.registry.gather(), &mut text) {
            tracing::error!(%error, "could not write the metrics");
        }
        text
    }
}

/// CPU seconds and resident bytes of this process, where the system says so as Linux does.
fn process() -> Option<(f64, u64)> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name in parentheses may hold anything; what follows it are numbers.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let user: f64 = fields.nth(11)?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    let pages: u64 = fields.nth(8)?.parse().ok()?;
    // SAFETY: sysconf reads a constant of the system.
    let (ticks, page) = unsafe { (libc::sysconf(libc::_SC_CLK_TCK), libc::sysconf(libc::_SC_PAGESIZE)) };
    Some(((user + system) / ticks.max(1) as f64, pages * u64::try_from(page).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let text = String::from_utf8(metrics.scrape(Gauges { in_flight: 3, ..Gauges::default() })).unwrap();
        assert!(text.contains("switchyard_requests_in_flight 3"), "{text}");
        assert!(text.contains("switchyard_requests_total{class=\"2xx\",kind=\"ok\",side=\"none\"} 1"), "{text}");
        assert!(text.contains("switchyard_limits_total{limit=\"wall_ms\"} 0"), "{text}");
        assert!(text.contains("process_resident_memory_bytes"));
        let series = text.lines().filter(|line| !line.starts_with('#')).count();
        assert!(series <= 250, "{series}");
    }
}
