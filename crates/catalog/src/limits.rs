//! What a request of a Worker may use, and how limits from several places combine: they only tighten.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Limits of one script's requests. `None` says nothing; the smaller of two values wins
/// ([`Limits::tighten`]). All but the two that count requests are of one invocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// CPU milliseconds of one request, all its JavaScript and host work together.
    pub cpu_ms: Option<u32>,
    /// `fetch` calls and binding calls that one request may start.
    pub subrequests: Option<u32>,
    /// Bytes of guest memory plus host-side buffers of one instance.
    pub memory_bytes: Option<u64>,
    /// Milliseconds from the call to the end of all that it started, and of the response's body.
    pub wall_ms: Option<u32>,
    /// Bytes of a request's body.
    pub request_bytes: Option<u64>,
    /// Bytes of a response's body.
    pub response_bytes: Option<u64>,
    /// Requests of the script under way at once, on one node.
    pub concurrent_requests: Option<u32>,
    /// Requests of the script that begin within a second, on one node.
    pub requests_per_second: Option<u32>,
    /// Requests to the network that wait for their response's head at once; further ones queue.
    pub connections: Option<u32>,
    /// Bytes of `console` lines; further ones are dropped.
    pub log_bytes: Option<u64>,
}

impl Limits {
    /// Cloudflare's defaults (contract §5.2): 30 s of CPU, 10,000 subrequests, 128 MiB, 6 connections,
    /// 128 KiB of logs; no limit of the rest.
    pub const DEFAULT: Limits = Limits {
        cpu_ms: Some(30_000),
        subrequests: Some(10_000),
        memory_bytes: Some(128 << 20),
        wall_ms: None,
        request_bytes: None,
        response_bytes: None,
        concurrent_requests: None,
        requests_per_second: None,
        connections: Some(6),
        log_bytes: Some(128 << 10),
    };

    /// The smaller of each; the one place where limits of node, namespace, tenant, script and call meet.
    #[must_use]
    pub fn tighten(self, other: Limits) -> Limits {
        fn smaller<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
            match (a, b) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            }
        }
        Limits {
            cpu_ms: smaller(self.cpu_ms, other.cpu_ms),
            subrequests: smaller(self.subrequests, other.subrequests),
            memory_bytes: smaller(self.memory_bytes, other.memory_bytes),
            wall_ms: smaller(self.wall_ms, other.wall_ms),
            request_bytes: smaller(self.request_bytes, other.request_bytes),
            response_bytes: smaller(self.response_bytes, other.response_bytes),
            concurrent_requests: smaller(self.concurrent_requests, other.concurrent_requests),
            requests_per_second: smaller(self.requests_per_second, other.requests_per_second),
            connections: smaller(self.connections, other.connections),
            log_bytes: smaller(self.log_bytes, other.log_bytes),
        }
    }

    /// Without those that count a script's requests: what holds for another script that is called on
    /// behalf of this one.
    #[must_use]
    pub fn of_invocation(self) -> Limits {
        Limits { concurrent_requests: None, requests_per_second: None, ..self }
    }

    /// CPU time, with the default where nothing is said.
    pub fn cpu(&self) -> Duration {
        Duration::from_millis(u64::from(self.cpu_ms.unwrap_or(30_000)))
    }

    pub fn wall(&self) -> Option<Duration> {
        self.wall_ms.map(|ms| Duration::from_millis(ms.into()))
    }
}

/// One of [`Limits`], by the name that people set it by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Limit {
    Cpu,
    Subrequests,
    Memory,
    Wall,
    RequestBytes,
    ResponseBytes,
    ConcurrentRequests,
    RequestsPerSecond,
    /// Reaching it only makes a fetch wait.
    Connections,
    LogBytes,
}

