//! Metrics that are read from the node's parts at the moment of a scrape: memory, overload, instances,
//! caches, the process. Label sets are closed.

use prometheus::{Counter, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};
use switchyard_runtime::RuntimeStats;

use crate::cache::Usage;
use crate::overload::{OverloadStats, Shed};
use crate::trace::TraceStats;

/// What is read at the moment of a scrape.
#[derive(Debug, Clone, Copy, Default)]
pub struct Gauges {
    pub in_flight: u64,
    pub scripts: u64,
    pub access_dropped: u64,
    pub runtime: RuntimeStats,
    pub overload: OverloadStats,
    pub trace: TraceStats,
    pub cache: Usage,
}

/// Everything that [`Gauges`] is shown as.
pub struct NodeMetrics {
    in_flight: IntGauge,
    scripts: IntGauge,
    instances: IntGaugeVec,
    workers: IntGauge,
    worker_bytes: IntGauge,
    access_dropped: IntCounter,
    shed: Vec<IntCounter>,
    stage: IntGauge,
    heavy: IntGauge,
    memory_used: IntGauge,
    memory_ceiling: IntGauge,
    evictions: IntCounter,
    guest_bytes: IntGauge,
    held_bytes: IntGauge,
    warm_bytes: IntGauge,
    growth_refused: IntCounter,
    worker_lookups: Vec<IntCounter>,
    evaluations: Vec<IntCounter>,
    evaluation_seconds: Counter,
    evaluating: IntGauge,
    compilations: Vec<IntCounter>,
    compile_seconds: Counter,
    compiling: IntGaugeVec,
    artefacts_refused: IntCounter,
    instance_starts: Vec<IntCounter>,
    spans: Vec<IntCounter>,
    cache_bytes: IntGauge,
    cache_entries: IntGauge,
    cache_evicted: IntCounter,
    resident: IntGauge,
    cpu: prometheus::Gauge,
    open_files: IntGauge,
    max_files: IntGauge,
}

struct Maker<'a>(&'a Registry);

impl Maker<'_> {
    fn gauge(&self, name: &str, help: &str) -> Result<IntGauge, prometheus::Error> {
        let gauge = IntGauge::new(name, help)?;
        self.0.register(Box::new(gauge.clone()))?;
        Ok(gauge)
    }

    fn counter(&self, name: &str, help: &str) -> Result<IntCounter, prometheus::Error> {
        let counter = IntCounter::new(name, help)?;
        self.0.register(Box::new(counter.clone()))?;
        Ok(counter)
    }

    /// One counter for each value, all there from the start.
    fn counters(
        &self,
        name: &str,
        help: &str,
        label: &str,
        values: &[&str],
    ) -> Result<Vec<IntCounter>, prometheus::Error> {
        let counters = IntCounterVec::new(Opts::new(name, help), &[label])?;
        self.0.register(Box::new(counters.clone()))?;
        Ok(values.iter().map(|value| counters.with_label_values(&[value])).collect())
    }
}

