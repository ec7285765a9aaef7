//! `[plan.NAME]`: limits and a weight that namespaces, scripts, tokens and tenant rows choose by name.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use switchyard_catalog::{Limits, PlanName};

use super::{Wrong, units};

/// What is left out says nothing: then what is set elsewhere holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The share of the CPU where others want it too: twice the weight gets twice as much.
    #[serde(default = "one")]
    pub weight: u16,
    #[serde(default, with = "units::optional_duration", skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Duration>,
    pub subrequests: Option<u32>,
    #[serde(default, with = "units::optional_size", skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    #[serde(default, with = "units::optional_duration", skip_serializing_if = "Option::is_none")]
    pub wall: Option<Duration>,
    #[serde(default, with = "units::optional_size", skip_serializing_if = "Option::is_none")]
    pub request_bytes: Option<u64>,
    #[serde(default, with = "units::optional_size", skip_serializing_if = "Option::is_none")]
    pub response_bytes: Option<u64>,
    pub concurrent_requests: Option<u32>,
    pub requests_per_second: Option<u32>,
    pub fetches_at_once: Option<u32>,
    #[serde(default, with = "units::optional_size", skip_serializing_if = "Option::is_none")]
    pub log_bytes: Option<u64>,
}

fn one() -> u16 {
    1
}

impl Plan {
    pub fn limits(&self) -> Limits {
        let ms = |time: Duration| u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
        Limits {
            cpu_ms: self.cpu.map(ms),
            subrequests: self.subrequests,
            memory_bytes: self.memory,
            wall_ms: self.wall.map(ms),
            request_bytes: self.request_bytes,
            response_bytes: self.response_bytes,
            concurrent_requests: self.concurrent_requests,
            requests_per_second: self.requests_per_second,
            connections: self.fetches_at_once,
            log_bytes: self.log_bytes,
        }
    }

    pub(super) fn check(&self, name: &str) -> Result<(), Wrong> {
        let section = format!("plan.{name}");
        let wrong = |key, message: String| Err(Wrong { key, ..Wrong::new(&section, 0, message) });
        if let Err(error) = PlanName::parse(name) {
            return wrong(None, error.to_string());
        }
        let short = |time: Option<Duration>| time.is_some_and(|time| time < Duration::from_millis(1));
        for (key, small) in [
            ("weight", self.weight == 0),
            ("cpu", short(self.cpu)),
            ("wall", short(self.wall)),
            ("memory", self.memory.is_some_and(|bytes| bytes < 8 << 20)),
            ("requests_per_second", self.requests_per_second == Some(0)),
            ("fetches_at_once", self.fetches_at_once == Some(0)),
        ] {
            if small {
                return wrong(Some(key), format!("{key} is too small"));
            }
        }
        Ok(())
    }
}
