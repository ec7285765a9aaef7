//! What operators see: metrics with closed label sets, one access line a request, and in development
//! what tenants' code prints. Every request is recorded once, when its body ends.

mod access;
mod metrics;
mod recorded;

use std::fmt::Write as _;

use switchyard_runtime::{LogLevel, Outcome};

use crate::config;
use crate::context::RequestContext;
use crate::routes::Route;
use access::AccessLog;
pub use metrics::{Gauges, LookupMetrics, Metrics};
pub use recorded::{Ending, Recorded};

/// All that is recorded goes through here.
pub struct Observer {
    pub metrics: Metrics,
    access: Option<AccessLog>,
    console: bool,
}

impl Observer {
    /// # Errors
    /// The metrics could not be registered, or the writer's thread not be started.
    pub fn new(config: &config::Log) -> Result<Self, ObserverError> {
        let access = match config.access {
            config::AccessTarget::Off => None,
            target => Some(AccessLog::start(target, config.format, config.buffer as usize)?),
        };
        Ok(Self { metrics: Metrics::new()?, access, console: config.console })
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
        if self.console && (outcome.exception.is_some() || !outcome.logs.is_empty()) {
            print(route, outcome);
        }
    }

    /// Nothing of the request runs any more.
    pub fn done(&self, ctx: &RequestContext) {
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
    #[error("could not start the access log's thread")]
    Thread(#[from] std::io::Error),
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
