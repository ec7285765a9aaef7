//! What upstreams count.

use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

use super::UpstreamError;

#[derive(Clone)]
pub struct UpstreamMetrics {
    /// By [`UpstreamError::LABELS`], then those that were answered.
    ends: Vec<IntCounter>,
    retries: IntCounter,
    taken_out: [IntCounter; 2],
    connections: [IntGauge; 2],
}

impl UpstreamMetrics {
    /// # Errors
    /// When one is there already.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let counters = |name: &str, help: &str, label: &str| {
            let counters = IntCounterVec::new(Opts::new(name, help), &[label])?;
            registry.register(Box::new(counters.clone()))?;
            Ok::<_, prometheus::Error>(counters)
        };
        let help = "Requests to upstream tenants, by how they ended: answered, or why not.";
        let ends = counters("switchyard_upstream_requests_total", help, "end")?;
        let help = "Requests to upstream tenants that were sent again.";
        let retries = IntCounter::new("switchyard_upstream_retries_total", help)?;
        registry.register(Box::new(retries.clone()))?;
        let help = "Times an origin was taken out, by whom.";
        let taken_out = counters("switchyard_upstream_taken_out_total", help, "by")?;
        let help = "Connections to origins now: in use, tunnels too, and kept for the next request.";
        let connections = IntGaugeVec::new(Opts::new("switchyard_upstream_connections", help), &["state"])?;
        registry.register(Box::new(connections.clone()))?;
        let labels = UpstreamError::LABELS.iter().copied().chain(["answered"]);
        Ok(Self {
            ends: labels.map(|end| ends.with_label_values(&[end])).collect(),
            retries,
            taken_out: ["requests", "checks"].map(|by| taken_out.with_label_values(&[by])),
            connections: ["in_use", "idle"].map(|state| connections.with_label_values(&[state])),
        })
    }

    /// The head of an answer was there, or why not.
    pub fn ended(&self, error: Option<&UpstreamError>) {
        let at = error.map_or(UpstreamError::LABELS.len(), UpstreamError::label);
        if let Some(counter) = self.ends.get(at) {
            counter.inc();
        }
    }

    pub fn retried(&self) {
        self.retries.inc();
    }

    pub fn taken_out_by_requests(&self) {
        self.taken_out[0].inc();
    }

    pub fn taken_out_by_checks(&self) {
        self.taken_out[1].inc();
    }

    pub fn connections(&self, in_use: u32, idle: u32) {
        self.connections[0].set(in_use.into());
        self.connections[1].set(idle.into());
    }
}
