//! What operators see: metrics with closed label sets, one access line a request, and in development
//! what tenants' code prints. Every request is recorded once, when its body ends.

mod access;
mod metrics;
mod node_metrics;
mod recorded;
mod sketch;
mod top;

use std::fmt::Write as _;

use switchyard_api::TopBy;
use switchyard_catalog::ScriptId;
use switchyard_runtime::{LogLevel, Outcome};

use crate::config;
use crate::context::RequestContext;
use crate::error::{Kind, Side};
use crate::routes::Route;
use crate::trace::Tracer;
use access::AccessLog;
pub use metrics::{ConnectionMetrics, LookupMetrics, Metrics};
pub use node_metrics::Gauges;
pub use recorded::{Ending, Recorded};
use top::TopCounts;

/// All that is recorded goes through here.
pub struct Observer {
    pub metrics: Metrics,
    pub top: TopCounts,
    pub tracer: Tracer,
    access: Option<AccessLog>,
    console: bool,
}

impl Observer {
    /// # Errors
    /// The metrics could not be registered, or the writer's thread not be started.
    pub fn new(config: &config::Log, trace: &config::Trace) -> Result<Self, ObserverError> {
        let tracer = Tracer::new(trace).map_err(ObserverError::Tracer)?;
        let access = match config.access {
            config::AccessTarget::Off => None,
            target => Some(AccessLog::start(target, config.format, config.buffer as usize)?),
        };
        Ok(Self { metrics: Metrics::new()?, top: TopCounts::default(), tracer, access, console: config.console })
    }

    /// Whether anyone reads a request's host and path.
    pub fn logs_access(&self) -> bool {
        self.access.is_some()
    }

    /// Whether Workers' console lines are printed.
    pub fn prints_console(&self) -> bool {
        self.console
    }

    /// One run of a Worker ended.
    pub fn ran(&self, route: &Route, outcome: &Outcome) {
        self.metrics.ran(outcome);
        self.top.add(route.script, TopBy::Cpu, outcome.cpu.as_micros() as u64);
        if self.console && (outcome.exception.is_some() || !outcome.logs.is_empty()) {
            print(route, outcome);
        }
    }

    /// A call of a script has begun.
    pub fn called(&self, script: ScriptId) {
        self.top.add(script, TopBy::Requests, 1);
    }

    /// A call of a script got no answer from it.
    pub fn failed(&self, script: ScriptId) {
        self.top.add(script, TopBy::Errors, 1);
    }

    /// Nothing of the request runs any more.
    pub fn done(&self, ctx: &RequestContext) {
        ctx.trace.request(&self.tracer, || attributes(ctx), failed(ctx.kind()));
        if let Some(access) = &self.access {
            access.write(ctx);
        }
    }

    /// Lines that found no room.
    pub fn access_dropped(&self) -> u64 {
        self.access.as_ref().map_or(0, AccessLog::dropped)
    }

    /// Waits until what was logged is written. Blocks for a moment.
    pub fn flush(&self) {
        if let Some(access) = &self.access {
            access.flush();
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ObserverError {
    #[error("could not register a metric")]
    Metric(#[from] prometheus::Error),
    #[error("could not make the exporter of traces: {0}")]
    Tracer(String),
    #[error("could not start the access log's thread")]
    Thread(#[from] std::io::Error),
}

/// What a request's span tells of it; nothing that a query or a header could hide a secret in.
fn attributes(ctx: &RequestContext) -> Vec<(&'static str, String)> {
    let mut told = vec![
        ("http.request.method", ctx.method.as_str().to_owned()),
        ("http.response.status_code", ctx.status().to_string()),
        ("switchyard.kind", ctx.kind().as_str().to_owned()),
        ("switchyard.ray", ctx.ray.to_str().unwrap_or_default().to_owned()),
    ];
    told.extend(ctx.route().map(|route| ("switchyard.script", route.to_string())));
    told
}

fn failed(kind: Kind) -> Option<&'static str> {
    (!matches!(kind.side(), Side::None | Side::Client)).then(|| kind.as_str())
}

/// A tenant's lines, with the script's name in front, made harmless for a terminal.
fn print(route: &Route, outcome: &Outcome) {
    let mut text = String::new();
    let mut line = |level: &str, message: &str| {
        for part in message.lines() {
            let _ = writeln!(text, "[{}] {level}{}", route.name, harmless(part));
        }
    };
    for log in &outcome.logs {
        let level = match log.level {
            LogLevel::Debug => "debug: ",
            LogLevel::Log | LogLevel::Info => "",
            LogLevel::Warn => "warn: ",
            LogLevel::Error => "error: ",
        };
        line(level, &log.text);
    }
    if outcome.logs_dropped > 0 {
        line("", &format!("({} more lines did not fit)", outcome.logs_dropped));
    }
    if let Some(exception) = &outcome.exception {
        line("uncaught ", &exception.to_string());
    }
    eprint!("{text}");
}

/// Without control characters: a tenant cannot move the cursor or forge a line.
fn harmless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => out.push('\t'),
            c if c.is_control() => {
                let _ = write!(out, "\\u{{{:x}}}", c as u32);
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn terminals_are_safe() {
        assert_eq!(harmless("a\u{1b}[2Jb\r\tc\u{9b}ä"), "a\\u{1b}[2Jb\\u{d}\tc\\u{9b}ä");
    }
}