impl NodeMetrics {
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let make = Maker(registry);
        let instances = Opts::new("switchyard_instances", "Instances of Workers now, by state.");
        let instances = IntGaugeVec::new(instances, &["state"])?;
        registry.register(Box::new(instances.clone()))?;
        let evaluation_seconds = "Time that evaluating scripts took, waiting for a place included.";
        let evaluation_seconds = Counter::new("switchyard_evaluation_seconds_total", evaluation_seconds)?;
        registry.register(Box::new(evaluation_seconds.clone()))?;
        let compile_seconds = "Time that compiling components took, waiting for a turn included.";
        let compile_seconds = Counter::new("switchyard_compile_seconds_total", compile_seconds)?;
        registry.register(Box::new(compile_seconds.clone()))?;
        let compiling = Opts::new("switchyard_compiling", "Components that are being compiled now, or wait for it.");
        let compiling = IntGaugeVec::new(compiling, &["state"])?;
        registry.register(Box::new(compiling.clone()))?;
        let cpu = prometheus::Gauge::new("process_cpu_seconds_total", "CPU of the process.")?;
        registry.register(Box::new(cpu.clone()))?;
        let build = Opts::new("switchyard_build_info", "1; the version is the label.");
        let build = IntGaugeVec::new(build, &["version"])?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        registry.register(Box::new(build))?;
        let shed = Shed::ALL.map(Shed::as_str);
        Ok(Self {
            in_flight: make.gauge("switchyard_requests_in_flight", "Requests of clients under way now.")?,
            scripts: make.gauge("switchyard_scripts", "Scripts that are deployed.")?,
            instances,
            workers: make.gauge("switchyard_workers_cached", "Workers kept ready in memory.")?,
            worker_bytes: make.gauge("switchyard_worker_cache_bytes", "Memory of Workers kept ready.")?,
            access_dropped: make
                .counter("switchyard_access_lines_dropped_total", "Access lines that found no room.")?,
            shed: make.counters(
                "switchyard_shed_total",
                "Requests refused for the others' sake, by what was short and of whom.",
                "reason",
                &shed,
            )?,
            stage: make.gauge(
                "switchyard_overload_stage",
                "What is done about memory: 0 nothing, 1 caches go, 2 heavy tenants get no new work, 3 nobody does.",
            )?,
            heavy: make.gauge("switchyard_overload_tenants", "Scripts that get no new work since memory is short.")?,
            memory_used: make.gauge("switchyard_memory_used_bytes", "Memory that counts against the ceiling.")?,
            memory_ceiling: make
                .gauge("switchyard_memory_ceiling_bytes", "What the process may have; 0: no ceiling.")?,
            evictions: make.counter("switchyard_evictions_total", "Cached things given up since memory was short.")?,
            guest_bytes: make.gauge(
                "switchyard_guest_memory_bytes",
                "Memory of running instances, estimated, and what is held for them.",
            )?,
            held_bytes: make.gauge("switchyard_held_bytes", "Bytes on the host for guests, of bodies and chunks.")?,
            warm_bytes: make.gauge("switchyard_warm_bytes", "Memory of idle warm instances.")?,
            growth_refused: make.counter(
                "switchyard_memory_growth_refused_total",
                "Times that guests found the node without memory.",
            )?,
            worker_lookups: make.counters(
                "switchyard_worker_lookups_total",
                "Workers found for calls, by where.",
                "source",
                &["memory", "file"],
            )?,
            evaluations: make.counters(
                "switchyard_evaluations_total",
                "Scripts evaluated, at upload or for want of a file.",
                "result",
                &["started", "refused"],
            )?,
            evaluation_seconds,
            evaluating: make.gauge("switchyard_evaluating", "Scripts that are being evaluated.")?,
            compilations: make.counters(
                "switchyard_compilations_total",
                "Components compiled, at upload or for want of an artefact of this engine.",
                "result",
                &["compiled", "refused", "failed"],
            )?,
            compile_seconds,
            compiling,
            artefacts_refused: make.counter(
                "switchyard_artefacts_refused_total",
                "Compiled components that were not as they were written; they are made anew.",
            )?,
            instance_starts: make.counters(
                "switchyard_instance_starts_total",
                "Instances taken for calls, by how they came.",
                "how",
                &["made", "clean_reused", "warm_reused"],
            )?,
            spans: make.counters(
                "switchyard_trace_spans_total",
                "Spans to be exported, by what became of them.",
                "result",
                &["sent", "dropped", "failed"],
            )?,
            cache_bytes: make.gauge("switchyard_cache_bytes", "Responses that Workers keep with the Cache API.")?,
            cache_entries: make.gauge("switchyard_cache_entries", "How many those are.")?,
            cache_evicted: make.counter("switchyard_cache_evicted_total", "Of them, given up for want of room.")?,
            resident: make.gauge("process_resident_memory_bytes", "Memory of the process.")?,
            cpu,
            open_files: make.gauge("process_open_fds", "Descriptors that the process has open.")?,
            max_files: make.gauge("process_max_fds", "Descriptors that it may have.")?,
        })
    }

    /// One caller at a time.
    pub fn set(&self, gauges: &Gauges) {
        let Gauges { in_flight, scripts, access_dropped, runtime, overload, trace, cache } = gauges;
        set(&self.in_flight, *in_flight);
        set(&self.scripts, *scripts);
        for (state, count) in [
            ("running", runtime.instances_running),
            ("clean_idle", runtime.slots_idle),
            ("warm_idle", runtime.warm_idle),
            ("live", runtime.slots_live),
            ("waited_for", runtime.requests_waiting),
        ] {
            set(&self.instances.with_label_values(&[state]), count as u64);
        }
        set(&self.workers, runtime.workers_cached);
        set(&self.worker_bytes, runtime.worker_bytes);
        raise(&self.access_dropped, *access_dropped);
        for (counter, count) in self.shed.iter().zip(overload.shed) {
            raise(counter, count);
        }
        set(&self.stage, overload.stage.into());
        set(&self.heavy, overload.heavy as u64);
        set(&self.memory_used, overload.used);
        set(&self.memory_ceiling, overload.ceiling);
        raise(&self.evictions, overload.evicted);
        set(&self.guest_bytes, runtime.guest_bytes as u64);
        set(&self.held_bytes, runtime.held_bytes as u64);
        set(&self.warm_bytes, runtime.warm_bytes as u64);
        raise(&self.growth_refused, runtime.growth_refused);
        let counts = &runtime.counts;
        let rows: [(&[IntCounter], &[u64]); 5] = [
            (&self.worker_lookups, &[counts.hits, counts.opened]),
            (&self.evaluations, &[counts.evaluated.saturating_sub(counts.refused), counts.refused]),
            (&self.compilations, &[counts.compiled, counts.compile_refused, counts.compile_failed]),
            (&self.instance_starts, &[counts.made, counts.reused, counts.warm_reused]),
            (&self.spans, &[trace.sent, trace.dropped, trace.failed]),
        ];
        for (counters, values) in rows {
            counters.iter().zip(values).for_each(|(counter, value)| raise(counter, *value));
        }
        let more = counts.evaluation.as_secs_f64() - self.evaluation_seconds.get();
        self.evaluation_seconds.inc_by(more.max(0.0));
        let more = counts.compilation.as_secs_f64() - self.compile_seconds.get();
        self.compile_seconds.inc_by(more.max(0.0));
        for (state, count) in [("running", runtime.compiling), ("waiting", runtime.compile_queue)] {
            set(&self.compiling.with_label_values(&[state]), count as u64);
        }
        raise(&self.artefacts_refused, counts.artefacts_refused);
        set(&self.evaluating, runtime.publishing as u64);
        set(&self.cache_bytes, cache.bytes);
        set(&self.cache_entries, cache.entries);
        raise(&self.cache_evicted, cache.evicted);
        if let Some((cpu, resident)) = process() {
            self.cpu.set(cpu);
            set(&self.resident, resident);
        }
        if let Some((open, most)) = files() {
            set(&self.open_files, open);
            set(&self.max_files, most);
        }
    }
}

fn set(gauge: &IntGauge, value: u64) {
    gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
}

/// To what is counted elsewhere.
fn raise(counter: &IntCounter, to: u64) {
    counter.inc_by(to.saturating_sub(counter.get()));
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

/// Open descriptors, and how many there may be.
fn files() -> Option<(u64, u64)> {
    let open = std::fs::read_dir("/proc/self/fd").ok()?.count() as u64;
    // One of them is that of the folder.
    Some((open.saturating_sub(1), crate::reserve::descriptors()?))
}
