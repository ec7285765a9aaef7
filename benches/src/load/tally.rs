//! What is counted: latencies in a histogram of three digits from 1 µs to an hour, statuses, and errors by kind.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

/// Why there was no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Nobody listens, or the connection was refused.
    Connect,
    /// A connection was not made within the time-out.
    ConnectTimeout,
    /// Certificate, handshake, or no common protocol.
    Tls,
    /// No whole answer within the time-out.
    Timeout,
    /// The server closed the connection before the answer's end.
    Closed,
    /// What came is no HTTP, or an answer longer or shorter than it says.
    Broken,
    /// Due, but all connections were busy until the end and the time-out after it.
    Unsent,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::ConnectTimeout => "connect_timeout",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Closed => "closed",
            Self::Broken => "broken",
            Self::Unsent => "unsent",
        }
    }
}

/// No answer, and why.
#[derive(Debug, Clone)]
pub struct Failed {
    pub kind: Kind,
    pub why: String,
}

impl Failed {
    pub fn new(kind: Kind, why: impl ToString) -> Self {
        Self { kind, why: why.to_string() }
    }
}

/// Begun so long after it was due, a request of an open loop is late: no connection was free, or the generator itself
/// was behind.
pub const LATE: Duration = Duration::from_millis(1);

const HOUR_NS: u64 = 3_600_000_000_000;

/// What one thread, or all of them, have seen.
#[derive(Debug, Clone)]
pub struct Tally {
    /// Nanoseconds, of answers and time-outs: what fails at once would flatter.
    pub latency: Histogram<u64>,
    pub statuses: BTreeMap<u16, u64>,
    /// Answers with a status that is not right.
    pub wrong: BTreeMap<u16, u64>,
    pub failed: BTreeMap<Kind, u64>,
    /// The first of each kind, in words.
    pub first: BTreeMap<&'static str, String>,
    pub received: u64,
    pub sent: u64,
    pub late: u64,
    /// When the last of them ended, since the begin.
    pub last: Duration,
}

impl Tally {
    /// # Errors
    /// None for these bounds; the histogram's own.
    pub fn new() -> anyhow::Result<Self> {
        Ok(Self {
            latency: Histogram::new_with_bounds(1_000, HOUR_NS, 3)?,
            statuses: BTreeMap::new(),
            wrong: BTreeMap::new(),
            failed: BTreeMap::new(),
            first: BTreeMap::new(),
            received: 0,
            sent: 0,
            late: 0,
            last: Duration::ZERO,
        })
    }

    pub fn answered(&mut self, status: u16, right: bool, latency: Duration) {
        self.took(latency);
        *self.statuses.entry(status).or_default() += 1;
        if !right {
            *self.wrong.entry(status).or_default() += 1;
        }
    }

    pub fn failed(&mut self, failed: Failed, latency: Duration) {
        if failed.kind == Kind::Timeout {
            self.took(latency);
        }
        *self.failed.entry(failed.kind).or_default() += 1;
        self.first.entry(failed.kind.name()).or_insert(failed.why);
    }

    fn took(&mut self, latency: Duration) {
        self.latency.saturating_record(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Adds another's, and empties it.
    ///
    /// # Errors
    /// None for histograms of the same bounds; the histogram's own.
    pub fn take(&mut self, other: &mut Self) -> anyhow::Result<()> {
        self.latency.add(&other.latency)?;
        other.latency.reset();
        add(&mut self.statuses, &mut other.statuses);
        add(&mut self.wrong, &mut other.wrong);
        add(&mut self.failed, &mut other.failed);
        for (kind, why) in std::mem::take(&mut other.first) {
            self.first.entry(kind).or_insert(why);
        }
        self.received += std::mem::take(&mut other.received);
        self.sent += std::mem::take(&mut other.sent);
        self.late += std::mem::take(&mut other.late);
        self.last = self.last.max(other.last);
        Ok(())
    }

    pub fn answers(&self) -> u64 {
        self.statuses.values().sum()
    }

    pub fn requests(&self) -> u64 {
        self.answers() + self.failed.values().sum::<u64>()
    }

    pub fn errors(&self) -> u64 {
        self.by_kind().values().sum()
    }

    /// Errors: wrong statuses by their class, and what had no answer.
    pub fn by_kind(&self) -> BTreeMap<&'static str, u64> {
        let mut kinds = BTreeMap::new();
        for (status, count) in &self.wrong {
            let class = match status / 100 {
                2 => "status_2xx",
                3 => "status_3xx",
                4 => "status_4xx",
                5 => "status_5xx",
                _ => "status_other",
            };
            *kinds.entry(class).or_default() += count;
        }
        kinds.extend(self.failed.iter().map(|(kind, count)| (kind.name(), *count)));
        kinds
    }
}

fn add<K: Ord>(to: &mut BTreeMap<K, u64>, from: &mut BTreeMap<K, u64>) {
    for (key, count) in std::mem::take(from) {
        *to.entry(key).or_default() += count;
    }
}
