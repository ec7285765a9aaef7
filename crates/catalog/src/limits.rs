//! What a request of a Worker may use, and how limits from several places combine: they only tighten.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Limits of one invocation. `None` says nothing; the smaller of two values wins ([`Limits::tighten`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// CPU milliseconds of one request, all its JavaScript and host work together.
    pub cpu_ms: Option<u32>,
    /// `fetch` calls and binding calls that one request may start.
    pub subrequests: Option<u32>,
    /// Bytes of guest memory plus host-side buffers of one instance.
    pub memory_bytes: Option<u64>,
}

impl Limits {
    /// Cloudflare's defaults (contract §5.2): 30 s of CPU, 10,000 subrequests, 128 MiB.
    pub const DEFAULT: Limits =
        Limits { cpu_ms: Some(30_000), subrequests: Some(10_000), memory_bytes: Some(128 << 20) };

    /// The smaller of each; the one place where limits of node, namespace, script and call meet.
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
        }
    }

    /// CPU time, with the default where nothing is said.
    pub fn cpu(&self) -> Duration {
        Duration::from_millis(u64::from(self.cpu_ms.unwrap_or(30_000)))
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
    use super::Limits;

    #[test]
    fn limits_only_tighten() {
        let a = Limits { cpu_ms: Some(50), subrequests: None, memory_bytes: Some(10) };
        let b = Limits { cpu_ms: Some(20), subrequests: Some(5), memory_bytes: Some(99) };
        let both = Limits { cpu_ms: Some(20), subrequests: Some(5), memory_bytes: Some(10) };
        assert_eq!(a.tighten(b), both);
        assert_eq!(b.tighten(a), both);
        assert_eq!(a.tighten(Limits::default()), a);
        assert_eq!(Limits::DEFAULT.tighten(both), both);
    }
}
