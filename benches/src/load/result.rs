//! What a run has seen, for people and as JSON.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::plan::{Arrivals, Plan};
use super::tally::Tally;

/// Shares of the requests whose latency is told.
const QUANTILES: [(&str, f64); 8] = [
    ("p50", 0.5),
    ("p75", 0.75),
    ("p90", 0.9),
    ("p95", 0.95),
    ("p99", 0.99),
    ("p99.9", 0.999),
    ("p99.99", 0.9999),
    ("max", 1.0),
];

pub struct Outcome {
    pub seen: Tally,
    /// From the begin to the last answer.
    pub elapsed: Duration,
    /// Ctrl-C ended it.
    pub interrupted: bool,
}

/// Of nanoseconds, with as many digits as mean something.
pub fn milliseconds(nanoseconds: u64) -> String {
    let milliseconds = nanoseconds as f64 / 1e6;
    let digits = match milliseconds {
        100.0.. => 0,
        10.0.. => 1,
        1.0.. => 2,
        _ => 3,
    };
    format!("{milliseconds:.digits$}")
}

impl Outcome {
    fn rps(&self) -> f64 {
        self.seen.answers() as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }

    fn quantile(&self, quantile: f64) -> u64 {
        let latency = &self.seen.latency;
        if quantile >= 1.0 { latency.max() } else { latency.value_at_quantile(quantile) }
    }

    /// One line. Milliseconds, bytes, seconds; `rps` are answers, wrong ones with them.
    pub fn json(&self, plan: &Plan) -> Value {
        let seen = &self.seen;
        let rounded = |nanoseconds: f64| (nanoseconds / 1e3).round() / 1e3;
        let mut latency: Map<String, Value> = QUANTILES
            .iter()
            .map(|(name, quantile)| ((*name).to_owned(), json!(rounded(self.quantile(*quantile) as f64))))
            .collect();
        latency.insert("min".into(), json!(rounded(seen.latency.min() as f64)));
        latency.insert("mean".into(), json!(rounded(seen.latency.mean())));
        latency.insert("stdev".into(), json!(rounded(seen.latency.stdev())));
        latency.insert("count".into(), json!(seen.latency.len()));
        let statuses: Map<String, Value> =
            seen.statuses.iter().map(|(status, count)| (status.to_string(), json!(count))).collect();
        json!({
            "to": plan.targets.0.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "protocol": if plan.http2 { "HTTP/2" } else { "HTTP/1.1" },
            "loop": match plan.arrivals { Arrivals::Closed => "closed", _ => "open" },
            "arrivals": match plan.arrivals { Arrivals::Closed => None, Arrivals::Even(_) => Some("even"), Arrivals::Poisson(_) => Some("poisson") },
            "rate": plan.arrivals.rate(),
            "connections": plan.connections,
            "streams": plan.streams,
            "threads": plan.threads,
            "hosts": plan.hosts.as_ref().map_or(1, super::hosts::Hosts::count),
            "seconds": (self.elapsed.as_secs_f64() * 1e3).round() / 1e3,
            "interrupted": self.interrupted,
            "requests": seen.requests(),
            "answers": seen.answers(),
            "rps": (self.rps() * 10.0).round() / 10.0,
            "latency_ms": latency,
            "statuses": statuses,
            "errors": seen.errors(),
            "errors_by_kind": seen.by_kind(),
            "first_errors": seen.first,
            "late": seen.late,
            "bytes": { "received": seen.received, "sent": seen.sent },
        })
    }

    pub fn table(&self, plan: &Plan) -> String {
        let mut text = String::new();
        // Writing to a String does not fail.
        let _ = self.write(plan, &mut text);
        text
    }

    fn write(&self, plan: &Plan, text: &mut String) -> std::fmt::Result {
        let seen = &self.seen;
        let seconds = self.elapsed.as_secs_f64();
        if self.interrupted {
            writeln!(text, "interrupted; until then:")?;
        }
        writeln!(text, "{} requests in {seconds:.2} s, {:.1} answers a second", seen.requests(), self.rps())?;
        if let Some(rate) = plan.arrivals.rate() {
            writeln!(text, "asked for {rate} a second; {} began more than 1 ms after they were due", seen.late)?;
        }
        let each = |bytes: u64| bytes as f64 / f64::from(1 << 20) / seconds.max(1e-9);
        let (received, sent) = (each(seen.received), each(seen.sent));
        writeln!(text, "{} bytes received ({received:.2} MiB/s), {} sent ({sent:.2} MiB/s)", seen.received, seen.sent)?;
        writeln!(
            text,
            "\nlatency, ms{}",
            if plan.arrivals.rate().is_some() { ", from when each was due" } else { "" }
        )?;
        for (name, quantile) in QUANTILES {
            writeln!(text, "  {name:<7} {:>10}", milliseconds(self.quantile(quantile)))?;
        }
        let (mean, stdev) = (seen.latency.mean() as u64, seen.latency.stdev() as u64);
        writeln!(text, "  {:<7} {:>10} ± {}", "mean", milliseconds(mean), milliseconds(stdev))?;
        writeln!(text, "\nstatuses")?;
        for (status, count) in &seen.statuses {
            writeln!(text, "  {status:<7} {count:>10}")?;
        }
        let errors = seen.by_kind();
        if errors.is_empty() {
            return writeln!(text, "no errors");
        }
        writeln!(text, "errors")?;
        for (kind, count) in errors {
            let why = seen.first.get(kind).map(|why| format!("  the first: {why}")).unwrap_or_default();
            writeln!(text, "  {kind:<15} {count:>10}{why}")?;
        }
        Ok(())
    }
}
