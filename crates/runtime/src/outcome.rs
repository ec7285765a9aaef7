//! How one request in a Worker ended: recorded once, when nothing of it runs any more.

use std::fmt;
use std::time::{Duration, SystemTime};

use switchyard_catalog::{Limit, LimitSet};

/// What the observer is told.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub ending: Ending,
    /// CPU of the guest and of host work done for it.
    pub cpu: Duration,
    /// From the call to the end.
    pub wall: Duration,
    /// How many subrequests were started.
    pub subrequests: u32,
    /// Limits that it ran into and went on; see [`Outcome::limits`].
    pub met: LimitSet,
    /// `console` lines, in order, up to the limit.
    pub logs: Vec<LogLine>,
    /// Lines that did not fit.
    pub logs_dropped: u32,
    /// An exception the handler threw.
    pub exception: Option<Exception>,
    /// What timers and `waitUntil` promises threw, up to a bound; kept where somebody listens.
    pub thrown_beside: Vec<Exception>,
}

impl Outcome {
    /// Of a request of which no guest ran anything.
    pub fn without_a_run(ending: Ending, wall: Duration) -> Self {
        Self {
            ending,
            cpu: Duration::ZERO,
            wall,
            subrequests: 0,
            met: LimitSet::default(),
            logs: Vec::new(),
            logs_dropped: 0,
            exception: None,
            thrown_beside: Vec::new(),
        }
    }

    /// All limits that the request reached.
    pub fn limits(&self) -> LimitSet {
        let mut limits = self.met;
        match self.ending {
            Ending::ExceededCpu => limits.insert(Limit::Cpu),
            Ending::ExceededMemory => limits.insert(Limit::Memory),
            Ending::ExceededWall => limits.insert(Limit::Wall),
            _ => {}
        }
        if self.logs_dropped > 0 {
            limits.insert(Limit::LogBytes);
        }
        limits
    }
}

/// The closed set of ways a request ends; each is a metric label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ending {
    Ok,
    Exception,
    ExceededCpu,
    ExceededMemory,
    ExceededWall,
    /// The handler can never answer, and nothing is pending.
    Hung,
    /// The client went before the end.
    Canceled,
    /// `waitUntil` outlived its grace.
    WaitUntilCut,
    /// A trap, or an engine fault.
    Crashed,
    /// No slot in time.
    Overloaded,
    Internal,
}

impl Ending {
    pub const ALL: [Ending; 11] = [
        Self::Ok,
        Self::Exception,
        Self::ExceededCpu,
        Self::ExceededMemory,
        Self::ExceededWall,
        Self::Hung,
        Self::Canceled,
        Self::WaitUntilCut,
        Self::Crashed,
        Self::Overloaded,
        Self::Internal,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Exception => "exception",
            Self::ExceededCpu => "exceeded_cpu",
            Self::ExceededMemory => "exceeded_memory",
            Self::ExceededWall => "exceeded_wall",
            Self::Hung => "hung",
            Self::Canceled => "canceled",
            Self::WaitUntilCut => "wait_until_cut",
            Self::Crashed => "crashed",
            Self::Overloaded => "overloaded",
            Self::Internal => "internal",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    pub level: LogLevel,
    /// As a terminal shows it; empty where none does.
    pub text: String,
    /// The arguments: the text of a JSON array in one line without control characters, nested a little at
    /// most. Empty where nobody gets them.
    pub values: String,
    /// When it was written: milliseconds since 1970.
    pub at_ms: u64,
}

/// What a handler threw, as its client is not shown it. Shown as `Name: message` and the stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    pub name: String,
    pub message: String,
    /// As the engine writes it: name and message come first, mostly. Empty where there is none.
    pub stack: String,
    /// Milliseconds since 1970.
    pub at_ms: u64,
}

impl fmt::Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.stack.starts_with(&self.name) && !self.stack.is_empty() {
            return f.write_str(self.stack.trim_end());
        }
        write!(f, "{}: {}", self.name, self.message)?;
        if self.stack.is_empty() { Ok(()) } else { write!(f, "\n{}", self.stack.trim_end()) }
    }
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    Debug,
    Log,
    Info,
    Warn,
    Error,
}
