//! `[trace]`: where spans are exported to, and of which requests.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Wrong, units};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Trace {
    /// A collector's URL for traces; empty: nothing is recorded.
    pub endpoint: String,
    /// Share of traces that are recorded, from 0 to 1.
    pub ratio: f64,
    /// Spans that wait to be sent.
    pub queue: u32,
    #[serde(with = "units::duration")]
    pub timeout: Duration,
}

impl Default for Trace {
    fn default() -> Self {
        Self { endpoint: String::new(), ratio: 0.01, queue: 8_192, timeout: Duration::from_secs(10) }
    }
}

impl Trace {
    pub(super) fn check(&self) -> Result<(), Wrong> {
        let wrong = |key, message: &str| Err(Wrong { key: Some(key), ..Wrong::new("trace", 0, message) });
        if !self.endpoint.is_empty() {
            if !cfg!(feature = "otlp") {
                return wrong("endpoint", "this program was built without the feature \"otlp\", which endpoint needs");
            }
            let url = url::Url::parse(&self.endpoint).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
            if url.is_none() {
                return wrong("endpoint", "endpoint must be a URL, such as http://127.0.0.1:4318/v1/traces");
            }
        }
        if !(0.0..=1.0).contains(&self.ratio) {
            return wrong("ratio", "ratio must be from 0 to 1");
        }
        if self.queue == 0 {
            return wrong("queue", "queue is too small");
        }
        if self.timeout.is_zero() {
            return wrong("timeout", "timeout is too small");
        }
        Ok(())
    }
}
