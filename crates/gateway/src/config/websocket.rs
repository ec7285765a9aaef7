//! What a WebSocket may take, of clients and of Workers that open one.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::units;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WebSocket {
    #[serde(with = "units::size")]
    pub message_bytes: u64,
    #[serde(with = "units::duration")]
    pub idle_timeout: Duration,
    #[serde(with = "units::duration")]
    pub close_timeout: Duration,
}

impl Default for WebSocket {
    fn default() -> Self {
        Self { message_bytes: 32 << 20, idle_timeout: Duration::from_secs(300), close_timeout: Duration::from_secs(10) }
    }
}