impl Limit {
    pub const ALL: [Limit; 10] = [
        Self::Cpu,
        Self::Subrequests,
        Self::Memory,
        Self::Wall,
        Self::RequestBytes,
        Self::ResponseBytes,
        Self::ConcurrentRequests,
        Self::RequestsPerSecond,
        Self::Connections,
        Self::LogBytes,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cpu => "cpu_ms",
            Self::Subrequests => "subrequests",
            Self::Memory => "memory",
            Self::Wall => "wall_ms",
            Self::RequestBytes => "request_bytes",
            Self::ResponseBytes => "response_bytes",
            Self::ConcurrentRequests => "concurrent_requests",
            Self::RequestsPerSecond => "requests_per_second",
            Self::Connections => "connections",
            Self::LogBytes => "log_bytes",
        }
    }
}

/// Limits that were reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LimitSet(u16);

impl LimitSet {
    pub fn insert(&mut self, limit: Limit) {
        self.0 |= 1 << limit as u16;
    }

    pub fn contains(self, limit: Limit) -> bool {
        self.0 & (1 << limit as u16) != 0
    }

    pub fn iter(self) -> impl Iterator<Item = Limit> {
        Limit::ALL.into_iter().filter(move |limit| self.contains(*limit))
    }

    pub fn bits(self) -> u16 {
        self.0
    }

    pub fn from_bits(bits: u16) -> Self {
        Self(bits)
    }
}

/// Whether requests of a script share instances (design §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Isolation {
    /// The runtime decides: warm for dispatch Workers and heavy bundles, else clean.
    #[default]
    Auto,
    /// A clean instance for every request.
    Request,
    /// Instances that live on, as Workers' isolates do.
    Warm,
}

#[cfg(test)]
mod tests {
    use super::{Limit, LimitSet, Limits};

    const ALL: Limits = Limits {
        cpu_ms: Some(20),
        subrequests: Some(5),
        memory_bytes: Some(10),
        wall_ms: Some(11),
        request_bytes: Some(12),
        response_bytes: Some(13),
        concurrent_requests: Some(14),
        requests_per_second: Some(15),
        connections: Some(2),
        log_bytes: Some(17),
    };

    #[test]
    fn limits_only_tighten() {
        let a = Limits { cpu_ms: Some(50), subrequests: None, memory_bytes: Some(10), ..Limits::default() };
        let b = Limits { cpu_ms: Some(20), subrequests: Some(5), memory_bytes: Some(99), ..Limits::default() };
        let both = Limits { cpu_ms: Some(20), subrequests: Some(5), memory_bytes: Some(10), ..Limits::default() };
        assert_eq!(a.tighten(b), both);
        assert_eq!(b.tighten(a), both);
        assert_eq!(a.tighten(Limits::default()), a);
        assert_eq!(Limits::DEFAULT.tighten(ALL), ALL);
    }

    /// Of each field, from either side: none is forgotten.
    #[test]
    fn every_limit_is_tightened() {
        assert_eq!(Limits::default().tighten(ALL), ALL);
        assert_eq!(ALL.tighten(Limits::default()), ALL);
        let json = serde_json::to_value(ALL).unwrap();
        for (field, value) in json.as_object().unwrap() {
            for (other, wanted) in
                [(value.as_u64().unwrap() - 1, value.as_u64().unwrap() - 1), (99, value.as_u64().unwrap())]
            {
                let mut changed = json.clone();
                changed[field] = other.into();
                let changed: Limits = serde_json::from_value(changed).unwrap();
                for both in [ALL.tighten(changed), changed.tighten(ALL)] {
                    assert_eq!(serde_json::to_value(both).unwrap()[field], wanted, "{field}");
                }
            }
        }
        assert_eq!(json.as_object().unwrap().len(), Limit::ALL.len());
    }

    #[test]
    fn a_set_holds_what_was_put_in() {
        for (number, limit) in Limit::ALL.into_iter().enumerate() {
            assert_eq!(limit as usize, number);
            let mut set = LimitSet::default();
            set.insert(limit);
            assert_eq!(set.iter().collect::<Vec<_>>(), [limit]);
            assert_eq!(LimitSet::from_bits(set.bits()), set);
        }
    }
}
